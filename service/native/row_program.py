"""The way of one row through a model, as operations of compiled code."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from service.native.library import (
    GIVE_UP,
    MOST_FEATURES,
    WORKSPACE,
    OperationStruct,
    RowProgramStruct,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.native.forest import Forest
    from service.native.library import Library


@dataclass(frozen=True)
class Operation:
    """One operation on the numbers of a row, as native.h has it; `kind` is a name of `OPERATIONS`.

    It takes `inputs` numbers from `start` on, and puts `outputs` numbers from `to` on.
    """

    kind: str
    start: int
    inputs: int
    to: int
    outputs: int
    first: Any = None
    second: Any = None
    columns: Any = None
    forest: Forest | None = None
    low: float = 0.0
    high: float = 0.0


# In the order of native.h.
OPERATIONS = ("shift", "stretch", "fill", "clip", "take", "check", "product", "trees")
ROW_LINKS = (
    *("none", "shares", "logistic", "logistic of twice", "softmax", "softmax of both"),
    *("normalized logistic", "exp"),
)
ROW_DECISIONS = ("none", "positive", "not negative", "largest")


@dataclass(frozen=True)
class Scores:
    """Where the scores of a path are, and what becomes of them: names of `ROW_LINKS` and `ROW_DECISIONS`."""

    start: int
    count: int
    link: str
    decision: str


class RowProgram:
    """The way of one row through a model. Needs `LIBRARY`, and raises `ValueError` for what leads nowhere.

    The numbers of an answer are probabilities, or the values of a regressor: `room` has space for them.
    """

    def __init__(
        self, features: int, operations: Sequence[Operation], scores: Scores, library: Library
    ) -> None:
        self.room = ctypes.c_double * max(2, scores.count)
        self.row = ctypes.c_double * features
        self._kept = [_checked(operation) for operation in operations]
        ends = [features, scores.start + scores.count]
        ends += [part for each in operations for part in (each.start + each.inputs, each.to + each.outputs)]
        if not (1 <= features <= MOST_FEATURES and scores.count >= 1 and max(ends) <= WORKSPACE):
            raise ValueError("the path does not fit its workspace")
        array = (OperationStruct * len(operations))(*(_operation(kept) for kept in self._kept))
        link, decision = ROW_LINKS.index(scores.link), ROW_DECISIONS.index(scores.decision)
        self._struct = RowProgramStruct(
            array, len(operations), features, scores.start, scores.count, link, decision
        )
        self.address = ctypes.addressof(self._struct)
        self._answer = library.holding.answer_row
        self.answer_body = library.holding.answer_body
        self.answer_query = library.holding.answer_query
        self._scores = scores

    @property
    def width(self) -> int:
        """How many numbers an answer has."""
        if self._scores.link in ("logistic", "logistic of twice", "softmax of both"):
            return 2
        return 0 if self._scores.link == "none" and self._scores.decision != "none" else self._scores.count

    def answer(self, row: Sequence[float]) -> tuple[int, list[float]] | None:
        """The position of the class (0 for regressors) and the numbers; None if others must judge."""
        room = self.room()
        position = self._answer(self.address, self.row(*row), room)
        return None if position == GIVE_UP else (position, room[: self.width])


def _checked(operation: Operation) -> Operation:
    """Give the operation with arrays as the compiled code reads them, if these are of the right sizes."""
    given, outputs, inputs = operation, operation.outputs, operation.inputs
    same = given.kind in ("shift", "stretch", "fill", "clip", "check")
    first = _flat(given.first, np.float64, inputs * outputs if given.kind == "product" else outputs)
    second = _flat(given.second, np.float64, outputs)
    columns = _flat(given.columns, np.int64, outputs)
    needed = {
        "stretch": (first, second),
        "fill": (first,),
        "take": (columns,),
        "product": (first, second),
        "trees": (first, given.forest),
    }
    good = (
        given.kind in OPERATIONS
        and min(given.start, given.to) >= 0
        and min(inputs, outputs) >= 1
        and not (same and inputs != outputs)
        and not any(part is None for part in needed.get(given.kind, ()))
        and (columns is None or within(columns, inputs))
        and outputs <= MOST_FEATURES
        and (
            given.forest is None
            or (given.forest.least_features <= inputs and given.forest.trees.outputs == outputs)
        )
    )
    if not good:
        raise ValueError(f"the operation {given.kind} does not fit its numbers")
    return replace(given, first=first, second=second, columns=columns)


def _flat(numbers: Any, dtype: Any, count: int) -> Any:  # noqa: ANN401
    if numbers is None:
        return None
    flat = np.ascontiguousarray(numbers, dtype).ravel()
    if len(flat) != count:
        raise ValueError(f"{count} numbers are needed, and there are {len(flat)}")
    return flat


def _operation(kept: Operation) -> OperationStruct:
    first, second, columns = (
        None if array is None else array.ctypes.data for array in (kept.first, kept.second, kept.columns)
    )
    forest = kept.forest.address if kept.forest else None
    places = (OPERATIONS.index(kept.kind), kept.start, kept.inputs, kept.to, kept.outputs)
    return OperationStruct(*places, first, second, columns, forest, kept.low, kept.high)
