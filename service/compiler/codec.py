"""Writes the parts of a compiled model as JSON and arrays, and reads them again.

A part is a dataclass or named tuple of a table like `fields.FIELDS`, which lists the fields of each class and
how a field is read. In JSON it is an object: `{"is": "Clip", "low": 0.0, "high": 1.0}`. No name in a file is
imported. An array is an entry of its own in the archive, and `{"array": 0}` in JSON.
"""

from __future__ import annotations

import io
import math
from datetime import datetime
from typing import TYPE_CHECKING, Callable, TypeVar, cast

import numpy as np

from service.errors import UnreadableArchive, WrongField

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import TypeAlias

    from service.json_values import JsonValue
    from service.native.library import Array

    # Gives the value of a field from what the file has for the field. Raises `WrongField`.
    Read: TypeAlias = Callable[["Reader", object], object]
    # By class: how each of its fields is read.
    Fields: TypeAlias = Mapping[type, Mapping[str, Read]]

PartType = TypeVar("PartType")
# The format of arrays, in its first version:
# https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
NPY_VERSION = (1, 0)


def array_name(number: int) -> str:
    """Give the name of an array's entry in the archive."""
    return f"{number}.npy"


def encoded(value: object, arrays: list[Array], fields: Fields) -> JsonValue:
    """Turn a part or a value into JSON's types, and append its arrays to the list.

    Raises `TypeError` for a value of any other type.
    """
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return cast("JsonValue", value.item())
    if isinstance(value, datetime):
        return {"date": value.isoformat()}
    known = fields.get(type(value))
    if known is not None:
        parts = {name: encoded(getattr(value, name), arrays, fields) for name in known}
        return {"is": type(value).__name__, **parts}
    if isinstance(value, (list, tuple)):
        return [encoded(element, arrays, fields) for element in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    message = f"a {type(value).__name__} cannot be saved"
    raise TypeError(message)


class Reader:
    """Reads parts and arrays from the entries of an archive.

    `entry` gives the bytes of an entry by its name. The reader takes at most `bytes_max` bytes of arrays.
    """

    def __init__(self, entry: Callable[[str], bytes], bytes_max: int, fields: Fields) -> None:
        self._entry = entry
        self._fields = fields
        self._bytes_left = bytes_max

    def part(self, described: object, *classes: type[PartType]) -> PartType:
        """Read a part, which must be of one of the classes; raise `UnreadableArchive` for anything else."""
        if not isinstance(described, dict):
            raise UnreadableArchive(
                f"has a {type(described).__name__} in the place of a {classes[0].__name__}"
            )
        name = described.get("is")
        found = next((each for each in classes if each.__name__ == name), None)
        if found is None:
            raise UnreadableArchive(f"has {str(name)[:60]!r} where no such part can be")
        expected = self._fields[found]
        if described.keys() != {"is", *expected}:
            raise UnreadableArchive(f"has a {name} with other fields than it must have")
        try:
            held = {field: read(self, described[field]) for field, read in expected.items()}
        except WrongField:
            raise UnreadableArchive(f"has a {name} with a wrong value in a field") from None
        try:
            return cast("Callable[..., PartType]", found)(**held)
        except (ValueError, TypeError, IndexError, MemoryError) as error:
            raise UnreadableArchive(f"has a {name} that cannot be used ({error})") from error

    def array(self, described: object) -> Array:
        """Read an array; raise `WrongField` for anything else than a sound array of plain values."""
        number = described.get("array") if isinstance(described, dict) and len(described) == 1 else None
        if type(number) is not int:
            raise WrongField
        content = self._entry(array_name(number))
        # JSON may name one array many times, and each time takes as much memory.
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise UnreadableArchive("uses the same arrays too often")
        stream = io.BytesIO(content)
        if np.lib.format.read_magic(stream) != NPY_VERSION:
            raise WrongField
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        # An array of objects would be a pickle. An array larger than its entry would take memory for nothing.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise WrongField
        flat = np.frombuffer(content, dtype, offset=stream.tell()) if math.prod(shape) else np.empty(0, dtype)
        return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def plain(*types: type) -> Read:
    """Read a value of one of the types; a boolean is no integer here."""

    def read(_: Reader, value: object) -> object:
        if type(value) not in types:
            raise WrongField
        return value

    return read


def among(names: Container[str]) -> Read:
    """Read one of some names."""

    def read(_: Reader, value: object) -> object:
        if not isinstance(value, str) or value not in names:
            raise WrongField
        return value

    return read


def part(*classes: type) -> Read:
    """Read a part of one of the classes."""
    return lambda reader, value: reader.part(value, *classes)


def optional(read: Read) -> Read:
    """Read null as None, and anything else with `read`."""
    return lambda reader, value: None if value is None else read(reader, value)


def list_of(read: Read) -> Read:
    """Read a list whose elements `read` reads."""

    def read_all(reader: Reader, value: object) -> list[object]:
        if not isinstance(value, list):
            raise WrongField
        return [read(reader, element) for element in value]

    return read_all


def pair(first: Read, second: Read) -> Read:
    """Read a list of two elements as a tuple."""

    def read(reader: Reader, value: object) -> tuple[object, object]:
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 (a pair)
            raise WrongField
        return first(reader, value[0]), second(reader, value[1])

    return read


def array_of(kinds: str, dimensions: int | None = None) -> Read:
    """Read an array whose dtype is of one of the kinds, such as "fi" for floats and integers.

    Without `dimensions`, the array may have any number of them.
    """

    def read(reader: Reader, value: object) -> Array:
        array = reader.array(value)
        if array.dtype.kind not in kinds or array.ndim != (dimensions or array.ndim):
            raise WrongField
        return array

    return read
