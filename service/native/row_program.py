"""One row through all operations of a compiled model, in one call of C code."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from service.native.library import (
    FEATURES_MAX,
    GIVE_UP,
    WORKSPACE,
    RowOperationStruct,
    RowProgramStruct,
    are_positions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from service.native.forest import Forest
    from service.native.library import Array, Library


@dataclass(frozen=True)
class RowOperation:
    """One operation on the numbers of a row: `RowOperation` of native.h says what each field is for.

    `kind` is a name of `ROW_OPERATIONS`. The operation takes `inputs` numbers of the workspace, from `start`
    on, and writes `outputs` numbers, from `to` on.
    """

    kind: str
    start: int
    inputs: int
    to: int
    outputs: int
    first: npt.ArrayLike | None = None
    second: npt.ArrayLike | None = None
    columns: npt.ArrayLike | None = None
    forest: Forest | None = None
    low: float = 0.0
    high: float = 0.0


# In the order of native.h.
ROW_OPERATIONS = ("shift", "stretch", "fill", "clip", "take", "check", "product", "trees")
ROW_LINKS = (
    *("none", "shares", "logistic", "logistic of twice", "softmax", "softmax of both"),
    *("normalized logistic", "exp"),
)
ROW_DECISIONS = ("none", "positive", "not negative", "largest")


@dataclass(frozen=True)
class Scores:
    """Where the scores are in the workspace, and what is made of them.

    `link` is a name of `ROW_LINKS`, and `decision` one of `ROW_DECISIONS`.
    """

    start: int
    count: int
    link: str
    decision: str


class RowProgram:
    """The operations of a compiled model for one row. Raises `ValueError` for operations that do not fit.

    An answer has `width` numbers: the probabilities of a classifier, or the values of a regressor.
    `row_buffer` and `answer_buffer` are types of ctypes with space for a row and for an answer.
    """

    def __init__(
        self, features: int, operations: Sequence[RowOperation], scores: Scores, library: Library
    ) -> None:
        self.answer_buffer = ctypes.c_double * max(2, scores.count)
        self.row_buffer = ctypes.c_double * features
        # The C code reads the arrays of these operations for as long as the program is used.
        checked = self._operations = [_checked(operation) for operation in operations]
        ends = [features, scores.start + scores.count]
        ends += [part for each in operations for part in (each.start + each.inputs, each.to + each.outputs)]
        if not (1 <= features <= FEATURES_MAX and scores.count >= 1 and max(ends) <= WORKSPACE):
            raise ValueError("the row program does not fit into its workspace")
        structs = (RowOperationStruct * len(checked))(*(_struct_of(operation) for operation in checked))
        link, decision = ROW_LINKS.index(scores.link), ROW_DECISIONS.index(scores.decision)
        self._struct = RowProgramStruct(
            structs, len(checked), features, scores.start, scores.count, link, decision
        )
        self.address = ctypes.addressof(self._struct)
        self._answer = library.with_gil.answer_row
        self.answer_body = library.with_gil.answer_body
        self.answer_query = library.with_gil.answer_query
        self._scores = scores

    @property
    def width(self) -> int:
        """How many numbers an answer has."""
        if self._scores.link in ("logistic", "logistic of twice", "softmax of both"):
            return 2
        return 0 if self._scores.link == "none" and self._scores.decision != "none" else self._scores.count

    def answer(self, row: Sequence[float]) -> tuple[int, list[float]] | None:
        """Give the position of the class (0 for a regressor) and the numbers of the answer.

        None stands for a row that NumPy or the estimator must answer.
        """
        answer = self.answer_buffer()
        position = self._answer(self.address, self.row_buffer(*row), answer)
        return None if position == GIVE_UP else (position, answer[: self.width])


def _checked(given: RowOperation) -> RowOperation:
    """Give the operation with arrays as the C code reads them; raise `ValueError` if a size does not fit."""
    outputs, inputs = given.outputs, given.inputs
    is_elementwise = given.kind in ("shift", "stretch", "fill", "clip", "check")
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
    fits = (
        given.kind in ROW_OPERATIONS
        and min(given.start, given.to) >= 0
        and min(inputs, outputs) >= 1
        and not (is_elementwise and inputs != outputs)
        and not any(part is None for part in needed.get(given.kind, ()))
        and (columns is None or are_positions(columns, inputs))
        and outputs <= FEATURES_MAX
        and (
            given.forest is None
            or (given.forest.features_min <= inputs and given.forest.trees.outputs == outputs)
        )
    )
    if not fits:
        raise ValueError(f"the operation {given.kind} does not fit its numbers")
    return replace(given, first=first, second=second, columns=columns)


def _flat(numbers: npt.ArrayLike | None, dtype: npt.DTypeLike, count: int) -> Array | None:
    if numbers is None:
        return None
    flat = np.ascontiguousarray(numbers, dtype).ravel()
    if len(flat) != count:
        raise ValueError(f"{count} numbers are needed, and there are {len(flat)}")
    return flat


def _struct_of(operation: RowOperation) -> RowOperationStruct:
    """Give a checked operation to the C code."""
    arrays = (operation.first, operation.second, operation.columns)
    first, second, columns = (
        array.ctypes.data if isinstance(array, np.ndarray) else None for array in arrays
    )
    forest = operation.forest.address if operation.forest else None
    kind = ROW_OPERATIONS.index(operation.kind)
    places = (kind, operation.start, operation.inputs, operation.to, operation.outputs)
    return RowOperationStruct(*places, first, second, columns, forest, operation.low, operation.high)
