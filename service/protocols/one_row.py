"""The usual request of other wire formats, one row of numbers, answered without making a table of it.

Making a table, asking for results by name and writing them takes five times as long as a small model does.
What is in any way unusual is left to the general code of the wire format. The answers are the same: a test
compares them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

from service.json_values import encode
from service.schema.features import LARGEST_NUMBER

# A body of one row is hardly longer: 25 bytes for each number, a name, and what stands around them.
_BYTES_AROUND, _BYTES_A_COLUMN = 1000, 100

if TYPE_CHECKING:
    from service.prediction.predictor import Predictor
    from service.schema.features import Value


def are_plain_floats(row: object, width: int) -> bool:
    """Tell whether a row is a list of `width` floats, none of which a model of numbers can refuse."""
    if type(row) is not list or len(row) != width:
        return False
    for value in row:
        if type(value) is not float or not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            return False
    return True


class OneRow:
    """Answers a row by the row program of a classifier or a regressor.

    `can_answer` says whether the model has such a program; without it, no other attribute is of use.
    """

    def __init__(self, predictor: Predictor) -> None:
        program = predictor.row_program
        labels = predictor.classes or []
        has_labels = bool(labels) and not any(isinstance(label, list) for label in labels)
        self.can_answer = program is not None and (has_labels or predictor.model.kind != "classifier")
        self.width = len(predictor.features)
        self._program = program
        self._inputs, self._classes = predictor.inputs, predictor.answers
        self._longest = _BYTES_AROUND + _BYTES_A_COLUMN * self.width
        self.labels = [*labels] if has_labels else []
        self._texts = [encode(label).rstrip() for label in self.labels]
        self._bytes = struct.Struct(f"<{self.width}d")

    def may_be(self, body: bytes) -> bool:
        """Tell whether a body is short enough for one row, so that it is worth a look."""
        return self.can_answer and len(body) <= self._longest

    def answer(self, row: object) -> tuple[int, list[float]] | None:
        """Give the position of the class and the numbers of the answer, as `RowProgram.answer` does.

        None for a row that is no list of floats which the model takes for sure.
        """
        if self._program is None or not are_plain_floats(row, self.width):
            return None
        found = self._program.answer(cast("list[float]", row))
        if found is None:
            return None
        if self._inputs is not None and self._inputs.is_due():
            self._inputs.count([cast("list[Value]", row)])
        if self._classes is not None:
            self._classes.count_row(*found)
        return found

    def row_of_bytes(self, data: bytes) -> list[float] | None:
        """Read the numbers of a row of 64 bits each; None if there are not as many."""
        return [*self._bytes.unpack(data)] if len(data) == self._bytes.size else None

    def prediction(self, row: object) -> bytes | None:
        """Give the prediction for a row as JSON; None for a row that `answer` does not answer."""
        found = self.answer(row)
        if found is None:
            return None
        position, numbers = found
        if self._texts:
            return self._texts[position]
        return encode(numbers[0] if len(numbers) == 1 else numbers).rstrip()
