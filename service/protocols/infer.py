"""The prediction endpoint without HTTP: a query or a body in, the bytes of the answer out.

Both ways to it, the short one of `hot` and Flask's, end here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np

from service.json_values import JsonValue, encode, json_value
from service.native.library import GIVE_UP, LIBRARY
from service.native.row_reader import RowReader
from service.protocols.answers import Writer
from service.protocols.payload import parse_json, parse_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.native.row_program import RowProgram
    from service.prediction.predictor import Predictor
    from service.schema.features import Rows, Value


class InferEndpoint:
    """The service's own wire format, as an `Endpoint`: reads rows, asks the predictor, writes the answer."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.features = predictor.features
        self._writer = Writer(predictor.classes)
        self._names = [feature.name for feature in self.features]
        self._reader = (
            RowReader(self._names, LIBRARY)
            if LIBRARY and predictor.takes_numbers and RowReader.can_read(self._names)
            else None
        )
        path = predictor.program.row_program if predictor.program else None
        self._row = _OneRow(self._reader, path, self._writer) if self._reader and path else None
        # Other names look otherwise in a URL.
        self._is_plain = all(name.isidentifier() and name.isascii() for name in self._names)

    def answer_query(self, query: str) -> bytes:
        """Answer for one row, as the part of a URL after `?`."""
        found = self._row.of_query(query) if self._row and self._is_plain else None
        values, answer = found or self._answer_query(query)
        return encode({"inputs": dict(zip(self._names, values)), **answer})

    def answer_body(self, body: bytes) -> tuple[bytes, int]:
        """Answer for the rows of a JSON body; also how many they are."""
        quick = self._row.of_body(body) if self._row else None
        if quick is not None:
            return encode(quick), 1
        predictions = self.predictor.predict(self._read(body))
        return encode(self._writer.answer(predictions)), len(predictions.values)

    def _answer_query(self, query: str) -> tuple[Sequence[JsonValue], dict[str, JsonValue]]:
        rows = self._reader.read_query(query) if self._reader and self._is_plain else None
        if rows is not None:
            return rows[0].tolist(), self._writer.single(self.predictor.predict(rows))
        row = parse_query(parse_qsl(query, keep_blank_values=True), self.features)
        predictions = self.predictor.predict(self._rows([row]))
        return [json_value(value) for value in row], self._writer.single(predictions)

    def _read(self, body: bytes) -> Rows:
        """Read the rows. The quick reader takes what is certainly right, and the careful one all else."""
        if self._reader is not None:
            rows: Rows | None = self._reader.read(body)
            if rows is not None:
                return rows
        return self._rows(parse_json(body, self.features))

    def _rows(self, rows: list[list[Value]]) -> Rows:
        return np.array(rows, dtype=np.float64) if self.predictor.takes_numbers else rows


class _OneRow:
    """From the text of one row of numbers to its answer, in one call of compiled code.

    It gives None for everything that is not certainly right, and for rows that it leaves to the predictor.
    """

    def __init__(self, reader: RowReader, path: RowProgram, writer: Writer) -> None:
        self._kept = (reader, path)
        self._columns, self._path = reader.address, path.address
        self._answer_body, self._answer_query = path.answer_body, path.answer_query
        self._room, self._inputs, self._width = path.room, path.row, path.width
        self._write = writer.row

    def of_body(self, body: bytes) -> dict[str, JsonValue] | None:
        """Answer a JSON body."""
        room = self._room()
        position = self._answer_body(self._columns, self._path, body, len(body), room)
        if position == GIVE_UP:
            return None
        prediction, shares = self._write(position, room[: self._width])
        if shares is None:
            return {"predictions": [prediction]}
        return {"predictions": [prediction], "probabilities": [shares]}

    def of_query(self, query: str) -> tuple[list[float], dict[str, JsonValue]] | None:
        """Answer a query, and give its row too."""
        room, row, text = self._room(), self._inputs(), query.encode()
        position = self._answer_query(self._columns, self._path, text, len(text), row, room)
        if position == GIVE_UP:
            return None
        prediction, shares = self._write(position, room[: self._width])
        if shares is None:
            return row[:], {"prediction": prediction}
        return row[:], {"prediction": prediction, "probabilities": shares}


PATH = "/prediction"


JSON = "application/json"
