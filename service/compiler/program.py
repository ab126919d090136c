"""Compiles a fitted estimator into a program, and tries the program before it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.convert import candidates
from service.compiler.parity import TRIAL_ROWS_MIN, Trial, compare_rows
from service.compiler.row_program import make_row_program
from service.compiler.trial_rows import trial_rows
from service.errors import NotCompilable
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Ask, Fitted, Outcome
    from service.native.row_program import RowProgram
    from service.schema.features import Feature, Rows, Value


@dataclass(frozen=True)
class Program:
    """A compiled model in memory that passed its trial.

    `largest_difference` is the largest difference of a number from the model's number in the trial.
    `row_program` gives the same answers to one row, in C; it is None if an operation is not supported in C.
    """

    ask: Ask
    largest_difference: float
    trial: Trial
    row_program: RowProgram | None = None


def compile_estimator(
    estimator: Fitted,
    features: Sequence[Feature],
    reference: Callable[[list[list[Value]]], Outcome],
) -> Program:
    """Give the program that answers as an estimator does; raise `NotCompilable` if there is none.

    `reference` gives the estimator's own answers to rows of values.
    """
    programs = candidates(estimator, features)
    first = next(programs)
    # The estimator may raise an error for a row that the program leaves to it.
    rows = [
        row for row in trial_rows(estimator, features) if first(program_input([row], features)) is not None
    ]
    if len(rows) < TRIAL_ROWS_MIN:
        raise NotCompilable("the compiled model cannot answer most rows of its trial")
    trial = Trial(program_input(rows, features), reference(rows))
    reasons = []
    for ask in chain([first], programs):
        try:
            return try_program(ask, trial)
        except NotCompilable as error:  # noqa: PERF203 (there are at most two programs)
            reasons.append(str(error))
    raise NotCompilable(reasons[0])


def try_program(ask: Ask, trial: Trial) -> Program:
    """Try a program and its row program; raise `NotCompilable` if the program differs from the model.

    A row program that differs is left out.
    """
    difference = trial.measure(ask)
    row_program = make_row_program(ask, trial.rows.shape[1]) if isinstance(trial.rows, np.ndarray) else None
    if row_program is not None and not _is_right(row_program, trial):
        row_program = None
    return Program(ask, difference.largest, trial, row_program)


def _is_right(row_program: RowProgram, trial: Trial) -> bool:
    """Tell whether a row program gives the model's answers to the rows that it answers, if it answers any."""
    try:
        difference = compare_rows(row_program, trial)
        if difference is not None:
            difference.check()
    except (NotCompilable, ValueError):
        return False
    return difference is not None


def program_input(rows: list[list[Value]], features: Sequence[Feature]) -> Rows:
    """Give rows in the form that a program takes: lists of values if the features are mixed, else an array.

    In an array, a missing value is NaN.
    """
    return rows if is_mixed(features) else np.array(rows, dtype=np.float64)
