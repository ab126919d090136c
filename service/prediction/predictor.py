"""Asks the model for predictions. Knows nothing of HTTP, and takes rows that are already valid.

By the model's own arithmetic where that was found and tried (see `lean`), else by the model's methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from service.loading.compiled_model import CompiledModel
from service.prediction.batching import MOST_ROWS, Batcher
from service.prediction.fitted_model import FittedModel, takes_numbers
from service.schema.predictions import Predictions

if TYPE_CHECKING:
    from service.compiler.functions import Outcome
    from service.loading.model_file import LoadedModel

    # An array of numbers if the model takes nothing else, or lists of values.
    Rows = Any


class Predictor:
    """A loaded model that is ready to predict, for any number of threads.

    `classes` has the labels in the order of the probabilities, or one list of labels for each output of a
    model with several; it is None where the model has none. `takes_numbers` says that rows are arrays of
    float64, of shape (rows, features), with NaN for missing values. Otherwise they are lists of values in the
    order of `features`, and of their types. `lean` is the model's own arithmetic, or else `not_compiled` says why
    there is none.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        held = loaded.estimator
        self.model = model = held if isinstance(held, CompiledModel) else FittedModel(loaded)
        self.kind, self.features, self.classes = model.kind, model.features, model.classes
        self.takes_numbers = takes_numbers(model.features)
        self.program, self.not_compiled = model.program, model.not_compiled
        self.is_batched = model.is_batched
        self._labels = model.classes or []
        self._batcher = Batcher(model.ask, _join, _split, most_rows=MOST_ROWS if model.is_batched else 0)

    def predict(self, rows: Rows) -> Predictions:
        """Predict for rows, at least one."""
        if self.program is not None:
            outcome = self.program.ask(rows)
            if outcome is not None:
                return self._in_words(outcome)
        return self._batcher.ask(rows)

    def _in_words(self, outcome: Outcome) -> Predictions:
        values = outcome.values.tolist()
        if self.kind == "classifier":
            values = [self._labels[value] for value in values]
        probabilities = outcome.probabilities
        return Predictions(values, None if probabilities is None else probabilities.tolist())


def _join(parts: list[Rows]) -> Rows:
    """Make one set of rows of several."""
    if isinstance(parts[0], list):
        return [row for rows in parts for row in rows]
    return np.concatenate(parts)


def _split(predictions: Predictions, counts: list[int]) -> list[Predictions]:
    """Divide predictions among those who asked for so many rows each."""
    ends = np.cumsum(counts).tolist()
    if ends[-1] != len(predictions.values):
        message = f"{len(predictions.values)} predictions were given for {ends[-1]} rows"
        raise ValueError(message)
    probabilities = predictions.probabilities
    return [
        Predictions(
            predictions.values[end - count : end],
            None if probabilities is None else probabilities[end - count : end],
        )
        for count, end in zip(counts, ends)
    ]
