"""Reading tables of FlatBuffers (https://flatbuffers.dev/internals), with every position checked."""

from __future__ import annotations

import struct

# The longest string that is read; the parameters of a training are some thousand bytes.
STRING_BYTES_MAX = 64 * 2**20


class Table:
    """A table in a buffer. A field that is absent has its default; what lies out of bounds raises an error.

    The errors are `ValueError` and `struct.error`.
    """

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer = buffer
        self._at = at
        fields = at - self._read("<i", at)
        size = self._read("<H", fields)
        count = max(0, (size - 4) // 2)
        self._fields = struct.unpack(f"<{count}H", self._bytes(fields + 4, 2 * count))

    def integer(self, field: int, default: int) -> int:
        """Give a whole number of 32 bits."""
        at = self._place(field)
        return default if at is None else self._read("<i", at)

    def text(self, field: int) -> str:
        """Give a string, "" if it is absent."""
        at = self._target(field)
        if at is None:
            return ""
        length = self._read("<I", at)
        if length > STRING_BYTES_MAX:
            message = f"a string of {length} bytes"
            raise ValueError(message)
        return self._bytes(at + 4, length).decode()

    def table(self, field: int) -> Table:
        """Give a table that must be there."""
        at = self._target(field)
        if at is None:
            message = f"field {field} is missing"
            raise ValueError(message)
        return Table(self._buffer, at)

    def tables(self, field: int, most: int) -> list[Table]:
        """Give a list of tables, empty if it is absent; raise `ValueError` for more than `most`."""
        at = self._target(field)
        if at is None:
            return []
        count = self._read("<I", at)
        if count > most:
            message = f"a list of {count} tables"
            raise ValueError(message)
        places = [at + 4 + 4 * number for number in range(count)]
        return [Table(self._buffer, place + self._read("<I", place)) for place in places]

    def _place(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _target(self, field: int) -> int | None:
        at = self._place(field)
        return None if at is None else at + self._read("<I", at)

    def _read(self, layout: str, at: int) -> int:
        found: int = struct.unpack(layout, self._bytes(at, struct.calcsize(layout)))[0]
        return found

    def _bytes(self, at: int, size: int) -> bytes:
        if at < 0 or at + size > len(self._buffer):
            message = f"position {at} is out of bounds"
            raise ValueError(message)
        return self._buffer[at : at + size]


def root_of(buffer: bytes) -> Table:
    """Give the table that a buffer starts with."""
    return Table(buffer, struct.unpack_from("<I", buffer)[0])
