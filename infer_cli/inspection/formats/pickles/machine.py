"""A machine that goes through a pickle as Python's unpickler would, and makes inert nodes of it.

Nothing is imported and nothing is called. It follows `load_*` of CPython's `Lib/pickle.py` (which joblib
loads with) and `Modules/_pickle.c` (which `pickle.load` uses); where those two would go different ways, or
where a pickle does what no pickler writes, the file is refused. So the names collected here are all
that loading would import.
"""

from __future__ import annotations

import _compat_pickle
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NoReturn

from infer_cli.inspection.facts.boosters import HANDLES
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.stack import Stack
from infer_cli.inspection.nodes.arrays import DTYPE, dtype_of
from infer_cli.inspection.nodes.node_types import Blob, DictNode, Global, Instance, ListNode, Node, SetNode

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream

PROTOCOL_MAX = 5
# From here on names of Python 2 are no longer translated.
PYTHON_3_PROTOCOL = 3

# Up to this length texts and byte strings are always kept; beyond it only where they may be asked for.
KEPT_BYTES = 1024
WANTED_BYTES = 16 * 1024 * 1024
# The attributes whose arrays are looked at.
WANTED = frozenset(
    {
        "_classes",
        "_transformer_to_input_indices",
        "categories_",
        "classes_",
        "estimators_features_",
        "feature_names_in_",
        "statistics_",
    }
)
# How much is looked at of a model in the format of its own library.
STARTED_BYTES = 64 * 1024

# After so many steps the height of the stack is looked at.
BLOCK_STEPS = 1 << 16
GETATTR = Global("builtins", "getattr")
# These would call their second argument.
RANDOM = tuple(Global("numpy.random._pickle", name) for name in ("__randomstate_ctor", "__generator_ctor"))
BIT_GENERATOR = Global("numpy.random._pickle", "__bit_generator_ctor")


class Machine(Stack):
    """One run over one pickle."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        self.protocol = 0
        self.globals: set[Global] = set()
        # Those of them that are called with arguments, or with none where only __new__ should be.
        self.calls: set[Global] = set()
        # Where the frame ends that was announced last; joblib's arrays must not lie inside one.
        self.frame_end = 0
        self._has_ended = False
        self._interned: dict[tuple[str, str], Global] = {}

    def run(self) -> Node:
        """Go through the pickle up to its end, and give what it describes."""
        while not self._has_ended:
            self._run_block()
            self.check_height()
        return self.result()

    def _run_block(self) -> None:
        byte = self.stream.byte
        for step in range(BLOCK_STEPS):
            code = byte()
            value = _VALUES[code]
            effect = _EFFECTS[code]
            if value is not None:
                self._stack.append(value(self.stream))
            elif effect is not None:
                effect(self)
            elif code == STOP:
                self._has_ended = True
                self._budget.take_steps(step)
                return
            else:
                self.refuse(f"has an unknown opcode {code:#04x}", back=1)
        self._budget.take_steps(BLOCK_STEPS)

    def resolve(self, module: str, name: str) -> Global:
        """Give the name that a module and name of the file mean, and note that it would be imported."""
        if self.protocol < PYTHON_3_PROTOCOL:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[(module, name)]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        found = self._interned.get((module, name))
        if found is None:
            found = self._interned[module, name] = Global(module, name)
            self._note(found)
        return found

    def _note(self, name: Global) -> None:
        self.globals.add(name)

    def built(self, instance: Instance) -> Node:
        """Give what takes the place of an object whose state has just been set."""
        return instance

    # Texts and byte strings.

    def _is_of(self, attributes: frozenset[str]) -> bool:
        # The array of an attribute is written after the attribute's name, at most a few levels deep.
        nearby = [self._stack[-4:], *(level[-4:] for level in self._levels[-3:])]
        return any(isinstance(item, str) and item in attributes for items in nearby for item in items)

    def _keeps(self, length: int) -> bool:
        if length > KEPT_BYTES and (length > WANTED_BYTES or not self._is_of(WANTED)):
            return False
        self._budget.take_text(length)
        return True

    def take(self, length: int) -> bytes | Blob:
        """Read bytes, or pass over them if nobody will ask for them."""
        if self._keeps(length):
            return self.stream.read(length)
        start = b""
        if self._is_of(HANDLES):
            start = self.stream.read(min(length, STARTED_BYTES))
            self._budget.take_text(len(start))
        self.stream.skip(length - len(start))
        return Blob(length, start=start)

    def _bytes(self, length: int) -> None:
        self._stack.append(self.take(length))

    def _text(self, length: int, decode: Callable[[bytes, Stream], str]) -> None:
        data = self.take(length)
        text = replace(data, is_text=True) if isinstance(data, Blob) else decode(data, self.stream)
        self._stack.append(text)

    def _text_line(self) -> None:
        keep = WANTED_BYTES if self._is_of(WANTED) else KEPT_BYTES
        line, length = self.stream.line_start(keep)
        if length > len(line):
            self._stack.append(Blob(length, is_text=True))
            return
        self._keeps(length)
        self._stack.append(opcodes.escaped_text(line, self.stream))

    # Containers.

    def _tuple(self, size: int) -> None:
        if len(self._stack) < size:
            self.refuse("takes a value from an empty stack")
        self._stack[-size:] = [tuple(self._stack[-size:])]

    def _tuple_of_level(self) -> None:
        items = tuple(self.pop_level())
        self._stack.append(items)

    def _list(self) -> None:
        items = self.pop_level()
        self._push_new(ListNode(items))

    def _frozen_set(self) -> None:
        items = self.pop_level()
        self._push_new(SetNode(items))

    def _dict(self) -> None:
        items = self.pop_level()
        self._push_new(DictNode([]))
        self._update(items)

    def _push_new(self, container: ListNode | SetNode | DictNode | Instance) -> None:
        self._budget.take_nodes(1)
        self._stack.append(container)

    def _append(self) -> None:
        self._budget.take_nodes(1)
        self._extend([self.pop()])

    def _append_level(self) -> None:
        self._extend(self.pop_level())

    def _extend(self, items: list[Node]) -> None:
        match self.top():
            case ListNode() as container:
                container.items += items
            case Instance() as container:
                self._put(container, items)
            case _:
                self.refuse("appends to what is no list")

    def _add_level(self) -> None:
        items = self.pop_level()
        match self.top():
            case SetNode() as container:
                container.items += items
            case Instance() as container:
                self._put(container, items)
            case _:
                self.refuse("adds to what is no set")

    def _put(self, container: Instance, items: list[Node]) -> None:
        if container.made_by is not None:
            # It is a method of the object that is called.
            self.calls.add(container.made_by)
        container.put(items)

    def _set_item(self) -> None:
        value = self.pop()
        self._budget.take_nodes(2)
        self._update([self.pop(), value])

    def _set_level(self) -> None:
        self._update(self.pop_level())

    def _update(self, keys_and_values: list[Node]) -> None:
        if len(keys_and_values) % 2:
            self.refuse("has a dictionary key without a value")
        match self.top():
            case DictNode() as container:
                container.keys_and_values += keys_and_values
            case Instance() as container:
                if any(map(_is_special, keys_and_values[::2])):
                    # Some classes lend their keys as attributes.
                    self.refuse("sets a special attribute of an object")
                container.put(keys_and_values)
            case _:
                self.refuse("sets an item of what is no dictionary")

    # Names, and the objects made with them.

    def _global_of_lines(self) -> None:
        module = opcodes.name_line(self.stream)
        self._stack.append(self.resolve(module, opcodes.name_line(self.stream)))

    def _global_of_stack(self) -> None:
        name, module = self.pop(), self.pop()
        if not (isinstance(name, str) and isinstance(module, str) and name and module):
            self.refuse("computes the name of something that it imports")
        self._stack.append(self.resolve(module, name))

    def _instance_of_lines(self) -> None:
        module, name = opcodes.name_line(self.stream), opcodes.name_line(self.stream)
        if not (module.isascii() and name.isascii()):
            self.refuse("has a name that is not ASCII")
        arguments = tuple(self.pop_level())
        self._make(self.resolve(module, name), arguments, is_call=bool(arguments))

    def _instance_of_level(self) -> None:
        items = self.pop_level()
        if not items:
            self.refuse("makes an object without a class")
        self._make(items[0], tuple(items[1:]), is_call=len(items) > 1)

    def _call(self) -> None:
        arguments = self.pop()
        self._make(self.pop(), arguments, is_call=True)

    def _new(self) -> None:
        arguments = self.pop()
        self._make(self.pop(), arguments, is_call=bool(arguments))

    def _call_with_keywords(self) -> None:
        keywords = self.pop()
        if not isinstance(keywords, DictNode):
            self.refuse("makes an object with keywords that are no dictionary")
        arguments = self.pop()
        self._make(self.pop(), arguments, keywords, is_call=bool(arguments) or bool(keywords.keys_and_values))

    def _make(
        self, callee: Node, arguments: Node, keywords: DictNode | None = None, *, is_call: bool
    ) -> None:
        if not isinstance(callee, Global | Instance):
            self.refuse("calls what cannot be called")
        if isinstance(callee, Instance) and callee.callee != GETATTR:
            # A class or function that was computed, or an object that can be called.
            self.refuse("calls what it does not name")
        if not isinstance(arguments, tuple):
            self.refuse("calls something with arguments that are no tuple")
        if is_call and isinstance(callee, Global):
            self.calls.add(callee)
        if callee == GETATTR:
            self._note_attribute(arguments)
        if callee in RANDOM and arguments[1:] not in ((), (BIT_GENERATOR,)):
            self.refuse("makes a random state as no pickler does")
        self._push_new(Instance(callee, arguments, keywords))

    def _note_attribute(self, arguments: tuple[Node, ...]) -> None:
        """Note the attribute of a class, or of an object's class, as the name that it amounts to."""
        match arguments:
            case (Global() as owner, str(name)):
                self._note(Global(owner.module, f"{owner.name}.{name}"))
            case (Instance(made_by=Global() as owner), str(name)):
                self._note(Global(owner.module, f"{owner.name}.{name}"))
            case _:
                self.refuse("takes an attribute of what it does not name")

    def _build(self) -> None:
        state = self.pop()
        instance = self.top()
        if not isinstance(instance, Instance):
            # On a class or function this would change it for the whole process.
            self.refuse("sets the state of what is no object")
        if instance.states:
            # What was checked before may not be changed after.
            self.refuse("sets the state of an object again")
        if any(map(_sets_special, state if isinstance(state, tuple) else (state,))):
            self.refuse("sets a special attribute of an object")
        instance.states += (state,)
        if _lies(instance):
            self.refuse("has a data type that lies about itself")
        self._stack[-1] = self.built(instance)

    # What announces, and what is refused.

    def _protocol(self) -> None:
        protocol = self.stream.byte()
        if protocol > PROTOCOL_MAX:
            self.refuse(f"says that it is of pickle protocol {protocol}, above {PROTOCOL_MAX},")
        self.protocol = protocol

    def _frame(self) -> None:
        size = opcodes.uint8(self.stream)
        if self.stream.position < self.frame_end:
            self.refuse("starts a frame inside another")
        self.frame_end = self.stream.position + size

    def _extension(self) -> None:
        self._refuse_outside("a registered extension code")

    def _persistent(self) -> None:
        self._refuse_outside("a persistent id, as PyTorch's files do,")

    def _buffer(self) -> None:
        self._refuse_outside("an out-of-band buffer")

    def _refuse_outside(self, what: str) -> NoReturn:
        reason = f"refers to something outside of it, by {what} at byte {self.stream.position - 1}"
        raise Refused(reason, hint="Save a scikit-learn model with joblib.dump(model, 'model.joblib').")

    EFFECTS: ClassVar[dict[bytes, Callable[[Machine], None]]] = {
        b"(": Stack.mark,
        b"0": Stack.drop,
        b"1": Stack.drop_level,
        b"2": Stack.duplicate,
        b"p": lambda self: self.put(opcodes.index_line(self.stream)),
        b"q": lambda self: self.put(self.stream.byte()),
        b"r": lambda self: self.put(opcodes.uint4(self.stream)),
        b"\x94": Stack.memoize,
        b"g": lambda self: self.get(opcodes.index_line(self.stream)),
        b"h": lambda self: self.get(self.stream.byte()),
        b"j": lambda self: self.get(opcodes.uint4(self.stream)),
        b"C": lambda self: self._bytes(self.stream.byte()),
        b"B": lambda self: self._bytes(opcodes.uint4(self.stream)),
        b"\x8e": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"\x96": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"U": lambda self: self._text(self.stream.byte(), opcodes.ascii_text),
        b"T": lambda self: self._text(opcodes.size4(self.stream), opcodes.ascii_text),
        b"\x8c": lambda self: self._text(self.stream.byte(), opcodes.utf8_text),
        b"X": lambda self: self._text(opcodes.uint4(self.stream), opcodes.utf8_text),
        b"\x8d": lambda self: self._text(opcodes.uint8(self.stream), opcodes.utf8_text),
        b"V": _text_line,
        b"\x85": lambda self: self._tuple(1),
        b"\x86": lambda self: self._tuple(2),
        b"\x87": lambda self: self._tuple(3),
        b"t": _tuple_of_level,
        b"]": lambda self: self._push_new(ListNode([])),
        b"l": _list,
        b"\x8f": lambda self: self._push_new(SetNode([])),
        b"\x91": _frozen_set,
        b"}": lambda self: self._push_new(DictNode([])),
        b"d": _dict,
        b"a": _append,
        b"e": _append_level,
        b"\x90": _add_level,
        b"s": _set_item,
        b"u": _set_level,
        b"c": _global_of_lines,
        b"\x93": _global_of_stack,
        b"i": _instance_of_lines,
        b"o": _instance_of_level,
        b"R": _call,
        b"\x81": _new,
        b"\x92": _call_with_keywords,
        b"b": _build,
        b"\x80": _protocol,
        b"\x95": _frame,
        b"\x82": _extension,
        b"\x83": _extension,
        b"\x84": _extension,
        b"P": _persistent,
        b"Q": _persistent,
        b"\x97": _buffer,
        b"\x98": _buffer,
    }


def _sets_special(state: Node) -> bool:
    """Tell whether a state would set what Python itself looks at, such as an object's class."""
    return isinstance(state, DictNode) and any(map(_is_special, state.keys_and_values[::2]))


def _is_special(name: Node) -> bool:
    return isinstance(name, str) and name.startswith("__") and name.endswith("__")


def _lies(instance: Instance) -> bool:
    """Tell whether it is a data type whose flags are not its own: its arrays would hold any addresses."""
    has_code = instance.callee == DTYPE and isinstance(next(iter(instance.arguments), None), str)
    return has_code and dtype_of(instance) is None


STOP = ord(".")
_VALUES = [opcodes.VALUES.get(bytes([code])) for code in range(256)]
_EFFECTS = [Machine.EFFECTS.get(bytes([code])) for code in range(256)]
