"""Writes the parts of a compiled model as JSON, and reads them again.

No name in a file is imported: a part is one of those that are listed in `fields`, and what each of its fields
holds is listed there, too. Arrays stand apart, as `{"array": 0}`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.errors import UnreadableArchive

if TYPE_CHECKING:
    from service.compiler.functions import Array

# Gives what a field holds, of what the file has for it.
Read = Callable[["Reader", Any], Any]
# What each part of a file holds.
Fields = Mapping[type, Mapping[str, Read]]
# NumPy's format of arrays, in its first version.
NPY_VERSION = (1, 0)


def array_name(number: int) -> str:
    """Give the name that an array has in the archive."""
    return f"{number}.npy"


def encoded(value: Any, arrays: list[Array], fields: Fields) -> Any:  # noqa: ANN401
    """Put a part into JSON's types, and its arrays into the list."""
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return value.item()
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
    """Reads the parts of a compiled model, each as the field that it stands in says.

    `entry` gives the bytes of a file of the archive; of all files together, no more than `most_bytes` are
    read.
    """

    def __init__(self, entry: Callable[[str], bytes], most_bytes: int, fields: Fields) -> None:
        self._entry = entry
        self._fields = fields
        self._bytes_left = most_bytes

    def part(self, described: object, *kinds: type) -> Any:  # noqa: ANN401
        """Read an object that must be of one of the kinds."""
        if not isinstance(described, dict):
            raise UnreadableArchive(f"has a {type(described).__name__} in the place of a {kinds[0].__name__}")
        name = described.get("is")
        kind = next((kind for kind in kinds if kind.__name__ == name), None)
        if kind is None:
            raise UnreadableArchive(f"has {str(name)[:60]!r} where that is not known")
        wanted = self._fields[kind]
        if described.keys() != {"is", *wanted}:
            raise UnreadableArchive(f"has a {name} that is not as it must be")
        try:
            held = {field: read(self, described[field]) for field, read in wanted.items()}
        except WrongField:
            raise UnreadableArchive(f"has a {name} with something else in it than it must hold") from None
        try:
            return kind(**held)
        except (ValueError, TypeError, IndexError, MemoryError) as error:
            raise UnreadableArchive(f"has a {name} that cannot be used ({error})") from error

    def array(self, described: object) -> Array:
        """Read an array that the archive holds."""
        number = described.get("array") if isinstance(described, dict) else None
        if type(number) is not int or len(described) != 1:  # type: ignore[arg-type]  # it is a dictionary
            raise WrongField
        content = self._entry(array_name(number))
        # An array may be named twice, and takes as much memory each time.
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise UnreadableArchive("uses its arrays again and again")
        stream = io.BytesIO(content)
        if np.lib.format.read_magic(stream) != NPY_VERSION:
            raise WrongField
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        # An array of objects would be a pickle; and nothing is made that the file does not hold.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
            raise WrongField
        flat = np.frombuffer(content, dtype, offset=stream.tell()) if math.prod(shape) else np.empty(0, dtype)
        return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


class WrongField(Exception):
    """What the file has for a field is not what the field holds."""


def plain(*kinds: type) -> Read:
    """Read a value of one of the types; a truth value is no number."""

    def read(_: Reader, value: object) -> object:
        if type(value) not in kinds:
            raise WrongField
        return value

    return read


def among(names: Any) -> Read:  # noqa: ANN401 (whatever can tell if it has a name)
    """Read one of some names."""

    def read(_: Reader, value: object) -> object:
        if not isinstance(value, str) or value not in names:
            raise WrongField
        return value

    return read


def part(*kinds: type) -> Read:
    """Read a part of one of the kinds."""
    return lambda reader, value: reader.part(value, *kinds)


def optional(read: Read) -> Read:
    """Read null, or what `read` reads."""
    return lambda reader, value: None if value is None else read(reader, value)


def list_of(read: Read) -> Read:
    """Read a list whose elements `read` reads."""

    def read_all(reader: Reader, value: object) -> list[Any]:
        if not isinstance(value, list):
            raise WrongField
        return [read(reader, element) for element in value]

    return read_all


def pair(first: Read, second: Read) -> Read:
    """Read a list of two elements as a tuple."""

    def read(reader: Reader, value: object) -> tuple[Any, Any]:
        if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 (a pair)
            raise WrongField
        return first(reader, value[0]), second(reader, value[1])

    return read


def array_of(kinds: str, dimensions: int | None = None) -> Read:
    """Read an array of such kinds of NumPy's types."""

    def read(reader: Reader, value: object) -> Array:
        array = reader.array(value)
        if array.dtype.kind not in kinds or array.ndim != (dimensions or array.ndim):
            raise WrongField
        return array

    return read
