"""Reading UBJSON (https://ubjson.org), as XGBoost writes it for `.ubj` files and within pickles."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.files.budget import Budget
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from infer_cli.inspection.files.stream import Stream

# A value: an object, an array, a string, a number, true, false or null.
Ubjson: TypeAlias = "bool | int | float | str | list[Ubjson] | dict[str, Ubjson] | None"

# How deep values may lie within values; those of XGBoost have eight levels.
DEPTH_MAX = 32
KEY_BYTES_MAX = 64 * 1024
# The numbers by their markers: their formats for `struct`, which are big-endian.
NUMBERS = {
    b"i": "b",
    b"U": "B",
    b"I": "h",
    b"l": "i",
    b"L": "q",
    b"d": "f",
    b"D": "d",
}
INTEGERS = frozenset(b"iUIlL")
CONSTANTS: dict[bytes, bool | None] = {b"Z": None, b"T": True, b"F": False}


def read_ubjson(stream: Stream, *, skipped: frozenset[str] = frozenset()) -> Ubjson:
    """Read one value; raise `Refused` if the bytes are no UBJSON that XGBoost writes.

    The values of keys that are `skipped`, wherever they lie, are passed over and become None.
    """
    return _Reader(stream, skipped).value(keep=True)


class _Reader:
    def __init__(self, stream: Stream, skipped: frozenset[str]) -> None:
        self._stream = stream
        self._skipped = skipped
        self._budget = Budget()
        self._depth = 0

    def value(self, *, keep: bool) -> Ubjson:
        """Read a value; give None in place of one that is not to be kept."""
        return self._value_of(self._stream.read(1), keep=keep)

    def _value_of(self, marker: bytes, *, keep: bool) -> Ubjson:
        """Read the rest of the value that starts with this marker."""
        self._budget.take_steps(1)
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker in NUMBERS:
            return self._numbers(marker, 1)[0]
        if marker == b"S":
            return self._string(keep=keep)
        if marker not in {b"{", b"["}:
            raise self._refused(f"an unknown marker {marker!r}")
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._refused(f"more than {DEPTH_MAX} values within each other")
        found = self._object(keep=keep) if marker == b"{" else self._array(keep=keep)
        self._depth -= 1
        return found

    def _object(self, *, keep: bool) -> Ubjson:
        found: dict[str, Ubjson] = {}
        while (marker := self._stream.read(1)) != b"}":
            name = self._text(self._length(marker), KEY_BYTES_MAX)
            kept = keep and name not in self._skipped
            value = self.value(keep=kept)
            if not keep:
                continue
            if name in found:
                raise self._refused(f"two values for {name[:40]!r}")
            self._budget.take_nodes(1)
            found[name] = value
        return found if keep else None

    def _array(self, *, keep: bool) -> Ubjson:
        marker = self._stream.read(1)
        if marker == b"$":
            return self._typed_array(keep=keep)
        found: list[Ubjson] = []
        if marker == b"#":
            for _ in range(self._length(self._stream.read(1))):
                self._append(found, self.value(keep=keep), keep=keep)
            return found if keep else None
        while marker != b"]":
            self._append(found, self._value_of(marker, keep=keep), keep=keep)
            marker = self._stream.read(1)
        return found if keep else None

    def _append(self, found: list[Ubjson], value: Ubjson, *, keep: bool) -> None:
        if keep:
            self._budget.take_nodes(1)
            found.append(value)

    def _typed_array(self, *, keep: bool) -> Ubjson:
        """Read an array whose elements are all numbers of one type."""
        element = self._stream.read(1)
        if element not in NUMBERS or self._stream.read(1) != b"#":
            raise self._refused(f"an array of {element!r}")
        count = self._length(self._stream.read(1))
        if keep:
            self._budget.take_nodes(count)
            return list(self._numbers(element, count))
        self._stream.skip(count * struct.calcsize(NUMBERS[element]))
        return None

    def _numbers(self, marker: bytes, count: int) -> tuple[int | float, ...]:
        format_ = f">{count}{NUMBERS[marker]}"
        return struct.unpack(format_, self._stream.read(struct.calcsize(format_)))

    def _length(self, marker: bytes) -> int:
        if marker[0] not in INTEGERS:
            raise self._refused(f"{marker!r} in place of a length")
        length = int(self._numbers(marker, 1)[0])
        if length < 0:
            raise self._refused("a length below 0")
        return length

    def _string(self, *, keep: bool) -> str | None:
        length = self._length(self._stream.read(1))
        if keep:
            self._budget.take_bytes(length)
            return self._text(length, length)
        self._stream.skip(length)
        return None

    def _text(self, length: int, longest: int) -> str:
        if length > longest:
            raise self._refused(f"a name of {length} bytes")
        try:
            return self._stream.read(length).decode()
        except UnicodeDecodeError as error:
            raise self._refused("a string that is not UTF-8") from error

    def _refused(self, what: str) -> Refused:
        return Refused(
            f"is no UBJSON that infer reads: it has {what} before byte {self._stream.position}",
            hint="Save the model again, with booster.save_model('model.ubj').",
        )
