"""Compares a function with the model that it stands for."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from service.compiler.functions import Outcome
from service.errors import NotCompilable

if TYPE_CHECKING:
    from service.compiler.functions import Array, Ask
    from service.native.row_program import RowProgram

    # An array of numbers, or lists of values.
    Rows = Any

# Relative to the larger of 1 and the value: twelve digits. A label is never another.
TOLERANCE = 1e-12
FEWEST_ROWS = 96


@dataclass(frozen=True)
class Difference:
    """How far answers are from those of the model: other labels, and the largest difference of numbers."""

    labels: int = 0
    values: float = 0.0
    probabilities: float = 0.0

    @property
    def largest(self) -> float:
        """The largest difference of any number."""
        return max(self.values, self.probabilities)

    def or_larger(self, other: Difference) -> Difference:
        """Give the larger of each."""
        return Difference(*map(max, astuple(self), astuple(other)))

    def check(self) -> None:
        """Raise `NotCompilable` if it is too large."""
        if self.labels:
            raise NotCompilable("it gave another label")
        # Also not a number is not within the tolerance.
        if not (self.values <= TOLERANCE and self.probabilities <= TOLERANCE):
            raise NotCompilable(f"its answers differ by {self.largest:.1e}")


@dataclass(frozen=True)
class Trial:
    """Rows as a function takes them, and what the model itself answers."""

    rows: Rows
    wanted: Outcome

    def judge(self, ask: Ask) -> Difference:
        """Give the largest differences, of single rows and of all; raise `NotCompilable` if too large."""
        together = ask(self.rows)
        if together is None:
            raise NotCompilable("some rows are for the model alone to judge")
        alone = [ask(self.rows[at : at + 1]) for at in range(0, len(self.rows), 7)]
        some = Outcome(*(None if part is None else part[::7] for part in self.wanted))
        single = Outcome(
            *(
                None if parts[0] is None else np.concatenate(parts)
                for parts in zip(*(outcome for outcome in alone if outcome))
            )
        )
        differences = (compare(together, self.wanted), compare(single, some))
        for difference in differences:
            difference.check()
        return differences[0].or_larger(differences[1])


def compare_rows(path: RowProgram, trial: Trial) -> Difference | None:
    """Compare what the path of one row answers with the model; None if it leaves all rows to others."""
    answers = [path.answer(row) for row in trial.rows.tolist()]
    answered = [at for at, answer in enumerate(answers) if answer is not None]
    if not answered:
        return None
    positions, numbers = zip(*(answer for answer in answers if answer is not None))
    expected = Outcome(*(None if part is None else part[answered] for part in trial.wanted))
    made = np.array(numbers)
    if expected.values.dtype.kind in "iu":
        return compare(Outcome(np.array(positions), made if made.size else None), expected)
    return compare(Outcome(made.reshape(expected.values.shape)), expected)


def compare(found: Outcome, wanted: Outcome) -> Difference:
    """Compare answers with those of the model; raise `NotCompilable` if they are of another shape."""
    values, expected = np.asarray(found.values), np.asarray(wanted.values)
    if values.shape != expected.shape:
        raise NotCompilable(f"its answers have the shape {values.shape} instead of {expected.shape}")
    if (found.probabilities is None) != (wanted.probabilities is None):
        raise NotCompilable("only one of the two has probabilities")
    largest = 0.0
    if found.probabilities is not None and wanted.probabilities is not None:
        if found.probabilities.shape != wanted.probabilities.shape:
            raise NotCompilable("its probabilities are of another shape")
        largest = _largest(found.probabilities, wanted.probabilities)
    if values.dtype.kind in "iu":
        return Difference(int((values != expected).sum()), 0.0, largest)
    return Difference(0, _largest(values, expected), largest)


def _largest(found: Array, expected: Array) -> float:
    both_missing = np.isnan(found) & np.isnan(expected)
    same = both_missing | (found == expected)
    difference = np.where(same, 0.0, np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))
    return float(difference.max(initial=0.0))
