from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from service.schema.value_types import is_gap, plain_values, type_of, type_of_dtype

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = datetime(2026, 5, 4, 13, 37, 0, 1)  # noqa: DTZ001 (columns of dates have no time zone)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([True, False], "boolean", id="booleans"),
        pytest.param([1, 2.5], "number", id="numbers"),
        pytest.param([1, True], "number", id="a boolean among numbers"),
        pytest.param(["a", ""], "text", id="strings"),
        pytest.param([DAY], "date", id="dates"),
        pytest.param([], None, id="no values"),
        pytest.param([1, "a"], None, id="several types"),
        pytest.param([1.0, math.nan], None, id="a missing number"),
        pytest.param(["a", None], None, id="a missing string"),
    ],
)
def test_the_type_of_values(values: Sequence[object], expected: str | None) -> None:
    assert type_of(values) == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("int64", "number"),
        (np.float32, "number"),
        (np.number, "number"),
        (np.dtype("uint8"), None),
        (object, "text"),
        ("category", "category"),
        (np.bool_, "boolean"),
        ("datetime64[ns]", "date"),
        ("complex128", None),
    ],
)
def test_the_type_of_a_dtype(dtype: object, expected: str | None) -> None:
    assert type_of_dtype(dtype) == expected


@pytest.mark.parametrize("value", [None, math.nan, np.float64("nan"), pd.NA], ids=repr)
def test_gaps(value: object) -> None:
    assert is_gap(value)


@pytest.mark.parametrize("value", [0, "", False, math.inf])
def test_values_that_are_no_gaps(value: object) -> None:
    assert not is_gap(value)


def test_values_of_an_array_are_those_of_python() -> None:
    values = plain_values(np.array([np.int64(1), "a", None], dtype=object))

    assert values == [1, "a", None]
    assert [type(value) for value in values] == [int, str, type(None)]
    assert plain_values(np.array(["2026-05-04T13:37:00.000001002"], dtype="datetime64[ns]")) == [DAY]
