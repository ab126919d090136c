"""Remembers what the model was asked, and what it answered, for a request whose values go into the log.

The quickest code of a wire format asks the program of a compiled model itself, and makes no rows of what it
reads. A request with a record is answered by the general code instead. The answers are the same: tests
compare them.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from service.prediction.exchange import Resource
from service.prediction.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.json_values import JsonValue
    from service.prediction.exchange import Answer, Asked, Handler
    from service.schema.features import Rows
    from service.schema.predictions import Predictions


class Record:
    """The rows of one request, as the model got them, and what the model gave; `rows` is None without any.

    `further` are the values of further methods of the model by name. `predictor` is the one that was asked.
    """

    __slots__ = ("further", "predictions", "predictor", "rows")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was recorded."""
        self.predictor: Predictor | None = None
        self.rows: Rows | None = None
        self.predictions: Predictions | None = None
        self.further: dict[str, list[JsonValue]] = {}


# The record of the request that this thread answers.
_current: ContextVar[Record | None] = ContextVar("record", default=None)


class RecordedPredictor(Predictor):
    """A predictor that asks `predictor`, and notes rows and answers in the record of the request."""

    def __init__(self, predictor: Predictor) -> None:
        # All else is shared, above all what lets one thread at a time call the model.
        vars(self).update(vars(predictor))
        self.row_program = None
        self._predictor = predictor

    def predict(self, rows: Rows) -> Predictions:
        """Predict as `predictor` does."""
        record = self._note(rows)
        predictions = self._predictor.predict(rows)
        if record is not None:
            record.predictions = predictions
        return predictions

    def predict_further(self, rows: Rows, name: str) -> Predictions:
        """Give what a further method answers, as `predictor` does."""
        record = self._note(rows)
        predictions = self._predictor.predict_further(rows, name)
        if record is not None:
            record.further[name] = predictions.values
        return predictions

    def _note(self, rows: Rows) -> Record | None:
        record = _current.get()
        if record is not None:
            record.predictor, record.rows = self._predictor, rows
        return record


def recorded(usual: Mapping[str, Resource], general: Mapping[str, Resource]) -> dict[str, Resource]:
    """Give the resources `usual`, whose requests with a record are answered by those of `general`.

    `general` are the same resources, made with a `RecordedPredictor`.
    """
    return {
        path: _recorded(resource, general[path]) if resource.predicts else resource
        for path, resource in usual.items()
    }


def _recorded(usual: Resource, general: Resource) -> Resource:
    methods = {name: _choose(handler, general.methods[name]) for name, handler in usual.methods.items()}
    return Resource(usual.route, usual.protocol, methods, predicts=True)


def _choose(usual: Handler, general: Handler) -> Handler:
    def answer(asked: Asked) -> Answer:
        record = asked.record
        if not isinstance(record, Record):
            return usual(asked)
        # The fast path passes on what fails, and Flask then asks a second time.
        record.clear()
        token = _current.set(record)
        try:
            found = general(asked)
        finally:
            _current.reset(token)
        if not found.rows:
            # To describe an answer without rows, the model may have been asked for a made-up row.
            record.clear()
        return found

    return answer
