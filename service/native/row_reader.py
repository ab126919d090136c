"""Reads rows of numbers from the text of a request."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from service.native.library import FEW_BYTES, MOST_FEATURES, ColumnsStruct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.native.library import Library


class RowReader:
    """Reads rows of numbers from a JSON body or a query. Needs `LIBRARY`, and names that `can_read`."""

    def __init__(self, names: Sequence[str], library: Library) -> None:
        encoded = [name.encode() for name in names]
        self._names = b"".join(encoded)
        self._ends = np.cumsum([len(name) for name in encoded], dtype=np.int32)
        self._struct = ColumnsStruct(self._names, self._ends.ctypes.data, len(names))
        self.address = ctypes.addressof(self._struct)
        self.width = len(names)
        # What a row takes at the least: each name, quotes, a colon, a digit and a comma; and its braces.
        self._least_row = len(self._names) + 5 * len(names) + 1
        self._hold = library.holding.read_rows
        self._release = library.releasing.read_rows
        self._query = library.holding.read_query

    @staticmethod
    def can_read(names: Sequence[str]) -> bool:
        """Whether the names stand in JSON as they are, and are not too many."""
        plain = all(name.isprintable() and not set(name) & {'"', "\\"} for name in names)
        return plain and 1 <= len(names) <= MOST_FEATURES

    def read(self, body: bytes) -> Any:  # noqa: ANN401
        """The rows as a float64 array of shape (rows, names), or None for the careful reader to look at."""
        most = len(body) // self._least_row
        if most == 0:
            return None
        rows = np.empty((most, self.width))
        call = self._hold if len(body) <= FEW_BYTES else self._release
        count = call(self.address, body, len(body), rows.ctypes.data, most)
        return rows[:count] if count > 0 else None

    def read_query(self, query: str) -> Any:  # noqa: ANN401
        """The one row of a query as such an array, or None for the careful reader to look at.

        The names must be such that a URL has them as they are.
        """
        row = np.empty((1, self.width))
        text = query.encode()
        return row if self._query(self.address, text, len(text), row.ctypes.data) == 1 else None
