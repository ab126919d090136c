"""A model's own arithmetic for one row, as operations of compiled code.

It does what the same path does in NumPy, where nearly all of a row's time is spent between the operations.
Only paths are taken whose labels cannot hang on the order of a sum: products with coefficients come last,
and what they leave in doubt the compiled code hands back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.compiler import operations, outputs
from service.compiler.trees import Sums
from service.native.library import LIBRARY
from service.native.row_program import ROW_DECISIONS, ROW_LINKS, RowOperation, RowProgram, Scores

if TYPE_CHECKING:
    from service.compiler.functions import Array, Ask, Step


class _NotARow(Exception):
    """There is no such operation."""


def make_row_program(ask: Ask, features: int) -> RowProgram | None:
    """Give the operations of a path over an array of numbers; None if it has others, or none can be run."""
    if LIBRARY is None:
        return None
    plan = _Plan(features)
    try:
        scores = plan.add_model(ask)
        return RowProgram(features, plan.operations, scores, LIBRARY)
    except (_NotARow, ValueError):
        return None


class _Plan:
    """Collects operations; each has a place of its own in the workspace for what it makes."""

    def __init__(self, features: int) -> None:
        self.operations: list[RowOperation] = []
        self.start, self.width = 0, features
        self.end = features

    def add_model(self, ask: Ask) -> Scores:
        """Add the operations of a model; where its scores are."""
        if isinstance(ask, outputs.Chain):
            for step in ask.steps:
                self.add_step(step)
            self.add_check()
            return self.add_model(ask.model)
        if isinstance(ask, outputs.Classifier):
            self.add_scores(ask.scores)
            return self._scores(ask.link, ask.decision)
        if isinstance(ask, outputs.Regressor):
            self.add_scores(ask.scores)
            return self._scores(self._regressor_link(ask.link), "none")
        raise _NotARow

    def _regressor_link(self, link: Step | None) -> str:
        if link is None:
            return "none"
        if isinstance(link, operations.Function) and link.name == "exp":
            return "exp"
        raise _NotARow

    def _scores(self, link: str, decision: str) -> Scores:
        if link not in ROW_LINKS or decision not in ROW_DECISIONS:
            raise _NotARow
        return Scores(self.start, self.width, link, decision)

    def add_scores(self, scores: Step) -> None:
        """Add what makes scores."""
        if isinstance(scores, operations.Product):
            coefficients = np.asarray(scores.coefficients, np.float64)
            outputs = 1 if coefficients.ndim == 1 else coefficients.shape[1]
            intercept = np.broadcast_to(np.asarray(scores.intercept, np.float64), (outputs,))
            self.add("product", outputs, first=coefficients, second=intercept)
        elif isinstance(scores, Sums):
            outputs = scores.trees.outputs
            self.add("trees", outputs, first=scores.start, forest=scores.forest, low=scores.divisor)
        else:
            raise _NotARow

    def add_step(self, step: Step) -> None:
        """Add a step."""
        adder = _ADDERS.get(type(step))
        if adder is None:
            raise _NotARow
        adder(self, step)

    def add_branches(self, step: operations.Branches) -> None:
        """Add steps that each go over some of the columns."""
        start, width = self.start, self.width
        ends = []
        for branch in step.branches:
            self.start, self.width = start, width
            self.add("take", len(branch.columns), columns=branch.columns)
            for each in branch.steps:
                self.add_step(each)
            ends.append((self.start, self.width))
        # One after the other, as they stand side by side.
        joined = self.end
        for self.start, self.width in ends:
            self.add("take", self.width, columns=np.arange(self.width))
        self.start, self.width = joined, self.end - joined

    def add_check(self) -> None:
        """Add a look at what was made last, which stays as it is."""
        self.operations.append(RowOperation("check", self.start, self.width, self.start, self.width))

    def add(self, kind: str, outputs: int, **numbers: Array) -> None:
        """Add an operation on what was made last."""
        self.operations.append(RowOperation(kind, self.start, self.width, self.end, outputs, **numbers))
        self.start, self.width = self.end, outputs
        self.end += outputs


def _spread(numbers: Array | None, count: int) -> Array | None:
    return None if numbers is None else np.broadcast_to(np.asarray(numbers, np.float64), (count,))


def _add_shift(plan: _Plan, step: operations.Shift) -> None:
    width = plan.width
    plan.add("shift", width, first=_spread(step.center, width), second=_spread(step.scale, width))


_ADDERS: dict[type, Callable[[_Plan, Any], None]] = {
    operations.Shift: _add_shift,
    operations.Stretch: lambda plan, step: plan.add(
        "stretch",
        plan.width,
        first=_spread(step.scale, plan.width),
        second=_spread(step.offset, plan.width),
    ),
    operations.Fill: lambda plan, step: plan.add("fill", plan.width, first=_spread(step.values, plan.width)),
    operations.Clip: lambda plan, step: plan.add("clip", plan.width, low=step.low, high=step.high),
    operations.Take: lambda plan, step: plan.add("take", len(step.columns), columns=step.columns),
    operations.Branches: lambda plan, step: plan.add_branches(step),
}
