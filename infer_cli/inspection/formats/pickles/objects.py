"""The names that a pickle imports, and the objects that it makes with them."""

from __future__ import annotations

import _compat_pickle
import math
from typing import TYPE_CHECKING, ClassVar, cast

from infer_cli.inspection.facts.calls import Costs, check_arguments, check_empty
from infer_cli.inspection.facts.policy import NAME, is_listed, use_of
from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.array_bytes import FROM_BUFFER
from infer_cli.inspection.formats.pickles.functions import is_code, refuse_code
from infer_cli.inspection.formats.pickles.strings import Strings
from infer_cli.inspection.nodes.arrays import DTYPE, dtype_of
from infer_cli.inspection.nodes.node_types import (
    Blob,
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
    is_special,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream

# From this protocol on, the names in a pickle are those of Python 3.
PYTHON_3_PROTOCOL = 3
GETATTR = Global("builtins", "getattr")
RECONSTRUCTOR = Global("copyreg", "_reconstructor")
SHAPE_BEFORE = 3
# An object with __slots__ has two dictionaries as its state.
_PAIR = 2
_MAPPINGS = frozenset({"Bunch", "Counter", "OrderedDict", "_DictWithDeprecatedKeys", "defaultdict"})
# What stands for a value of each class that has a value of its own to start from.
_BASES: dict[str, tuple[type, ...]] = {
    "dict": (DictNode,),
    "float": (float,),
    "frozenset": (SetNode, Instance),
    "int": (int,),
    "list": (ListNode,),
    "set": (SetNode, Instance),
    "str": (str, Blob),
    "tuple": (tuple,),
}
# The constructors of random states call their second argument, which must be NumPy's own function.
RANDOM = tuple(Global("numpy.random._pickle", name) for name in ("__randomstate_ctor", "__generator_ctor"))
BIT_GENERATOR = Global("numpy.random._pickle", "__bit_generator_ctor")


class Objects(Strings):
    """A stack with the opcodes of names and objects: it notes each name, and makes a node of each object."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        self.protocol = 0
        self.globals: set[Global] = set()
        # The names that loading calls. A class whose `__new__` alone is called, without arguments, counts
        # only if no object may be made of it.
        self.calls: set[Global] = set()
        self._interned: dict[tuple[str, str], Global] = {}
        self.costs = Costs(lambda: stream.position)

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
        called = callee if isinstance(callee, Global) else self._attribute_of(callee.arguments)
        if is_call or use_of(called) == NAME:
            self.calls.add(called)
        if callee == GETATTR:
            self._note(self._attribute_of(arguments))
        if callee in RANDOM and arguments[1:] not in ((), (BIT_GENERATOR,)):
            self.refuse("makes a random state as no pickler does")
        if isinstance(callee, Global):
            self._check_arguments(callee, arguments, keywords)
            arguments = self.noted(arguments) if callee.name == FROM_BUFFER else arguments
        made = Instance(callee, arguments, keywords)
        check_empty(made)
        self._push_new(made)

    def _check_arguments(
        self, callee: Global, arguments: tuple[Node, ...], keywords: DictNode | None
    ) -> None:
        check_arguments(callee, arguments, keywords)
        if callee == RECONSTRUCTOR and not _is_reconstruction(arguments):
            self.refuse("makes an object of another's base")
        self.costs.take_call(callee, arguments)

    def _attribute_of(self, arguments: tuple[Node, ...]) -> Global:
        """Give the dotted name that an attribute of a class or of an object stands for."""
        match arguments:
            case (Global() as owner, str(name)) | (Instance(made_by=Global() as owner), str(name)):
                return Global(owner.module, f"{owner.name}.{name}")
            case _:
                return self.refuse("takes an attribute of an object that it does not name")

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
        if _is_odd(state) and (instance.made_by is None or is_listed(instance.made_by, is_called=False)):
            # Some classes take attributes from a list of pairs, or from another mapping.
            self.refuse("sets attributes that are in no dictionary")
        if _has_other_objects(instance, state):
            self.refuse("has an array with another number of objects than it says")
        if instance.callee == DTYPE:
            self.check_unused(instance)
        instance.states += (state,)
        self.costs.take_state(instance, state)
        if instance.callee == DTYPE:
            self.costs.check_fields(instance)
        if _is_false_dtype(instance):
            self.refuse("has a dtype that contradicts itself")
        check_empty(instance)
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


def _has_other_objects(instance: Instance, state: Node) -> bool:
    """Say whether an array gets another number of objects than it has elements: NumPy would read behind them.

    In the state of an array, the shape stands three places before the list of the objects.
    """
    is_array = isinstance(instance.callee, Global) and instance.callee.name in (
        "_reconstruct",
        "_mareconstruct",
    )
    if not is_array or not isinstance(state, tuple):
        return False
    for at, part in enumerate(state):
        if isinstance(part, ListNode):
            match state[at - SHAPE_BEFORE] if at >= SHAPE_BEFORE else None:
                case tuple() as shape if all(type(one) is int for one in shape):
                    if math.prod(cast("tuple[int, ...]", shape)) != len(part.items):
                        return True
                case _:
                    return True
    return False


def _is_reconstruction(arguments: tuple[Node, ...]) -> bool:
    """Say whether `copyreg._reconstructor` gets what it puts into the object as a value of the very base."""
    match arguments:
        case (_, Global("builtins", "object"), state):
            return state is None
        case (_, Global("builtins", base), state):
            return base in _BASES and isinstance(state, _BASES[base])
    return False


def _is_odd(state: Node) -> bool:
    """Say whether a state gives attributes in a list, or in a mapping of another class than `dict`."""
    parts = state if isinstance(state, tuple) and len(state) == _PAIR else (state,)
    return isinstance(state, ListNode) or any(
        isinstance(part, Instance) and part.made_by is not None and part.made_by.name in _MAPPINGS
        for part in parts
    )


def _sets_special(state: Node) -> bool:
    """Say whether a state would set a special attribute, such as the class of an object."""
    return isinstance(state, DictNode) and any(map(is_special, state.keys_and_values[::2]))


def _is_false_dtype(instance: Instance) -> bool:
    """Say whether an object is a dtype of NumPy that `dtype_of` does not understand.

    A dtype with false flags makes NumPy take the bytes of an array for addresses of objects.
    """
    has_code = instance.callee == DTYPE and isinstance(next(iter(instance.arguments), None), str)
    return has_code and dtype_of(instance) is None
