"""The predictions for some rows, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.json_values import JsonValue


class Predictions(NamedTuple):
    """One value for each row, and its probabilities if the model has them.

    `scores` are what further methods of the model give for each row, by the name that an answer gives them:
    `decision_function`, `score_samples`, `distances`. All are of JSON's types, but a number may be NaN.
    """

    values: list[JsonValue]
    probabilities: list[JsonValue] | None
    scores: dict[str, list[JsonValue]] | None = None

    def part(self, start: int, end: int) -> Predictions:
        """Give the predictions for the rows from `start` up to `end`, without `end`."""
        return self._each(lambda values: values[start:end])

    def at(self, positions: Sequence[int]) -> Predictions:
        """Give the predictions for the rows at these positions, in this order."""
        return self._each(lambda values: [values[position] for position in positions])

    def _each(self, change: Callable[[list[JsonValue]], list[JsonValue]]) -> Predictions:
        probabilities, scores = self.probabilities, self.scores
        return Predictions(
            change(self.values),
            None if probabilities is None else change(probabilities),
            None if scores is None else {name: change(found) for name, found in scores.items()},
        )


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Join predictions for several sets of rows of one model, at least one."""
    first = parts[0]
    probabilities = None
    if first.probabilities is not None:
        probabilities = [found for part in parts for found in part.probabilities or ()]
    scores = None
    if first.scores is not None:
        scores = {
            name: [score for part in parts for score in (part.scores or {})[name]] for name in first.scores
        }
    return Predictions([value for part in parts for value in part.values], probabilities, scores)
