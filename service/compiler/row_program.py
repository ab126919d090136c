"""Turns a program into a row program: the same operations for one row, in C.

NumPy spends nearly all of the time of one row between the operations. A program gets a row program only if no
label can depend on the order in which a sum is added up. So a product with coefficients must be the last
operation, and C gives no answer where the rounding of the product could change a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler import operations, outputs
from service.compiler.trees import Sums
from service.native.library import LIBRARY
from service.native.row_program import ROW_DECISIONS, ROW_LINKS, RowOperation, RowProgram, Scores

if TYPE_CHECKING:
    import numpy.typing as npt

    from service.compiler.functions import Ask, Operation
    from service.native.forest import Forest
    from service.native.library import Array


class _NoRowOperation(Exception):
    """A part of a program has no operation in C."""


def make_row_program(ask: Ask, features: int) -> RowProgram | None:
    """Give the row program of a program over an array of numbers.

    None stands for a program with a part that C has no operation for, and for a machine without the C code.
    """
    if LIBRARY is None:
        return None
    builder = _Builder(features)
    try:
        scores = builder.add_model(ask)
        return RowProgram(features, builder.operations, scores, LIBRARY)
    except (_NoRowOperation, ValueError):
        return None


class _Builder:
    """Collects row operations. Each writes its outputs to a place of its own in the workspace.

    `start` and `width` say where the outputs of the last operation are, and `end` where the next ones go.
    """

    def __init__(self, features: int) -> None:
        self.operations: list[RowOperation] = []
        self.start, self.width = 0, features
        self.end = features

    def add_model(self, ask: Ask) -> Scores:
        """Add the operations of a final stage, and give where its scores are."""
        if isinstance(ask, outputs.Chain):
            for step in ask.steps:
                self.add_operation(step)
            self.add_check()
            return self.add_model(ask.model)
        if isinstance(ask, outputs.Classifier):
            self.add_scores(ask.scores)
            return self._scores(ask.link, ask.decision)
        if isinstance(ask, outputs.Regressor):
            self.add_scores(ask.scores)
            return self._scores(self._regressor_link(ask.link), "none")
        raise _NoRowOperation

    def _regressor_link(self, link: Operation | None) -> str:
        if link is None:
            return "none"
        if isinstance(link, operations.Function) and link.name == "exp":
            return "exp"
        raise _NoRowOperation

    def _scores(self, link: str, decision: str) -> Scores:
        if link not in ROW_LINKS or decision not in ROW_DECISIONS:
            raise _NoRowOperation
        return Scores(self.start, self.width, link, decision)

    def add_scores(self, scores: Operation) -> None:
        """Add the last operation, which makes the scores."""
        if isinstance(scores, operations.Product):
            coefficients = np.asarray(scores.coefficients, np.float64)
            count = 1 if coefficients.ndim == 1 else coefficients.shape[1]
            intercept = np.broadcast_to(np.asarray(scores.intercept, np.float64), (count,))
            self.add("product", count, first=coefficients, second=intercept)
        elif isinstance(scores, Sums):
            self.add(
                "trees", scores.trees.outputs, first=scores.start, forest=scores.forest, low=scores.divisor
            )
        else:
            raise _NoRowOperation

    def add_operation(self, operation: Operation) -> None:
        """Add an operation that stands before the scores."""
        adder = _ADDERS.get(type(operation))
        if adder is None:
            raise _NoRowOperation
        adder(self, operation)

    def add_branches(self, branches: operations.Branches) -> None:
        """Add the operations of all branches, and put their outputs side by side."""
        start, width = self.start, self.width
        ends = []
        for branch in branches.branches:
            self.start, self.width = start, width
            self.add("take", len(branch.columns), columns=branch.columns)
            for step in branch.steps:
                self.add_operation(step)
            ends.append((self.start, self.width))
        joined = self.end
        for self.start, self.width in ends:
            self.add("take", self.width, columns=np.arange(self.width))
        self.start, self.width = joined, self.end - joined

    def add_check(self) -> None:
        """Add a check of the last outputs, which it does not change."""
        self.operations.append(RowOperation("check", self.start, self.width, self.start, self.width))

    def add(  # noqa: PLR0913 (the fields of a row operation)
        self,
        kind: str,
        outputs: int,
        *,
        first: Array | None = None,
        second: Array | None = None,
        columns: npt.ArrayLike | None = None,
        forest: Forest | None = None,
        low: float = 0.0,
        high: float = 0.0,
    ) -> None:
        """Add an operation on the last outputs."""
        place = (self.start, self.width, self.end, outputs)
        self.operations.append(RowOperation(kind, *place, first, second, columns, forest, low, high))
        self.start, self.width = self.end, outputs
        self.end += outputs


def _spread(numbers: Array | None, count: int) -> Array | None:
    """Give one number for each of `count` inputs, where all may have the same number."""
    return None if numbers is None else np.broadcast_to(np.asarray(numbers, np.float64), (count,))


def _add_shift(builder: _Builder, shift: operations.Shift) -> None:
    width = builder.width
    builder.add("shift", width, first=_spread(shift.center, width), second=_spread(shift.scale, width))


def _add_stretch(builder: _Builder, stretch: operations.Stretch) -> None:
    width = builder.width
    builder.add("stretch", width, first=_spread(stretch.scale, width), second=_spread(stretch.offset, width))


def _add_fill(builder: _Builder, fill: operations.Fill) -> None:
    builder.add("fill", builder.width, first=_spread(fill.values, builder.width))


def _add_clip(builder: _Builder, clip: operations.Clip) -> None:
    builder.add("clip", builder.width, low=clip.low, high=clip.high)


def _add_take(builder: _Builder, take: operations.Take) -> None:
    builder.add("take", len(take.columns), columns=take.columns)


_ADDERS: dict[type, Callable[..., None]] = {
    operations.Shift: _add_shift,
    operations.Stretch: _add_stretch,
    operations.Fill: _add_fill,
    operations.Clip: _add_clip,
    operations.Take: _add_take,
    operations.Branches: _Builder.add_branches,
}
