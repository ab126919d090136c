"""Finds the program that answers as a model does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.convert import candidates
from service.compiler.parity import FEWEST_ROWS, Trial, compare_rows
from service.compiler.row_program import make_row_program
from service.compiler.trial_rows import trial_rows
from service.errors import NotCompilable
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Ask, Fitted, Outcome
    from service.compiler.parity import Rows
    from service.native.row_program import RowProgram
    from service.schema.features import Feature, Value


@dataclass(frozen=True)
class Program:
    """A model's own arithmetic, tried: the largest difference from the model that was seen.

    `row_program` does the same for one row, where there is such a path.
    """

    ask: Ask
    largest_difference: float
    trial: Trial
    row_program: RowProgram | None = None


def compile_estimator(
    model: Fitted,
    features: Sequence[Feature],
    reference: Callable[[list[list[Value]]], Outcome],
) -> Program:
    """Find the function that answers as the model does; raise `NotCompilable` if there is none.

    `reference` gives the model's own answers. The function takes an array if all features are numbers, else
    lists of values as the reference does.
    """
    made = candidates(model, features)
    first = next(made)
    # Rows that it leaves to the model may be such that the model refuses them.
    rows = [row for row in trial_rows(model, features) if first(as_taken([row], features)) is not None]
    if len(rows) < FEWEST_ROWS:
        raise NotCompilable("most rows are for the model alone to judge")
    trial = Trial(as_taken(rows, features), reference(rows))
    reasons = []
    for ask in chain([first], made):
        try:
            return try_program(ask, trial)
        except NotCompilable as error:  # noqa: PERF203 (there are two at most)
            reasons.append(str(error))
    raise NotCompilable(reasons[0])


def try_program(ask: Ask, trial: Trial) -> Program:
    """Try a function, and its row program; raise `NotCompilable` if the function differs."""
    difference = trial.judge(ask)
    path = make_row_program(ask, trial.rows.shape[1]) if isinstance(trial.rows, np.ndarray) else None
    return Program(ask, difference.largest, trial, path if path is None or _is_right(path, trial) else None)


def _is_right(path: RowProgram, trial: Trial) -> bool:
    """Tell whether the path of one row is right; it may leave some rows to the other one, but not all."""
    try:
        difference = compare_rows(path, trial)
        if difference is not None:
            difference.check()
    except (NotCompilable, ValueError):
        return False
    return difference is not None


def as_taken(rows: list[list[Value]], features: Sequence[Feature]) -> Rows:
    """Give rows as a short path takes them: as an array of numbers, NaN for None, unless they are mixed."""
    return rows if is_mixed(features) else np.array(rows, dtype=np.float64)
