"""Final stages: rows in, labels and probabilities out, as serialisable dataclasses.

The names of classes and fields are written into compiled models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import DECISIONS, LINKS, Outcome
from service.compiler.operations import through
from service.schema.features import LARGEST_NUMBER

if TYPE_CHECKING:
    from service.compiler.functions import Ask, Operation
    from service.native.library import Array
    from service.schema.features import Rows

# They take a third of the time of `array.max` and `abs`.
LARGEST, ABSOLUTE = np.maximum.reduce, np.absolute


@dataclass(frozen=True)
class Classifier:
    """Scores, and what is made of them: `link` is a name of `LINKS`, `decision` one of `DECISIONS`."""

    scores: Operation
    decision: str
    link: str = "none"
    is_flat: bool = False

    def __call__(self, rows: Rows) -> Outcome:
        scores = self.scores(rows)
        if self.is_flat:
            scores = scores.ravel()
        probabilities = LINKS[self.link](scores)
        return Outcome(DECISIONS[self.decision](scores, probabilities), probabilities)


@dataclass(frozen=True)
class Regressor:
    """Scores, flat if they have one column, and the function that turns them into predictions, if any."""

    scores: Operation
    link: Operation | None = None

    def __call__(self, rows: Rows) -> Outcome:
        values = self.scores(rows)
        if values.ndim > 1 and values.shape[1] == 1:
            values = values.ravel()
        return Outcome(values if self.link is None else self.link(values))


@dataclass(frozen=True)
class Chain:
    """Operations before a final stage. It answers None for rows that an operation made too large."""

    steps: list[Operation]
    model: Ask

    def __call__(self, rows: Rows) -> Outcome | None:
        made = through(self.steps, rows)
        # Most estimators raise an error for a number that is too large: the estimator itself must answer.
        if not LARGEST(ABSOLUTE(made), axis=None) <= LARGEST_NUMBER and not _are_usable(made):
            return None
        return self.model(made)


def _are_usable(rows: Array) -> bool:
    """Tell whether every number is at most `LARGEST_NUMBER`, or NaN, which some estimators take."""
    return bool((np.isnan(rows) | (np.abs(rows) <= LARGEST_NUMBER)).all())


@dataclass(frozen=True)
class TurnedBack:
    """The model of a transformed target, and the operations that turn its predictions back."""

    model: Ask
    back: list[Operation]

    def __call__(self, rows: Rows) -> Outcome | None:
        outcome = self.model(rows)
        return None if outcome is None else Outcome(through(self.back, outcome.values))


@dataclass(frozen=True)
class Average:
    """The mean of the predictions of several models or, for a classifier, of their probabilities."""

    models: list[Ask]
    weights: Array | None
    is_classifier: bool

    def __call__(self, rows: Rows) -> Outcome | None:
        outcomes = [outcome for outcome in (model(rows) for model in self.models) if outcome is not None]
        if len(outcomes) < len(self.models):
            return None
        if self.is_classifier:
            each = np.array([outcome.probabilities for outcome in outcomes])
            probabilities: Array = np.average(each, axis=0, weights=self.weights)
            return Outcome(probabilities.argmax(axis=1), probabilities)
        values = np.array([outcome.values for outcome in outcomes]).T
        return Outcome(np.average(values, axis=1, weights=self.weights))
