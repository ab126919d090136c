"""What an estimator gives becomes values of JSON one by one, so that none is changed by those beside it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.models.estimators import json_list

if TYPE_CHECKING:
    from service.json_values import JsonValue


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1, "a"], [1, "a"], id="a number beside a string"),
        pytest.param([1, 2.5, True], [1, 2.5, True], id="numbers and a boolean"),
        pytest.param([np.int64(2**60), 0.5], [2**60, 0.5], id="a large number beside a float"),
        pytest.param([[1, "a"], [2.5, "b"]], [[1, "a"], [2.5, "b"]], id="lists"),
        pytest.param(np.array([2**62 + 1, -1]), [2**62 + 1, -1], id="large numbers"),
        pytest.param(np.array([2**64 - 1], dtype="u8"), [2**64 - 1], id="numbers of 64 bits"),
        pytest.param(np.array([True, False]), [True, False], id="booleans"),
        pytest.param(np.array(["2026-01-31"], dtype="M8[ns]"), ["2026-01-31T00:00:00"], id="dates"),
        pytest.param(
            np.array(["2026-01-31T00:00:00.000000001"], dtype="M8[ns]"),
            ["2026-01-31T00:00:00.000000001"],
            id="nanoseconds",
        ),
        pytest.param(np.array(["NaT"], dtype="M8[ns]"), [None], id="no date"),
        pytest.param(
            np.array([np.datetime64("2026-01-31"), datetime(2026, 1, 31), None], dtype=object),  # noqa: DTZ001
            ["2026-01-31T00:00:00", "2026-01-31T00:00:00", None],
            id="objects",
        ),
    ],
)
def test_values_stay_what_they_are(values: object, expected: list[JsonValue]) -> None:
    found = json_list(values)

    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_what_is_not_finite_stays_so_that_the_answer_can_name_it() -> None:
    found = json_list(np.array([math.inf, "a", math.nan], dtype=object))

    assert found[:2] == [math.inf, "a"]
    assert isinstance(found[2], float)
    assert math.isnan(found[2])
