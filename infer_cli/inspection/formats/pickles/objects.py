"""The names that a pickle imports, and the objects that it makes with them."""

from __future__ import annotations

import _compat_pickle
from typing import TYPE_CHECKING, ClassVar

from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.functions import is_code, refuse_code
from infer_cli.inspection.formats.pickles.strings import Strings
from infer_cli.inspection.nodes.arrays import DTYPE, dtype_of
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, Node, is_special

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream

# From this protocol on, the names in a pickle are those of Python 3.
PYTHON_3_PROTOCOL = 3
GETATTR = Global("builtins", "getattr")
# The constructors of random states call their second argument, which must be NumPy's own function.
RANDOM = tuple(Global("numpy.random._pickle", name) for name in ("__randomstate_ctor", "__generator_ctor"))
BIT_GENERATOR = Global("numpy.random._pickle", "__bit_generator_ctor")


class Objects(Strings):
    """A stack with the opcodes of names and objects: it notes each name, and makes a node of each object."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        self.protocol = 0
        self.globals: set[Global] = set()
        # The names that loading calls. A class whose `__new__` alone is called, without arguments, does not
        # count.
        self.calls: set[Global] = set()
        self._interned: dict[tuple[str, str], Global] = {}

    def resolve(self, module: str, name: str) -> Global:
        """Give the name that loading would import for a module and name of the file, and note it.

        Protocols 0 to 2 have the names of Python 2, which the unpickler translates.
        """
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
        """Give what stands for an object whose state has just been set; a subclass may give another node."""
        return instance

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
            self.refuse("calls a value that cannot be called")
        if isinstance(callee, Instance) and is_code(callee):
            refuse_code(arguments)
        if isinstance(callee, Instance) and callee.callee != GETATTR:
            # Such a callee is a class or function that the pickle computed, or an object with a `__call__`.
            self.refuse("calls an object that it does not name")
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
        """Note an attribute of a class or of an object as the dotted name that it stands for."""
        match arguments:
            case (Global() as owner, str(name)):
                self._note(Global(owner.module, f"{owner.name}.{name}"))
            case (Instance(made_by=Global() as owner), str(name)):
                self._note(Global(owner.module, f"{owner.name}.{name}"))
            case _:
                self.refuse("takes an attribute of an object that it does not name")

    def _build(self) -> None:
        state = self.pop()
        instance = self.top()
        if not isinstance(instance, Instance):
            # The state of a class or function changes it for the whole process.
            self.refuse("sets the state of a value that is no object")
        if instance.states:
            # A second state could change what was checked in the first.
            self.refuse("sets the state of an object again")
        if any(map(_sets_special, state if isinstance(state, tuple) else (state,))) and not (
            # Distributions do, and are refused by their names, which the error then tells with their place.
            instance.made_by is not None and instance.made_by.module.startswith("scipy.stats.")
        ):
            self.refuse("sets a special attribute of an object")
        instance.states += (state,)
        if _is_false_dtype(instance):
            self.refuse("has a dtype that contradicts itself")
        self._stack[-1] = self.built(instance)

    OBJECT_EFFECTS: ClassVar[dict[bytes, Callable[[Objects], None]]] = {
        b"c": _global_of_lines,
        b"\x93": _global_of_stack,
        b"i": _instance_of_lines,
        b"o": _instance_of_level,
        b"R": _call,
        b"\x81": _new,
        b"\x92": _call_with_keywords,
        b"b": _build,
    }


def _sets_special(state: Node) -> bool:
    """Say whether a state would set a special attribute, such as the class of an object."""
    return isinstance(state, DictNode) and any(map(is_special, state.keys_and_values[::2]))


def _is_false_dtype(instance: Instance) -> bool:
    """Say whether an object is a dtype of NumPy that `dtype_of` does not understand.

    A dtype with false flags makes NumPy take the bytes of an array for addresses of objects.
    """
    has_code = instance.callee == DTYPE and isinstance(next(iter(instance.arguments), None), str)
    return has_code and dtype_of(instance) is None
