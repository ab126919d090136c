"""From rows to outcomes. They are data, as the steps are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import DECISIONS, LINKS, Array, Outcome
from service.compiler.operations import through
from service.schema.features import LARGEST_NUMBER

if TYPE_CHECKING:
    from service.compiler.functions import Ask, Step

# A third of the time that the same methods of an array take.
LARGEST, ABSOLUTE = np.maximum.reduce, np.absolute


@dataclass(frozen=True)
class Classifier:
    """Scores, what makes probabilities of them, and which class they decide for: see `arithmetic`."""

    scores: Step
    decision: str
    link: str = "none"
    is_flat: bool = False

    def __call__(self, rows: Array) -> Outcome:
        scores = self.scores(rows)
        if self.is_flat:
            scores = scores.ravel()
        probabilities = LINKS[self.link](scores)
        return Outcome(DECISIONS[self.decision](scores, probabilities), probabilities)


@dataclass(frozen=True)
class Regressor:
    """Scores, which are flat if they have one column, and a function of NumPy if there is one."""

    scores: Step
    link: Step | None = None

    def __call__(self, rows: Array) -> Outcome:
        values = self.scores(rows)
        if values.ndim > 1 and values.shape[1] == 1:
            values = values.ravel()
        return Outcome(values if self.link is None else self.link(values))


@dataclass(frozen=True)
class Chain:
    """Steps before a model."""

    steps: list[Step]
    model: Ask

    def __call__(self, rows: Array) -> Outcome | None:
        rows = through(self.steps, rows)
        # Models refuse what a step made too large; whether they do is theirs to say.
        if not LARGEST(ABSOLUTE(rows), axis=None) <= LARGEST_NUMBER and not _are_usable(rows):
            return None
        return self.model(rows)


def _are_usable(rows: Array) -> bool:
    """Tell whether all is a number within the limits, or missing as some models take it."""
    return bool((np.isnan(rows) | (np.abs(rows) <= LARGEST_NUMBER)).all())


@dataclass(frozen=True)
class TurnedBack:
    """A model of a target that was transformed, and the steps back."""

    model: Ask
    back: list[Step]

    def __call__(self, rows: Array) -> Outcome | None:
        outcome = self.model(rows)
        return None if outcome is None else Outcome(through(self.back, outcome.values))


@dataclass(frozen=True)
class Average:
    """The mean of what models say: of their probabilities for classifiers."""

    models: list[Ask]
    weights: Array | None
    is_classifier: bool

    def __call__(self, rows: Array) -> Outcome | None:
        outcomes = [outcome for outcome in (model(rows) for model in self.models) if outcome is not None]
        if len(outcomes) < len(self.models):
            return None
        if self.is_classifier:
            each = np.array([outcome.probabilities for outcome in outcomes])
            probabilities: Array = np.average(each, axis=0, weights=self.weights)
            return Outcome(probabilities.argmax(axis=1), probabilities)
        values = np.array([outcome.values for outcome in outcomes]).T
        return Outcome(np.average(values, axis=1, weights=self.weights))
