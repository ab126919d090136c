"""With which arguments a file may call a name, and what it may use as keys: what costs no more than the file.

The service judges by the same list, `service/calls.txt`, with code of its own: `service/loading/calls.py`,
which says why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from infer_cli.assets import find_assets
from infer_cli.inspection.facts.patterns import is_quick
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.arrays import DTYPE, dtype_of, shape_of
from infer_cli.inspection.nodes.node_types import (
    Array,
    Blob,
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TEXT_MAX = 1000
COUNT_MAX = 100_000_000
LENGTH_MAX = 100_000
INTEGER_BITS = 64
REUSED_BYTES = 16 * 1024**2
REUSED_TIMES = 10
REFERENCE_BYTES = 8
ATTRIBUTE_BYTES = 16
KEY_PARTS_MAX = 100
COMPOSED_KEYS_MAX = 10_000
FIELDS_MAX = 100
EMPTY_SIZE_MAX = 1_000_000
# How many times bytes may be made of bytes: picklers do that three times, for an array in old protocols.
WRAPPED_MAX = 10
HINT = "Do not use this file, unless you made it yourself; then save the fitted model alone."

_CODE = re.compile(r"[|<>=]?[biufcmMOSUVa]\d{1,7}")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?(E[+-]?\d{1,3})?|Infinity|s?NaN\d*)", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?\d+(/\d+)?")
_NUMBER_CHARACTERS = 100
TREE = Global("sklearn.tree._tree", "Tree")
RANGE = Global("builtins", "range")
SLICE = Global("builtins", "slice")
SETS = (Global("builtins", "set"), Global("builtins", "frozenset"))
BYTES = (Global("_codecs", "encode"), Global("builtins", "bytes"), Global("builtins", "bytearray"))
GETATTR = Global("builtins", "getattr")
ARRAY_NAMES = frozenset({"_frombuffer", "_mareconstruct", "_reconstruct"})
# The kinds of data types of NumPy whose scalars have a hash that cannot be chosen.
_PLAIN_SCALARS = frozenset("biufSUmM")


@dataclass(frozen=True, slots=True)
class _Argument:
    kinds: tuple[str, ...]
    is_optional: bool
    is_many: bool


def _made_by(node: Node, *names: Global) -> bool:
    return isinstance(node, Instance) and node.callee in names


def _is_numpy(node: Node, names: frozenset[str]) -> bool:
    callee = node.callee if isinstance(node, Instance) else None
    return isinstance(callee, Global) and callee.name in names and callee.module.partition(".")[0] == "numpy"


def _is_scalar(node: Node, kinds: str) -> bool:
    if not isinstance(node, Instance) or not _is_numpy(node, frozenset({"scalar"})):
        return False
    dtype = dtype_of(next(iter(node.arguments), None))
    return dtype is not None and dtype.kind in kinds


def _is_integer(node: Node) -> bool:
    return (type(node) is int and node.bit_length() <= INTEGER_BITS) or _is_scalar(node, "iu")


def _is_at_most(node: Node, limit: int) -> bool:
    return type(node) is int and abs(node) <= limit


def _is_text(node: Node, limit: int = TEXT_MAX) -> bool:
    return isinstance(node, str) and len(node) <= limit


def _is_string(node: Node) -> bool:
    return isinstance(node, str) or (isinstance(node, Blob) and node.is_string)


def _is_any(node: Node) -> bool:
    if _is_string(node):
        return _is_text(node)
    return _is_integer(node) if type(node) is int else not _made_by(node, RANGE)


def _is_data(node: Node) -> bool:
    return (
        isinstance(node, bytes) or (isinstance(node, Blob) and not node.is_string) or _made_by(node, *BYTES)
    )


def _matches(node: Node, pattern: re.Pattern[str], limit: int = _NUMBER_CHARACTERS) -> bool:
    return isinstance(node, str) and len(node) <= limit and pattern.fullmatch(node) is not None


def _is_part_of_index(node: Node) -> bool:
    return _is_at_most(node, COUNT_MAX) if type(node) is int else _is_any(node)


KINDS: dict[str, Callable[[Node], bool]] = {
    "any": _is_any,
    "array": lambda node: isinstance(node, Array) or _is_numpy(node, ARRAY_NAMES),
    "bool": lambda node: type(node) is bool,
    "code": lambda node: _matches(node, _CODE),
    "count": lambda node: _is_at_most(node, COUNT_MAX),
    "data": _is_data,
    "decimal": lambda node: _matches(node, _DECIMAL),
    "dict": lambda node: isinstance(node, DictNode),
    "dtype": lambda node: _made_by(node, DTYPE),
    "float": lambda node: isinstance(node, float) or _is_scalar(node, "f"),
    "fraction": lambda node: _matches(node, _FRACTION),
    "index": lambda node: isinstance(node, DictNode) and all(map(_is_part_of_index, _values(node))),
    "int": _is_integer,
    "latin": lambda node: isinstance(node, str) and node in ("latin1", "latin-1"),
    "length": lambda node: _is_at_most(node, LENGTH_MAX),
    "list": lambda node: isinstance(node, ListNode),
    "name": lambda node: isinstance(node, Global) or _made_by(node, GETATTR),
    "none": lambda node: node is None,
    "pandas": lambda node: isinstance(node, Global) and node.module.partition(".")[0] == "pandas",
    "pattern": lambda node: isinstance(node, str) and len(node) <= TEXT_MAX and is_quick(node),
    "shape": lambda node: isinstance(node, tuple) and all(map(_is_integer, node)),
    "string": _is_string,
    "text": _is_text,
    "tuple": lambda node: isinstance(node, tuple),
    "zero": lambda node: isinstance(node, tuple) and len(node) == 1 and type(node[0]) is int and not node[0],
}


@lru_cache(maxsize=1)
def call_rules() -> dict[str, tuple[tuple[_Argument, ...], ...]]:
    """Read `calls.txt`: the arguments that each name may be called with."""
    rules: dict[str, tuple[tuple[_Argument, ...], ...]] = {}
    text = re.sub(r"\n +", " ", find_assets().calls.read_text(encoding="utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            names, _, arguments = line.partition(" = ")
            alternatives = tuple(
                tuple(map(_argument, one.split())) for one in arguments.replace("-", "").split("|")
            )
            rules |= dict.fromkeys(names.split(), alternatives)
    return rules


def _argument(text: str) -> _Argument:
    return _Argument(tuple(text.rstrip("?*").split("/")), text[-1] in "?*", text.endswith("*"))


def check_arguments(name: Global, arguments: tuple[Node, ...], keywords: DictNode | None) -> None:
    """Raise `Refused` for a call of a listed name with arguments that no pickler writes."""
    alternatives = call_rules().get(f"{name.module}.{name.name}")
    if alternatives is None:
        return
    has_keywords = keywords is not None and bool(keywords.keys_and_values)
    if has_keywords or not any(_fits(arguments, one) for one in alternatives):
        _refuse(f"calls {name} as no model does")
    if name == TREE and shape_of(arguments[1]) != (arguments[2],):
        _refuse(f"calls {name} as no model does")


def _fits(arguments: tuple[Node, ...], wanted: tuple[_Argument, ...]) -> bool:
    if wanted and wanted[-1].is_many:
        wanted = wanted[:-1] + (wanted[-1],) * max(0, len(arguments) - len(wanted) + 1)
    if len(arguments) > len(wanted) or not all(one.is_optional for one in wanted[len(arguments) :]):
        return False
    pairs = zip(arguments, wanted, strict=False)
    return all(any(KINDS[kind](node) for kind in one.kinds) for node, one in pairs)


class Costs:
    """What the calls and states of a file would take, held against what was read of the file.

    `position` tells how many bytes were read.
    """

    def __init__(self, position: Callable[[], int]) -> None:
        self._position = position
        self._left = REUSED_BYTES
        self._read = 0
        # By the ids of nodes; each reference keeps its id valid.
        self._composed: dict[int, tuple[int, Node]] = {}
        self._fields: dict[int, tuple[int, Node]] = {}

    def take(self, count: int) -> None:
        """Count bytes that are taken once more; raise `Refused` if the file is too small for them."""
        self._left -= count
        if self._left < 0:
            read = self._position()
            self._left += REUSED_TIMES * (read - self._read)
            self._read = read
            if self._left < 0:
                _refuse("uses its parts again and again, as if made to exhaust memory and time")

    def take_call(self, callee: Node, arguments: tuple[Node, ...]) -> None:
        """Count what a call would take, and check the keys of a set that it would make."""
        self.take(_size(arguments, 2))
        if callee in SETS and arguments and isinstance(arguments[0], ListNode):
            self.take(len(arguments[0].items) * REFERENCE_BYTES)
            self.check_keys(arguments, arguments[0].items)

    def take_state(self, instance: Instance, state: Node) -> None:
        """Count what an object would take over from its state."""
        if instance.callee == TREE:
            # It copies the arrays; other objects hold those that their attributes name.
            self.take(_size(state, 1))
        for part in state if isinstance(state, tuple) else (state,):
            is_dictionary = isinstance(part, DictNode)
            self.take(len(_values(part)) * ATTRIBUTE_BYTES if is_dictionary else _size(part, 0))

    def check_keys(self, container: Node, keys: Iterable[Node]) -> None:
        """Raise `Refused` for keys that take long to be told apart."""
        composed = sum(not _is_plain_key(key) for key in keys)
        if composed:
            composed += self._composed.get(id(container), (0, None))[0]
            self._composed[id(container)] = (composed, container)
            if composed > COMPOSED_KEYS_MAX:
                _refuse("has more keys of several parts than any model")

    def check_fields(self, dtype: Instance) -> None:
        """Raise `Refused` for a data type with more fields than any model's, fields of fields included."""
        match dtype.states:
            case ((_, _, subarray, _, fields, int(itemsize), *_),):
                pass
            case _:
                return
        if any(_ends_outside(field, itemsize) for field in _values(fields)):
            _refuse("has a data type whose fields lie outside of it")
        parts: list[Node] = [field[0] for field in _values(fields) if isinstance(field, tuple) and field]
        parts += [subarray[0]] if isinstance(subarray, tuple) and subarray else []
        if parts:
            count = sum(self._fields.get(id(part), (1, None))[0] for part in parts) + 1
            if count > FIELDS_MAX:
                _refuse("has a data type of more fields than any model's")
            self._fields[id(dtype)] = (count, dtype)


def _ends_outside(field: Node, itemsize: int) -> bool:
    """Tell whether a field of a data type lies outside of it: NumPy would read outside of the array."""
    match field:
        case (dtype, int(start), *_):
            part = dtype_of(dtype)
            return start < 0 or start + (0 if part is None else part.itemsize) > itemsize
    return False


def _values(node: Node) -> list[Node]:
    return node.keys_and_values[1::2] if isinstance(node, DictNode) else []


def _size(node: Node, depth: int) -> int:
    """Give about how many bytes a copy of a value would take, with what it holds down to a depth."""
    match node:
        case str() | bytes():
            return len(node)
        case Blob():
            return node.length
        case Array():
            return _array_size(node)
        case tuple():
            inside: list[Node] = list(node)
        case ListNode() | SetNode():
            inside = node.items
        case DictNode():
            inside = _values(node)
        case Instance():
            return _instance_size(node)
        case _:
            return 0
    size = len(inside) * REFERENCE_BYTES
    return size + sum(_size(one, depth - 1) for one in inside) if depth else size


def _array_size(node: Node) -> int:
    shape, dtype = shape_of(node), dtype_of(node.dtype) if isinstance(node, Array) else None
    if shape is None or dtype is None:
        return 0
    size = dtype.itemsize
    for one in shape:
        size *= one
    return max(0, size)


def _instance_size(node: Instance) -> int:
    """Give the size of an object: of what lies in the bytes, bytes and arrays that it is made of."""
    left = WRAPPED_MAX
    while (inner := _content_of(node)) is not None:
        if not isinstance(inner, Instance):
            return _size(inner, 0)
        node = inner
        left -= 1
        if not left:
            _refuse("has bytes that are made of bytes again and again")
    return _own_size(node)


def _content_of(node: Instance) -> Node:
    """Give the value whose bytes an object takes over; None for any other object."""
    if node.callee in BYTES and node.arguments:
        return node.arguments[0]
    if _is_numpy(node, frozenset({"_frombuffer"})) and node.arguments:
        return node.arguments[0]
    if _is_numpy(node, frozenset({"_reconstruct"})) and node.states and isinstance(node.states[0], tuple):
        return node.states[0][-1] if node.states[0] else None
    return None


def _own_size(node: Instance) -> int:
    if node.callee == RANGE and len(node.arguments) == 3:  # noqa: PLR2004 (start, stop and step)
        start, stop, step = (int(one) if isinstance(one, int) else 1 for one in node.arguments)
        return len(range(start, stop, step or 1)) * REFERENCE_BYTES
    return len(node.content or ()) * REFERENCE_BYTES


def _is_plain_key(key: Node) -> bool:
    """Say whether the hash of a key cannot be chosen; raise `Refused` for a key of too many parts."""
    if key is None or isinstance(key, str | bytes | bool | Blob | Global):
        return True
    if isinstance(key, float):
        return key == key  # noqa: PLR0124 (it tells a NaN)
    if isinstance(key, int):
        return key.bit_length() <= INTEGER_BITS
    if isinstance(key, Instance) and _is_numpy(key, frozenset({"scalar"})):
        dtype = dtype_of(next(iter(key.arguments), None))
        is_number = dtype is not None and (dtype.kind in "SU" or dtype.itemsize <= REFERENCE_BYTES)
        return is_number and dtype is not None and dtype.kind in _PLAIN_SCALARS
    left = KEY_PARTS_MAX
    waiting: list[Node] = [key]
    while waiting:
        inside = _parts_of(waiting.pop())
        left -= 1 + len(inside)
        if left < 0:
            _refuse("has a key of more parts than any model's")
        waiting += inside
    return False


def _parts_of(key: Node) -> list[Node]:
    match key:
        case tuple():
            return list(key)
        case SetNode():
            return key.items
        case Instance() if key.callee in SETS and key.arguments and isinstance(key.arguments[0], ListNode):
            return key.arguments[0].items
        case Instance() if key.callee == SLICE:
            return list(key.arguments)
    return []


def check_empty(node: Node) -> None:
    """Raise `Refused` for a long array without bytes, which costs the file nothing to make."""
    shape = shape_of(node)
    if shape is None or max(shape, default=0) <= EMPTY_SIZE_MAX:
        return
    size = (
        _array_size(node)
        if isinstance(node, Array)
        else _instance_size(node)
        if isinstance(node, Instance)
        else 0
    )
    if not size:
        _refuse("has an array without elements that is longer than any model's")


def _refuse(reason: str) -> NoReturn:
    raise Refused(reason, hint=HINT)
