"""The parts of a compiled model: what each holds, and how it is written as JSON and read again.

No name in a file is imported: a part is one of those that are listed here, and what each of its fields holds
is listed, too. Arrays stand apart, as `{"array": 0}`.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.compiler import operations, outputs, trees
from service.compiler.functions import ACTIVATIONS, DECISIONS, LINKS, Outcome
from service.compiler.parity import Trial
from service.errors import UnreadableArchive
from service.native.forest import Trees
from service.native.library import NODE
from service.schema.features import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.compiler.functions import Array, Ask
    from service.json_values import JsonValue

    # Gives what a field holds, of what the file has for it.
    Read = Callable[["Reader", Any], Any]

# NumPy's format of arrays, in its first version.
NPY_VERSION = (1, 0)
KINDS = ("classifier", "regressor")
FEATURE_TYPES = ("number", "text", "category", "boolean", "date", "any")
NUMBER_KINDS = "fiub"


@dataclass(frozen=True)
class Origin:
    """The model that was compiled: its file, its class, and the packages that it was loaded with."""

    file: str
    size_bytes: int
    digest: str
    estimator: str
    packages: list[tuple[str, str]]


@dataclass(frozen=True)
class Parity:
    """How far the path was from the model, on so many rows."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


@dataclass(frozen=True)
class Saved:
    """A compiled model: what a service must know of a model, and its path.

    `trial` has rows with the model's own answers; `generated` and `given` are what came of these rows and of
    the user's, where there were any.
    """

    kind: str
    features: list[Feature]
    classes: list[JsonValue] | None
    path: Ask
    trial: Trial
    origin: Origin
    generated: Parity
    given: Parity | None


def array_name(number: int) -> str:
    """Give the name that an array has in the archive."""
    return f"{number}.npy"


def encoded(value: Any, arrays: list[Array]) -> Any:  # noqa: ANN401
    """Put a part into JSON's types, and its arrays into the list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime):
        return {"date": value.isoformat()}
    known = FIELDS.get(type(value))
    if known is not None:
        parts = {name: encoded(getattr(value, name), arrays) for name in known}
        return {"is": type(value).__name__, **parts}
    if isinstance(value, (list, tuple)):
        return [encoded(element, arrays) for element in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    message = f"a {type(value).__name__} cannot be saved"
    raise TypeError(message)


class Reader:
    """Reads the parts of a compiled model, each as the field that it stands in says.

    `entry` gives the bytes of a file of the archive; of all files together, no more than `most_bytes` are
    read.
    """

    def __init__(self, entry: Callable[[str], bytes], most_bytes: int) -> None:
        self._entry = entry
        self._bytes_left = most_bytes

    def part(self, described: object, *kinds: type) -> Any:  # noqa: ANN401
        """Read an object that must be of one of the kinds."""
        if not isinstance(described, dict):
            raise UnreadableArchive(f"has a {type(described).__name__} in the place of a {kinds[0].__name__}")
        name = described.get("is")
        kind = next((kind for kind in kinds if kind.__name__ == name), None)
        if kind is None:
            raise UnreadableArchive(f"has {str(name)[:60]!r} where that is not known")
        wanted = FIELDS[kind]
        if described.keys() != {"is", *wanted}:
            raise UnreadableArchive(f"has a {name} that is not as it must be")
        try:
            held = {field: read(self, described[field]) for field, read in wanted.items()}
        except _Wrong:
            raise UnreadableArchive(f"has a {name} with something else in it than it must hold") from None
        try:
            return kind(**held)
        except (ValueError, TypeError, IndexError, MemoryError) as error:
            raise UnreadableArchive(f"has a {name} that cannot be used ({error})") from error

    def array(self, described: object) -> Array:
        """Read an array that the archive holds."""
        number = described.get("array") if isinstance(described, dict) else None
        if type(number) is not int or len(described) != 1:  # type: ignore[arg-type]  # it is a dictionary
            raise _Wrong
        content = self._entry(array_name(number))
        # An array may be named twice, and takes as much memory each time.
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise UnreadableArchive("uses its arrays again and again")
        stream = io.BytesIO(content)
        if np.lib.format.read_magic(stream) != NPY_VERSION:
            raise _Wrong
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        # An array of objects would be a pickle; and nothing is made that the file does not hold.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise _Wrong
        flat = np.frombuffer(content, dtype, offset=stream.tell()) if math.prod(shape) else np.empty(0, dtype)
        return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


class _Wrong(Exception):
    """What the file has for a field is not what the field holds."""


def _plain(*kinds: type) -> Read:
    """Read a value of one of the types; a truth value is no number."""

    def read(_: Reader, value: object) -> object:
        if type(value) not in kinds:
            raise _Wrong
        return value

    return read


def _among(names: Any) -> Read:  # noqa: ANN401 (whatever can tell if it has a name)
    def read(_: Reader, value: object) -> object:
        if not isinstance(value, str) or value not in names:
            raise _Wrong
        return value

    return read


def _part(*kinds: type) -> Read:
    return lambda reader, value: reader.part(value, *kinds)


def _optional(read: Read) -> Read:
    return lambda reader, value: None if value is None else read(reader, value)


def _list(read: Read) -> Read:
    def read_all(reader: Reader, value: object) -> list[Any]:
        if not isinstance(value, list):
            raise _Wrong
        return [read(reader, element) for element in value]

    return read_all


def _pair(first: Read, second: Read) -> Read:
    def read(reader: Reader, value: object) -> tuple[Any, Any]:
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 (a pair)
            raise _Wrong
        return first(reader, value[0]), second(reader, value[1])

    return read


def _array(kinds: str, dimensions: int | None = None) -> Read:
    """Read an array of such kinds of NumPy's types."""

    def read(reader: Reader, value: object) -> Array:
        array = reader.array(value)
        if array.dtype.kind not in kinds or array.ndim != (dimensions or array.ndim):
            raise _Wrong
        return array

    return read


def _nodes(reader: Reader, value: object) -> Array:
    array = reader.array(value)
    if array.dtype != NODE or array.ndim != 1:
        raise _Wrong
    return array


def _value(_: Reader, value: object) -> object:
    """Read what a row may hold."""
    if isinstance(value, dict) and value.keys() == {"date"}:
        try:
            return datetime.fromisoformat(str(value["date"]))
        except ValueError:
            raise _Wrong from None
    if value is not None and type(value) not in {bool, int, float, str}:
        raise _Wrong
    return value


def _number_or_numbers(reader: Reader, value: object) -> object:
    return float(value) if type(value) in {int, float} else NUMBERS(reader, value)  # type: ignore[arg-type]


def _rows(reader: Reader, value: object) -> object:
    return _list(_list(_value))(reader, value) if isinstance(value, list) else TABLE(reader, value)


def _categories(reader: Reader, value: object) -> object:
    return tuple(_list(_value)(reader, value))


TEXT, TRUTH, WHOLE, FLOAT = _plain(str), _plain(bool), _plain(int), _plain(float)
NUMBERS, POSITIONS, TABLE = _array(NUMBER_KINDS), _array("iu", 1), _array(NUMBER_KINDS, 2)
STEPS = (
    *(
        operations.Branches,
        operations.Clip,
        operations.Fill,
        operations.Function,
        operations.Gaussian,
        operations.Layers,
        operations.Powers,
    ),
    *(
        operations.Product,
        operations.Shift,
        operations.Stretch,
        operations.Table,
        operations.Take,
        operations.Threshold,
    ),
    *(trees.Sums, trees.Votes),
)
STEP, SEVERAL_STEPS = _part(*STEPS), _list(_part(*STEPS))
MODEL = _part(outputs.Average, outputs.Chain, outputs.Classifier, outputs.Regressor, outputs.TurnedBack)
# What each part of a file holds; a test compares it with the classes.
FIELDS: Mapping[type, Mapping[str, Read]] = {
    outputs.Average: {"models": _list(MODEL), "weights": _optional(NUMBERS), "is_classifier": TRUTH},
    outputs.Chain: {"steps": SEVERAL_STEPS, "model": MODEL},
    outputs.Classifier: {
        "scores": STEP,
        "decision": _among(DECISIONS),
        "link": _among(LINKS),
        "is_flat": TRUTH,
    },
    outputs.Regressor: {"scores": STEP, "link": _optional(_part(operations.Function))},
    outputs.TurnedBack: {"model": MODEL, "back": SEVERAL_STEPS},
    operations.Branch: {"columns": _list(WHOLE), "steps": SEVERAL_STEPS},
    operations.Branches: {"branches": _list(_part(operations.Branch))},
    operations.Clip: {"low": FLOAT, "high": FLOAT},
    operations.Codes: {"lookups": _list(_part(operations.Lookup)), "start": WHOLE, "unknown": FLOAT},
    operations.Fill: {"values": NUMBERS},
    operations.Function: {"name": _among(operations.FUNCTIONS)},
    operations.Gaussian: {"means": NUMBERS, "variances": NUMBERS, "constant": NUMBERS},
    operations.Layers: {
        "weights": _list(NUMBERS),
        "intercepts": _list(NUMBERS),
        "activation": _among(ACTIVATIONS),
    },
    operations.Lookup: {
        "column": WHOLE,
        "filling": _value,
        "known": _list(_pair(_value, FLOAT)),
        "gap": _optional(FLOAT),
    },
    operations.Numbers: {"columns": _list(WHOLE), "steps": SEVERAL_STEPS, "start": WHOLE, "end": WHOLE},
    operations.OneHot: {"lookups": _list(_part(operations.Lookup))},
    operations.Powers: {"factors": _list(POSITIONS)},
    operations.Product: {"coefficients": NUMBERS, "intercept": _number_or_numbers},
    operations.Shift: {"center": _optional(NUMBERS), "scale": _optional(NUMBERS)},
    operations.Stretch: {"scale": NUMBERS, "offset": NUMBERS},
    operations.Table: {
        "parts": _list(_part(operations.Codes, operations.Numbers, operations.OneHot)),
        "width": WHOLE,
    },
    operations.Take: {"columns": POSITIONS},
    operations.Threshold: {"threshold": FLOAT},
    trees.Sums: {"trees": _part(Trees), "start": _array("f", 1), "divisor": FLOAT},
    trees.Votes: {"sums": _part(trees.Sums)},
    Trees: {
        "nodes": _nodes,
        "leaf": POSITIONS,
        "values": _array("f", 2),
        "sets": _array("u", 2),
        "roots": POSITIONS,
        "columns": POSITIONS,
        "outputs": WHOLE,
    },
    Outcome: {"values": NUMBERS, "probabilities": _optional(TABLE)},
    Trial: {"rows": _rows, "wanted": _part(Outcome)},
    Feature: {
        "name": TEXT,
        "type": _among(FEATURE_TYPES),
        "required": TRUTH,
        "nullable": TRUTH,
        "categories": _optional(_categories),
        "is_open": TRUTH,
        "dtype": TEXT,
        "has_none": TRUTH,
    },
    Origin: {
        "file": TEXT,
        "size_bytes": WHOLE,
        "digest": TEXT,
        "estimator": TEXT,
        "packages": _list(_pair(TEXT, TEXT)),
    },
    Parity: {
        "rows": WHOLE,
        "different_labels": WHOLE,
        "value_difference": FLOAT,
        "probability_difference": FLOAT,
    },
    Saved: {
        "kind": _among(KINDS),
        "features": _list(_part(Feature)),
        "classes": _optional(_list(_plain(bool, int, float, str))),
        "path": MODEL,
        "trial": _part(Trial),
        "origin": _part(Origin),
        "generated": _part(Parity),
        "given": _optional(_part(Parity)),
    },
}
