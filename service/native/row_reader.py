"""Reads rows of numbers from the text of a request, in C."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from service.native.library import FEATURES_MAX, GIL_BYTES_MAX, ColumnsStruct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.native.library import Array, Library


class RowReader:
    """Reads rows of the features `names`, which `can_read` must have accepted.

    A text that is not certainly right is not read: the parser of the protocol reads it again, and says what
    is wrong with it.
    """

    def __init__(self, names: Sequence[str], library: Library) -> None:
        encoded = [name.encode() for name in names]
        self._names = b"".join(encoded)
        self._ends = np.cumsum([len(name) for name in encoded], dtype=np.int32)
        self._struct = ColumnsStruct(self._names, self._ends.ctypes.data, len(names))
        self.address = ctypes.addressof(self._struct)
        self.width = len(names)
        # The shortest row in JSON: each name with two quotes, a colon, a digit and a comma; and two braces,
        # without the last comma.
        self._row_bytes_min = len(self._names) + 5 * len(names) + 1
        self._read_with_gil = library.with_gil.read_rows
        self._read_without_gil = library.without_gil.read_rows
        self._read_query = library.with_gil.read_query

    @staticmethod
    def can_read(names: Sequence[str]) -> bool:
        """Tell whether JSON has all names without an escape, and there are at most `FEATURES_MAX`."""
        plain = all(name.isprintable() and not set(name) & {'"', "\\"} for name in names)
        return plain and 1 <= len(names) <= FEATURES_MAX

    def read(self, body: bytes) -> Array | None:
        """Give the rows of a JSON body as float64 of shape (rows, names); None if the parser must read it."""
        rows_max = len(body) // self._row_bytes_min
        if rows_max == 0:
            return None
        rows = np.empty((rows_max, self.width))
        read = self._read_with_gil if len(body) <= GIL_BYTES_MAX else self._read_without_gil
        count = read(self.address, body, len(body), rows.ctypes.data, rows_max)
        return rows[:count] if count > 0 else None

    def read_query(self, query: str) -> Array | None:
        """Give the row of a query as float64 of shape (1, names); None if the parser must read it.

        The names must be names that a URL has without an escape.
        """
        row = np.empty((1, self.width))
        text = query.encode()
        return row if self._read_query(self.address, text, len(text), row.ctypes.data) == 1 else None
