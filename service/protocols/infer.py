"""The service's own wire format: a query or a body in, the bytes of the answer out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np

from service.errors import WrongContentType
from service.json_values import JsonValue, encode, json_value
from service.native.library import GIVE_UP, LIBRARY
from service.native.row_reader import RowReader
from service.prediction.exchange import JSON, Answer, Asked, Resource
from service.protocols.answers import AnswerWriter
from service.protocols.outputs import CHOICE, Outputs
from service.protocols.payload import parse_json, parse_query
from service.protocols.remarks import encoded
from service.protocols.row_checks import RowChecks, RowRules

if TYPE_CHECKING:
    from service.native.row_program import RowProgram
    from service.prediction.predictor import Predictor
    from service.schema.features import Rows, Value


PROTOCOL = "infer"
PATH = "/prediction"


class InferEndpoint:
    """The service's own wire format, as an `Endpoint`: reads rows, asks the predictor, writes the answer."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.features = predictor.features
        self._writer = AnswerWriter(predictor.classes)
        self._rules = RowRules(self.features, predictor.limit)
        self._names = self._rules.names
        self._outputs = Outputs(predictor)
        self._reader = (
            RowReader(self._names, LIBRARY)
            if LIBRARY and predictor.takes_numbers and RowReader.can_read(self._names)
            else None
        )
        program = predictor.row_program
        self._row = None
        if self._reader and program:
            self._row = _OneRow(self._reader, program, self._writer, predictor)
        # Any other name is written differently in a URL, with escapes.
        self._is_plain = all(name.isidentifier() and name.isascii() for name in self._names)

    def resources(self) -> dict[str, Resource]:
        """Give what stands at each path."""
        return {PATH: Resource(PATH, PROTOCOL, {"GET": self._get, "POST": self._post}, predicts=True)}

    def _get(self, asked: Asked) -> Answer:
        # A feature called `output` keeps its meaning.
        chosen = [] if CHOICE in self._rules.known else self._outputs.of_query(asked.query)
        if not chosen:
            return Answer(self.answer_query(asked.query), 1)
        pairs = [pair for pair in parse_qsl(asked.query, keep_blank_values=True) if pair[0] != CHOICE]
        checks = RowChecks(self._rules)
        rows = self._rows([parse_query(pairs, checks)])
        results = {name: values[0] for name, values in self._outputs.ask(rows, chosen).items()}
        answer: dict[str, JsonValue] = {"inputs": self._inputs(rows), **results}
        return Answer(encoded(answer, checks, by_row=False), 1)

    def _post(self, asked: Asked) -> Answer:
        if asked.content_type != JSON:
            raise WrongContentType(f"The body must be sent with the header Content-Type: {JSON}.")
        chosen = self._outputs.of_query(asked.query)
        if not chosen:
            return Answer(*self.answer_body(asked.body))
        checks = RowChecks(self._rules)
        rows = self._read(asked.body, checks)
        results: dict[str, JsonValue] = {**self._outputs.ask(rows, chosen)}
        return Answer(encoded(results, checks, by_row=True), len(rows))

    def answer_query(self, query: str) -> bytes:
        """Answer for the one row of a query, which is the part of a URL after `?`."""
        found = self._row.of_query(query) if self._row and self._is_plain else None
        if found is None:
            return self._answer_query(query)
        values, answer = found
        return encode({"inputs": dict(zip(self._names, values)), **answer})

    def answer_body(self, body: bytes) -> tuple[bytes, int]:
        """Answer for the rows of a JSON body; also give how many rows there are."""
        answer = self._row.of_body(body) if self._row else None
        if answer is not None:
            return encode(answer), 1
        checks = RowChecks(self._rules)
        rows = self._read(body, checks)
        predictions = self.predictor.predict(rows)
        self.predictor.answered(rows, predictions.values)
        return encoded(self._writer.answer(predictions), checks, by_row=True), len(predictions.values)

    def _answer_query(self, query: str) -> bytes:
        checks = RowChecks(self._rules)
        rows: Rows | None = self._reader.read_query(query) if self._reader and self._is_plain else None
        if rows is None:
            rows = self._rows([parse_query(parse_qsl(query, keep_blank_values=True), checks)])
        predictions = self.predictor.predict(rows)
        answer = self._writer.single(predictions)
        self.predictor.answered(rows, predictions.values)
        return encoded({"inputs": self._inputs(rows), **answer}, checks, by_row=False)

    def _inputs(self, rows: Rows) -> dict[str, JsonValue]:
        return dict(zip(self._names, map(json_value, rows[0])))

    def _read(self, body: bytes, checks: RowChecks) -> Rows:
        """Read the rows: by compiled code if all of the body is certainly right, else by `parse_json`."""
        if self._reader is not None:
            rows: Rows | None = self._reader.read(body)
            if rows is not None:
                return rows
        return self._rows(parse_json(body, checks))

    def _rows(self, rows: list[list[Value]]) -> Rows:
        return np.array(rows, dtype=np.float64) if self.predictor.takes_numbers else rows


class _OneRow:
    """Answers one row of numbers, from its text to the answer, in one call of the row program.

    Both methods give None for text that is not certainly right, and for rows that the program leaves to the
    predictor.
    """

    def __init__(
        self, reader: RowReader, program: RowProgram, writer: AnswerWriter, predictor: Predictor
    ) -> None:
        # The addresses below are valid as long as these two objects live.
        self._reader, self._kept = reader, program
        self._counts, self._classes = predictor.inputs, predictor.answers
        self._columns, self._program = reader.address, program.address
        self._answer_body, self._answer_query = program.answer_body, program.answer_query
        self._room, self._inputs, self._width = program.answer_buffer, program.row_buffer, program.width
        self._write = writer.row

    def of_body(self, body: bytes) -> dict[str, JsonValue] | None:
        """Answer a JSON body of one row."""
        room = self._room()
        position = self._answer_body(self._columns, self._program, body, len(body), room)
        if position == GIVE_UP:
            return None
        if self._counts is not None and self._counts.is_due():
            # The program has read the row, and keeps it to itself.
            rows = self._reader.read(body)
            if rows is not None:
                self._counts.count(rows)
        prediction, shares = self._write(position, room[: self._width])
        if self._classes is not None:
            self._classes.count_row(position, room[:1])
        if shares is None:
            return {"predictions": [prediction]}
        return {"predictions": [prediction], "probabilities": [shares]}

    def of_query(self, query: str) -> tuple[list[float], dict[str, JsonValue]] | None:
        """Give the row of a query, and its answer."""
        room, row, text = self._room(), self._inputs(), query.encode()
        position = self._answer_query(self._columns, self._program, text, len(text), row, room)
        if position == GIVE_UP:
            return None
        if self._counts is not None and self._counts.is_due():
            self._counts.count([[*row]])
        prediction, shares = self._write(position, room[: self._width])
        if self._classes is not None:
            self._classes.count_row(position, room[:1])
        if shares is None:
            return row[:], {"prediction": prediction}
        return row[:], {"prediction": prediction, "probabilities": shares}
