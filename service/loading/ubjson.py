"""Reading UBJSON (https://ubjson.org), as XGBoost writes it for `.ubj` files.

Arrays of numbers become arrays of NumPy. `infer_cli/inspection/files/ubjson.py` reads the same of a file
that is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

import numpy as np

from service.errors import UnusableFile

if TYPE_CHECKING:
    Numbers = np.ndarray[tuple[int, ...], np.dtype[np.generic]]

# A value: an object, an array, a string, a number, true, false or null.
Ubjson = Union[bool, int, float, str, "Numbers", "list[Ubjson]", "dict[str, Ubjson]", None]

# How deep values may lie within values; those of XGBoost have eight levels.
DEPTH_MAX = 32
# The numbers by their markers: their dtypes, which are big-endian.
NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
INTEGERS = frozenset((b"i", b"U", b"I", b"l", b"L"))
CONSTANTS = {b"Z": None, b"T": True, b"F": False}


def read_ubjson(content: bytes) -> Ubjson:
    """Read one value that fills the bytes; raise `UnusableFile` if they are no UBJSON that XGBoost writes."""
    reader = _Reader(content)
    found = reader.value(reader.read(1))
    if reader.position != len(content):
        raise reader.refused("more bytes than one value")
    return found


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._depth = 0
        self.position = 0

    def read(self, size: int) -> bytes:
        """Read so many bytes."""
        end = self.position + size
        if end > len(self._content):
            raise UnusableFile("is cut short", "Copy or save the model again, and compare the sizes")
        found = self._content[self.position : end]
        self.position = end
        return found

    def value(self, marker: bytes) -> Ubjson:
        """Read the rest of the value that starts with this marker."""
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker in NUMBERS:
            number: int | float = self._numbers(marker, 1)[0].item()
            return number
        if marker == b"S":
            return self._text(self._length(self.read(1)))
        if marker not in (b"{", b"["):
            raise self.refused(f"an unknown marker {marker!r}")
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.refused(f"more than {DEPTH_MAX} values within each other")
        found: Ubjson = self._object() if marker == b"{" else self._array()
        self._depth -= 1
        return found

    def _object(self) -> dict[str, Ubjson]:
        found: dict[str, Ubjson] = {}
        while True:
            marker = self.read(1)
            if marker == b"}":
                return found
            name = self._text(self._length(marker))
            if name in found:
                raise self.refused(f"two values for {name[:40]!r}")
            found[name] = self.value(self.read(1))

    def _array(self) -> list[Ubjson] | Numbers:
        marker = self.read(1)
        if marker == b"$":
            element = self.read(1)
            if element not in NUMBERS or self.read(1) != b"#":
                raise self.refused(f"an array of {element!r}")
            return self._numbers(element, self._length(self.read(1)))
        if marker == b"#":
            return [self.value(self.read(1)) for _ in range(self._length(self.read(1)))]
        found: list[Ubjson] = []
        while marker != b"]":
            found.append(self.value(marker))
            marker = self.read(1)
        return found

    def _numbers(self, marker: bytes, count: int) -> Numbers:
        dtype = np.dtype(NUMBERS[marker])
        found: Numbers = np.frombuffer(self.read(count * dtype.itemsize), dtype)
        return found

    def _length(self, marker: bytes) -> int:
        length = int(self._numbers(marker, 1)[0]) if marker in INTEGERS else -1
        if length < 0:
            raise self.refused(f"{marker!r} in place of a length")
        return length

    def _text(self, length: int) -> str:
        try:
            return self.read(length).decode()
        except UnicodeDecodeError as error:
            raise self.refused("a string that is not UTF-8") from error

    def refused(self, what: str) -> UnusableFile:
        """Give the error of a file that has this where it must not."""
        return UnusableFile(
            f"is no UBJSON that infer reads: it has {what} before byte {self.position}",
            "Save the model again, with booster.save_model('model.ubj')",
        )
