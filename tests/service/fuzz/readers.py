"""The C readers by themselves: whatever they read, the parsers in Python read the same."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import numpy as np

from service.errors import InvalidInput
from service.native.library import LIBRARY, OBJECTS
from service.native.number_reader import NumberReader
from service.native.row_reader import RowReader
from service.protocols.payload import parse_json, parse_query
from service.protocols.row_checks import RowChecks
from service.protocols.value_checks import value_of_string
from service.schema.features import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections import Counter

    from service.schema.features import Feature
    from tests.service.fuzz.requests import Request


class Readers:
    """Shows each body to every reader, and counts in `read` what they read."""

    def __init__(self, features: tuple[Feature, ...], read: Counter[str]) -> None:
        self._features = features
        self._names = [feature.name for feature in features]
        self._read = read
        self._rows = self._tables = None
        if LIBRARY is not None and RowReader.can_read(self._names):
            self._rows = RowReader(self._names, LIBRARY)
            self._tables = NumberReader(self._rows, LIBRARY)

    def fault_of(self, request: Request) -> str | None:
        """Say what was read otherwise than in Python; None if nothing was."""
        if self._rows is None or self._tables is None:
            return None
        text = request.query.encode("latin-1", "replace") or request.body
        found = (
            self._compare("rows", text, self._rows.read(text), self._parsed),
            self._compare("lines", text, self._tables.read_csv(text), self._lines),
            self._compare("a query", text, self._rows.read_query(text.decode("latin-1")), self._query),
            *(self._tables_of(text)),
        )
        return next(filter(None, found), None)

    def _compare(self, what: str, text: bytes, numbers: Any, read: Any) -> str | None:
        if numbers is None:
            return None
        self._read[what] += 1
        try:
            expected = np.array(read(text), np.float64).reshape(numbers.shape)
        except (InvalidInput, ValueError) as error:
            return f"C reads {what}, and Python refuses: {error}"
        if expected.tobytes() == numbers.tobytes() and (np.abs(numbers) <= LARGEST_NUMBER).all():
            return None
        return f"C reads {what} as {numbers.tolist()}, and Python as {expected.tolist()}"[:600]

    def _tables_of(self, text: bytes) -> list[str | None]:
        found, end = [], 0
        for table in self._tables.find(text) if self._tables else ():
            if not end <= table.start < table.end <= len(text):
                return [f"C finds a table from {table.start} to {table.end}, of {len(text)} bytes"]
            end = table.end
            read = self._objects if table.kind == OBJECTS else json.loads
            found.append(self._compare("tables", text[table.start : end], table.numbers, read))
        return found

    def _parsed(self, text: bytes) -> Any:
        return parse_json(text, RowChecks.of(self._features))

    def _query(self, text: bytes) -> Any:
        pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True)
        return [parse_query(pairs, RowChecks.of(self._features))]

    def _lines(self, text: bytes) -> Any:
        lines = filter(None, csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
        return [[*map(value_of_string, self._features, line)] for line in lines]

    def _objects(self, text: bytes) -> Any:
        return [[row[name] for name in self._names] for row in json.loads(text)]
