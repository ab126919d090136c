"""Finds the tables of numbers in a JSON body, and reads lines of numbers, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from service.native.library import GIL_BYTES_MAX, TableStruct

if TYPE_CHECKING:
    from service.native.library import Array, Library
    from service.native.row_reader import RowReader

# The shortest number with what stands around it: a digit and a comma.
_NUMBER_BYTES_MIN = 2


class Table(NamedTuple):
    """A list of numbers in a text, from its bracket at `start` to `end`, which is behind the other bracket.

    `kind` is `FLAT`, `LISTS` or `OBJECTS`. The numbers are float64: of shape (numbers,) for `FLAT`, else of
    shape (rows, width). The columns of `OBJECTS` are in the order of the features.
    """

    kind: int
    start: int
    end: int
    numbers: Array


class NumberReader:
    """Finds tables for a model with the features of a `RowReader`, which must live as long."""

    def __init__(self, columns: RowReader, library: Library) -> None:
        self._columns = columns
        self._room = TableStruct * (columns.width + 1)
        self._find_with_gil = library.with_gil.find_tables
        self._find_without_gil = library.without_gil.find_tables
        self._read_csv = library.without_gil.read_csv

    def find(self, body: bytes) -> list[Table]:
        """Give the tables of a JSON body in the order of the text; none if the parser must read it all.

        The text around the tables is not checked.
        """
        most = len(body) // _NUMBER_BYTES_MIN + 1
        numbers, found = np.empty(most), self._room()
        find = self._find_with_gil if len(body) <= GIL_BYTES_MAX else self._find_without_gil
        count = find(self._columns.address, body, len(body), numbers.ctypes.data, most, found, len(found))
        tables, at = [], 0
        for one in found[: max(count, 0)]:
            end = at + one.rows * one.width
            shape = (one.rows, one.width) if one.kind else (one.rows,)
            tables.append(Table(one.kind, one.start, one.end, numbers[at:end].reshape(shape)))
            at = end
        return tables

    def read_csv(self, text: bytes) -> Array | None:
        """Give lines of numbers as float64 of shape (lines, features); None if Python must read them."""
        width = self._columns.width
        most = len(text) // _NUMBER_BYTES_MIN + 1
        numbers = np.empty(most)
        count = self._read_csv(width, text, len(text), numbers.ctypes.data, most)
        return numbers[: count * width].reshape(count, width) if count > 0 else None
