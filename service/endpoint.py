"""The prediction endpoint without HTTP: a query or a body in, the bytes of the answer out.

Both ways to it, the short one of `hot` and Flask's, end here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np

from service.answers import JsonValue, Writer, encode, json_value
from service.native import LIBRARY, RowReader
from service.payload import parse_json, parse_query
from service.values import LARGEST_NUMBER, NUMBER

if TYPE_CHECKING:
    from service.features import Value
    from service.predictor import Predictor, Rows


class Endpoint:
    """Reads rows, asks the predictor, and writes the answer. Both methods raise `InvalidInput`."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.features = predictor.features
        self._writer = Writer(predictor.classes)
        names = [feature.name for feature in self.features]
        self._positions = {name: position for position, name in enumerate(names)}
        is_plain = predictor.takes_numbers
        self._reader = (
            RowReader(names, LIBRARY) if LIBRARY and is_plain and RowReader.can_read(names) else None
        )
        self._reads_queries = is_plain and all(name.isidentifier() and name.isascii() for name in names)

    def answer_query(self, query: str) -> bytes:
        """Answer for one row, as the part of a URL after `?`."""
        values = self._quick_query(query) if self._reads_queries else None
        if values is None:
            items = parse_qsl(query, keep_blank_values=True)
            values = parse_query(items, self.features)
        answer = self._writer.single(self.predictor.predict(self._rows([values])))
        inputs: JsonValue = {feature.name: json_value(value) for feature, value in zip(self.features, values)}
        return encode({"inputs": inputs, **answer})

    def answer_body(self, body: bytes) -> bytes:
        """Answer for the rows of a JSON body."""
        return encode(self._writer.answer(self.predictor.predict(self._read(body))))

    def _read(self, body: bytes) -> Rows:
        """Read the rows. The quick reader takes what is certainly right, and the careful one all else."""
        if self._reader is not None:
            rows = self._reader.read(body)
            if rows is not None:
                return rows
        return self._rows(parse_json(body, self.features))

    def _rows(self, rows: list[list[Value]]) -> Rows:
        return np.array(rows, dtype=np.float64) if self.predictor.takes_numbers else rows

    def _quick_query(self, query: str) -> list[Value] | None:
        """Read `a=1&b=2` with each feature once, a plain number, and nothing else; None for all else."""
        parts = query.split("&")
        values: list[Value] = [None] * len(self._positions)
        if len(parts) != len(values):
            return None
        for part in parts:
            name, _, text = part.partition("=")
            position = self._positions.get(name)
            if position is None or values[position] is not None or NUMBER.fullmatch(text) is None:
                return None
            value = float(text)
            # Also not a number is not within the limits.
            if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER or "+" in text:
                return None
            values[position] = value
        return values
