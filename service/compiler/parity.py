"""Differences between the answers of a program and the answers of the model that it was compiled from."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import Outcome
from service.errors import NotCompilable

if TYPE_CHECKING:
    from service.compiler.functions import Ask
    from service.native.library import Array
    from service.native.row_program import RowProgram
    from service.schema.features import Rows

# The largest difference of a number, relative to the larger of 1 and the model's number: twelve digits. No
# label may differ.
TOLERANCE = 1e-12
# A trial of fewer rows would show too little.
TRIAL_ROWS_MIN = 96


@dataclass(frozen=True)
class Difference:
    """How many labels differ, and the largest differences of predicted numbers and of probabilities."""

    labels: int = 0
    values: float = 0.0
    probabilities: float = 0.0

    @property
    def largest(self) -> float:
        """The largest difference of any number."""
        return max(self.values, self.probabilities)

    def or_larger(self, other: Difference) -> Difference:
        """Give the larger of both, for each kind of difference."""
        return Difference(*map(max, astuple(self), astuple(other)))

    def check(self) -> None:
        """Raise `NotCompilable` if a label differs, or a number by more than `TOLERANCE`."""
        if self.labels:
            raise NotCompilable("a label differs from the model's label")
        # `not <=` also holds for NaN.
        if not (self.values <= TOLERANCE and self.probabilities <= TOLERANCE):
            raise NotCompilable(f"a number differs from the model's number by {self.largest:.1e}")


@dataclass(frozen=True)
class Trial:
    """Rows in the form that a program takes, and the model's own answers to them."""

    rows: Rows
    wanted: Outcome

    def measure(self, ask: Ask) -> Difference:
        """Give the largest differences of a program: all rows in one call, and every seventh row alone.

        Raises `NotCompilable` if a difference is too large, or the program does not answer a row.
        """
        together = ask(self.rows)
        if together is None:
            raise NotCompilable("the compiled model cannot answer some rows")
        alone = [ask(self.rows[at : at + 1]) for at in range(0, len(self.rows), 7)]
        answered = [outcome for outcome in alone if outcome is not None]
        differences = (
            compare(together, self.wanted),
            compare(_concatenated(answered), _rows_of(self.wanted, slice(None, None, 7))),
        )
        for difference in differences:
            difference.check()
        return differences[0].or_larger(differences[1])


def compare_rows(program: RowProgram, trial: Trial) -> Difference | None:
    """Compare the answers of a row program with the model's; None if the row program answers no row."""
    answers = [program.answer(row) for row in np.asarray(trial.rows).tolist()]
    answered = [at for at, answer in enumerate(answers) if answer is not None]
    if not answered:
        return None
    positions, numbers = zip(*(answer for answer in answers if answer is not None))
    expected = _rows_of(trial.wanted, answered)
    made = np.array(numbers)
    if expected.values.dtype.kind in "iu":
        return compare(Outcome(np.array(positions), made if made.size else None), expected)
    return compare(Outcome(made.reshape(expected.values.shape)), expected)


def compare(found: Outcome, expected: Outcome) -> Difference:
    """Compare a program's answers with the model's; raise `NotCompilable` if their shapes differ."""
    values, expected_values = np.asarray(found.values), np.asarray(expected.values)
    if values.shape != expected_values.shape:
        raise NotCompilable(f"the answers have the shape {values.shape} instead of {expected_values.shape}")
    if (found.probabilities is None) != (expected.probabilities is None):
        raise NotCompilable("only one of the model and the compiled model gives probabilities")
    largest = 0.0
    if found.probabilities is not None and expected.probabilities is not None:
        if found.probabilities.shape != expected.probabilities.shape:
            raise NotCompilable("the probabilities have another shape than the model's probabilities")
        largest = _largest(found.probabilities, expected.probabilities)
    if values.dtype.kind in "iu":
        return Difference(int((values != expected_values).sum()), 0.0, largest)
    return Difference(0, _largest(values, expected_values), largest)


def _rows_of(outcome: Outcome, rows: slice | list[int]) -> Outcome:
    """Give the answers to some of the rows."""
    probabilities = outcome.probabilities
    return Outcome(outcome.values[rows], None if probabilities is None else probabilities[rows])


def _concatenated(outcomes: list[Outcome]) -> Outcome:
    """Join the answers of several calls."""
    probabilities = [outcome.probabilities for outcome in outcomes if outcome.probabilities is not None]
    return Outcome(
        np.concatenate([outcome.values for outcome in outcomes]),
        np.concatenate(probabilities) if probabilities else None,
    )


def _largest(found: Array, expected: Array) -> float:
    """Give the largest difference of numbers; NaN equals NaN."""
    both_missing = np.isnan(found) & np.isnan(expected)
    same = both_missing | (found == expected)
    difference = np.where(same, 0.0, np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))
    return float(difference.max(initial=0.0))
