from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.models.row_kinds import ask_by_kind, rows_by_kind
from service.schema.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Rows, Value


def type_of_first(row: Sequence[Value]) -> type:
    return type(row[0])


def test_each_kind_is_asked_once_and_the_order_is_kept() -> None:
    asked = []

    def ask(rows: Rows) -> Predictions:
        asked.append(rows)
        return Predictions([str(row[0]) for row in rows], [[repr(row[0])] for row in rows])

    answer = ask_by_kind(ask, [[1], ["a"], [2.0], ["b"], [3]], type_of_first)

    assert asked == [[[1], [3]], [["a"], ["b"]], [[2.0]]]
    assert answer.values == ["1", "a", "2.0", "b", "3"]
    assert answer.probabilities == [["1"], ["'a'"], ["2.0"], ["'b'"], ["3"]]


def test_rows_of_one_kind_are_asked_together() -> None:
    rows: Rows = [[1], [2]]

    assert rows_by_kind(rows, type_of_first) == [[0, 1]]
    assert rows_by_kind(rows, None) == [[0, 1]]
    assert rows_by_kind(np.zeros((2, 1)), type_of_first) == [[0, 1]]


def test_a_model_that_answers_too_few_rows_is_found_out() -> None:
    with pytest.raises(ValueError, match="0 predictions were given for 1 rows"):
        ask_by_kind(lambda _: Predictions([], None), [[1], ["a"]], type_of_first)
