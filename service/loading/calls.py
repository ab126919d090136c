"""With which arguments a file may call a name, and what it may use as keys: what costs no more than the file.

A call that is harmless otherwise may take any time and memory, as `bytearray(10**12)`; and what is written
once can be used again and again, by references. `calls.txt` lists the arguments that picklers write. The twin
`infer_cli/inspection/facts/calls.py` judges a file that is not loaded.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import numpy as np

from service.errors import Forbidden
from service.loading.patterns import is_quick

if TYPE_CHECKING:
    from collections.abc import Iterable

    Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

FILE = Path(__file__).resolve().parents[1] / "calls.txt"

TEXT_MAX = 1000
COUNT_MAX = 100_000_000
LENGTH_MAX = 100_000
INTEGER_BITS = 64
# No pickler writes an integer in more bytes or digits: Python itself takes time that grows with their square.
INTEGER_BYTES_MAX = 1024
DIGITS_MAX = 4000
# What calls and states take again, in bytes: so much, and so many times what was read of the file.
REUSED_BYTES = 16 * 1024**2
REUSED_TIMES = 10
# How much a reference is counted as: in a list, and in what an object takes over from its state.
REFERENCE_BYTES = 8
ATTRIBUTE_BYTES = 16
# How many parts a key may have, and how many keys of parts a dictionary or set: their hashes can be chosen.
KEY_PARTS_MAX = 100
COMPOSED_KEYS_MAX = 10_000
# How many fields, within fields too, a data type may have.
FIELDS_MAX = 100
# The longest dimension of an array without bytes, which costs the file nothing.
EMPTY_SIZE_MAX = 1_000_000

_CODE = re.compile(r"[|<>=]?[biufcmMOSUVa]\d{1,7}")
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?(E[+-]?\d{1,3})?|Infinity|s?NaN\d*)", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?\d+(/\d+)?")
_NUMBER_CHARACTERS = 100
# NumPy 2 has a type of its own for functions such as `numpy.clip`.
_FUNCTIONS = (
    *(type, FunctionType, BuiltinFunctionType, MethodType, MethodDescriptorType),
    *(np.ufunc, type(np.clip)),
)


class _Argument(NamedTuple):
    """An argument: the kinds of which it may be, and whether it may be left out, or come many times."""

    kinds: tuple[str, ...]
    is_optional: bool
    is_many: bool


def _is_integer(value: object) -> bool:
    return (type(value) is int and value.bit_length() <= INTEGER_BITS) or isinstance(value, np.integer)


def _is_at_most(value: object, limit: int) -> bool:
    return type(value) is int and abs(value) <= limit


def _is_text(value: object, limit: int = TEXT_MAX) -> bool:
    return isinstance(value, str) and len(value) <= limit


def _is_any(value: object) -> bool:
    if isinstance(value, str):
        return _is_text(value)
    return _is_integer(value) if type(value) is int else type(value) is not range


def _is_part_of_index(value: object) -> bool:
    return _is_at_most(value, COUNT_MAX) if type(value) is int else _is_any(value)


KINDS: dict[str, Callable[[Any], bool]] = {
    "any": _is_any,
    "array": lambda value: isinstance(value, np.ndarray),
    "bool": lambda value: type(value) is bool,
    "code": lambda value: isinstance(value, str) and _CODE.fullmatch(value) is not None,
    "count": lambda value: _is_at_most(value, COUNT_MAX),
    "data": lambda value: isinstance(value, (bytes, bytearray)),
    "decimal": lambda value: _is_text(value, _NUMBER_CHARACTERS) and _DECIMAL.fullmatch(value) is not None,
    "dict": lambda value: type(value) is dict,
    "dtype": lambda value: isinstance(value, np.dtype),
    "float": lambda value: isinstance(value, (float, np.floating)),
    "fraction": lambda value: _is_text(value, _NUMBER_CHARACTERS) and _FRACTION.fullmatch(value) is not None,
    "index": lambda value: type(value) is dict and all(map(_is_part_of_index, value.values())),
    "int": _is_integer,
    "latin": lambda value: value in ("latin1", "latin-1"),
    "length": lambda value: _is_at_most(value, LENGTH_MAX),
    "list": lambda value: type(value) is list,
    "name": lambda value: isinstance(value, _FUNCTIONS),
    "none": lambda value: value is None,
    "pandas": lambda value: isinstance(value, type) and value.__module__.partition(".")[0] == "pandas",
    "pattern": lambda value: _is_text(value) and is_quick(value),
    "shape": lambda value: type(value) is tuple and all(map(_is_integer, value)),
    "string": lambda value: isinstance(value, str),
    "text": _is_text,
    "tuple": lambda value: type(value) is tuple,
    "zero": lambda value: (
        type(value) is tuple and len(value) == 1 and type(value[0]) is int and value[0] == 0
    ),
}


@lru_cache(maxsize=1)
def call_rules() -> dict[str, tuple[tuple[_Argument, ...], ...]]:
    """Read `calls.txt`: the arguments that each name may be called with."""
    rules: dict[str, tuple[tuple[_Argument, ...], ...]] = {}
    text = re.sub(r"\n +", " ", FILE.read_text(encoding="utf-8"))
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


def check_arguments(name: str, arguments: object) -> None:
    """Raise `Forbidden` for a call of a listed name with arguments that no pickler writes."""
    alternatives = call_rules().get(name)
    if alternatives is None:
        return
    if not isinstance(arguments, tuple) or not any(_fits(arguments, one) for one in alternatives):
        raise Forbidden(f"calls {name} as no model does")
    if name == "sklearn.tree._tree.Tree" and arguments[1].shape != (arguments[2],):
        raise Forbidden(f"calls {name} as no model does")


def _fits(arguments: tuple[object, ...], wanted: tuple[_Argument, ...]) -> bool:
    if wanted and wanted[-1].is_many:
        wanted = wanted[:-1] + (wanted[-1],) * max(0, len(arguments) - len(wanted) + 1)
    if len(arguments) > len(wanted) or not all(one.is_optional for one in wanted[len(arguments) :]):
        return False
    return all(any(KINDS[kind](value) for kind in one.kinds) for value, one in zip(arguments, wanted))


class Costs:
    """What the calls and states of a file take, held against what was read of the file.

    `position` tells how many bytes were read.
    """

    def __init__(self, position: Callable[[], int]) -> None:
        self._position = position
        self._left = REUSED_BYTES
        self._read = 0
        # The number of composed keys of each container, by its id. The reference keeps the id valid.
        self._composed: dict[int, tuple[int, object]] = {}
        # The number of fields of each data type of fields, by its id.
        self._fields: dict[int, tuple[int, object]] = {}

    def take(self, count: int) -> None:
        """Count bytes that are taken once more; raise `Forbidden` if the file is too small for them."""
        self._left -= count
        if self._left < 0:
            read = self._position()
            self._left += REUSED_TIMES * (read - self._read)
            self._read = read
            if self._left < 0:
                raise Forbidden("uses its parts again and again, as if made to exhaust memory and time")

    def take_call(self, callee: object, arguments: tuple[Any, ...]) -> None:
        """Count what a call takes, and check the keys of a set that it makes."""
        self.take(_size(arguments, 2))
        if callee in (set, frozenset) and arguments:
            self.take(len(arguments[0]) * REFERENCE_BYTES)
            self.check_keys(arguments, arguments[0])

    def take_state(self, instance: object, state: object) -> None:
        """Count what an object takes over from its state."""
        cls = type(instance)
        if cls.__name__ == "Tree" and cls.__module__ == "sklearn.tree._tree":
            # It copies the arrays; other objects hold those that their attributes name.
            self.take(_size(state, 1))
        for part in state if isinstance(state, tuple) else (state,):
            self.take(len(part) * ATTRIBUTE_BYTES if isinstance(part, dict) else _size(part, 0))

    def check_keys(self, container: object, keys: Iterable[object]) -> None:
        """Raise `Forbidden` for keys that take long to be told apart."""
        composed = sum(not _is_plain_key(key) for key in keys)
        if composed:
            composed += self._composed.get(id(container), (0, None))[0]
            self._composed[id(container)] = (composed, container)
            if composed > COMPOSED_KEYS_MAX:
                raise Forbidden("has more keys of several parts than any model")

    def check_fields(self, dtype: np.dtype[np.generic]) -> None:
        """Raise `Forbidden` for a data type with more fields than any model's, fields of fields included."""
        parts = [field[0] for field in (dtype.fields or {}).values()]
        parts += [] if dtype.subdtype is None else [dtype.subdtype[0]]
        if parts:
            count = sum(self._fields.get(id(part), (1, None))[0] for part in parts) + 1
            if count > FIELDS_MAX:
                raise Forbidden("has a data type of more fields than any model's")
            self._fields[id(dtype)] = (count, dtype)


def _size(value: object, depth: int) -> int:
    """Give about how many bytes a copy of a value takes, with what it holds down to a depth."""
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, np.ndarray):
        return value.nbytes
    if not isinstance(value, (list, tuple, dict, set, frozenset, deque, range)):
        return 0
    size = len(value) * REFERENCE_BYTES
    if depth and type(value) is not range:
        size += sum(_size(one, depth - 1) for one in (value.values() if isinstance(value, dict) else value))
    return size


def _is_plain_key(key: object) -> bool:
    """Tell whether the hash of a key cannot be chosen; raise `Forbidden` for a key of too many parts."""
    if key is None or isinstance(key, (str, bytes, bool, *_FUNCTIONS)):
        return True
    if isinstance(key, (float, np.generic)) and key != key:  # noqa: PLR0124 (it tells a NaN)
        return False
    if isinstance(key, float):
        return True
    if type(key) is int:
        return key.bit_length() <= INTEGER_BITS
    if isinstance(key, np.generic):
        is_number = isinstance(key, (np.bool_, np.integer, np.floating)) and key.itemsize <= REFERENCE_BYTES
        return is_number or isinstance(key, (np.datetime64, np.timedelta64))
    left, waiting = KEY_PARTS_MAX, [key]
    while waiting:
        part = waiting.pop()
        left -= 1
        inside: Iterable[object] = ()
        if isinstance(part, (tuple, frozenset)):
            inside = part
            left -= len(part)
        elif isinstance(part, slice):
            inside = (part.start, part.stop, part.step)
        if left < 0:
            raise Forbidden("has a key of more parts than any model's")
        waiting += inside
    return False


def check_empty(array: Array) -> None:
    """Raise `Forbidden` for a long array without bytes, which costs the file nothing to make."""
    if not array.nbytes and max(array.shape, default=0) > EMPTY_SIZE_MAX:
        raise Forbidden("has an array without elements that is longer than any model's")
