"""Asks the model for predictions, for any number of threads. Knows nothing of HTTP.

The program of a compiled model answers where there is one, and else the model's own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, cast

import numpy as np

from service.drift.class_counts import class_counts_of
from service.errors import ModelFailed
from service.prediction import deadlines
from service.prediction.batching import MOST_ROWS, Batcher
from service.prediction.model_calls import ModelCalls
from service.schema.features import closed, is_mixed, takes_numbers
from service.schema.predictions import Predictions
from service.schema.row_limit import RowLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Outcome
    from service.drift.input_counts import InputCounts
    from service.drift.shared_counts import SharedCounts
    from service.json_values import JsonValue
    from service.models.model import Model
    from service.schema.features import Rows

    Ask = Callable[[Rows], Predictions]


class Predictor:
    """A model that is ready to predict. `takes_numbers` says what `Rows` are: see `schema.features`.

    With `refuses_unknown`, a category that the model does not know is an error where the model takes it.
    `inputs` counts the values of rows, and `answers` the classes, once a wire format has answered them; each
    is None if there is nothing to be counted. A request of more rows than `limit` allows is refused, whatever
    its wire format. `admit` is told how many rows are to be answered, and may raise `TooManyRows` or `Busy`.
    """

    def __init__(
        self,
        model: Model,
        *,
        refuses_unknown: bool = False,
        inputs: InputCounts | None = None,
        limit: RowLimit | None = None,
        admit: Callable[[int], None] | None = None,
    ) -> None:
        self.model = model
        self.limit = limit or RowLimit()
        self.inputs, self.answers = inputs, class_counts_of(model.kind, model.classes)
        self._admit = admit or (lambda _: None)
        self.features = tuple(map(closed, model.features)) if refuses_unknown else model.features
        self.classes, self.program = model.classes, model.program
        self.takes_numbers = takes_numbers(model.features)
        self._is_mixed = is_mixed(model.features)
        self._is_classifier = model.kind == "classifier"
        self._labels = model.classes or []
        self._batcher = Batcher(self._ask, _join, _split, most_rows=MOST_ROWS if model.is_batched else 0)
        # Answers a row of numbers alone in a tenth of the time that NumPy's calls take. Wire formats may ask
        # `row_program` themselves, where there is one.
        self._row = self.program.row_program if self.program and self.takes_numbers else None
        self.row_program = self._row
        # Only one thread at a time may call the model.
        self.calls = ModelCalls()

    def predict(self, rows: Rows) -> Predictions:
        """Predict for rows of checked values, at least one.

        Raises `InvalidInput` for too many rows, and for rows that a compiled model cannot answer,
        `ModelFailed` with the first row for which the model raises an error, and `DeadlineExceeded`.
        """
        self.limit.check(len(rows))
        deadlines.check()
        self._admit(len(rows))
        if self._row is not None and len(rows) == 1:
            found = self._row.answer(cast("Sequence[float]", rows[0]))
            if found is not None:
                return self._of_row(*found)
        if self.program is not None:
            outcome = self.program.ask(self._for_program(rows))
            if outcome is not None:
                return self._with_labels(outcome)
        return self._by_model(rows, self._batcher.ask)

    def predict_further(self, rows: Rows, name: str) -> Predictions:
        """Give what a further method of the model answers for rows of checked values, at least one.

        `name` is one of `model.further_results`. Raises the same errors as `predict`.
        """

        def ask(some: Rows) -> Predictions:
            with self.calls.one(len(some)):
                return self.model.ask_further(some, name)

        self.limit.check(len(rows))
        deadlines.check()
        self._admit(len(rows))
        return self._by_model(rows, ask)

    def answered(self, rows: Rows, values: Sequence[JsonValue] | None) -> None:
        """Count rows of a request that were answered; `values` is None if what was asked for is no class."""
        if self.inputs is not None:
            self.inputs.saw(rows)
        if self.answers is not None and values is not None:
            self.answers.count(values)

    @property
    def shared_counts(self) -> list[SharedCounts]:
        """What all workers of a model count together."""
        return [counts for counts in (self.inputs, self.answers) if counts is not None]

    def _ask(self, rows: Rows) -> Predictions:
        # The deadline of this thread is none of the other requests whose rows are in the call.
        with self.calls.one(len(rows), may_be_late=True):
            return self.model.ask(rows)

    def _by_model(self, rows: Rows, ask: Ask) -> Predictions:
        try:
            return ask(rows)
        except ModelFailed as error:
            failure = self._of_first_row(rows, error, ask)
            raise failure from failure.__cause__

    def _of_first_row(self, rows: Rows, failure: ModelFailed, ask: Ask) -> ModelFailed:
        """Give the failure of the first row that fails alone, with its position; `failure` is that of all."""
        start, end = 0, len(rows)
        while end - start > 1:
            middle = (start + end) // 2
            if (first := _failure(rows[start:middle], ask)) is not None:
                end, failure = middle, first
            elif (second := _failure(rows[middle:end], ask)) is not None:
                start, failure = middle, second
            else:
                # The model answers each row, and so refuses none.
                together = ModelFailed(failure.kind)
                together.__cause__ = failure.__cause__
                return together
        failure.row = start
        return failure

    def _of_row(self, position: int, numbers: list[float]) -> Predictions:
        """Make predictions of what a row program answers: see `RowProgram.answer`."""
        if self._is_classifier:
            return Predictions([self._labels[position]], [cast("JsonValue", numbers)] if numbers else None)
        return Predictions([numbers[0] if len(numbers) == 1 else cast("JsonValue", numbers)], None)

    def _for_program(self, rows: Rows) -> Rows:
        """Give rows as a program takes them: an array if all values are numbers, of whatever dtype."""
        if self._is_mixed or not isinstance(rows, list):
            return rows
        return np.array(rows, dtype=np.float64)

    def _with_labels(self, outcome: Outcome) -> Predictions:
        values = outcome.values.tolist()
        if self._is_classifier:
            values = [self._labels[value] for value in values]
        probabilities = outcome.probabilities
        return Predictions(values, None if probabilities is None else probabilities.tolist())


def numbers_of_answer(model: Model) -> int:
    """Give about how many numbers the answer to a row has."""
    classes = model.classes or ()
    probabilities = sum(len(one) if isinstance(one, list) else 1 for one in classes)
    return 1 + probabilities + len(model.outputs or ())


def _failure(rows: Rows, ask: Ask) -> ModelFailed | None:
    try:
        ask(rows)
    except ModelFailed as error:
        return error
    return None


def _join(parts: list[Rows]) -> Rows:
    """Make one set of rows of several, which are all arrays or all lists."""
    if isinstance(parts[0], list):
        return [row for rows in parts for row in rows]
    return np.concatenate(cast("list[np.ndarray[Any, np.dtype[np.float64]]]", parts))


def _split(predictions: Predictions, counts: list[int]) -> list[Predictions]:
    """Divide predictions for joined rows, in the order of the requests; `counts` has each one's rows."""
    ends = np.cumsum(counts).tolist()
    if ends[-1] != len(predictions.values):
        message = f"{len(predictions.values)} predictions were given for {ends[-1]} rows"
        raise ValueError(message)
    return [predictions.part(end - count, end) for count, end in zip(counts, ends)]
