from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from service.models import model_input
from service.schema.features import Feature

if TYPE_CHECKING:
    from service.schema.features import Value


@pytest.mark.parametrize(
    ("feature", "values", "expected"),
    [
        (Feature("a"), [1.0, None], pd.Series([1.0, np.nan])),
        (Feature("a", "text", dtype="text"), ["x", None], pd.Series(["x", np.nan], dtype="str")),
        (Feature("a", "text", dtype="text"), [None], pd.Series([np.nan], dtype="str")),
        (Feature("a", "text", dtype="text", has_none=True), [None], pd.Series([None], dtype=object)),
        (Feature("a", "boolean", dtype="boolean"), [True, False], pd.Series([True, False])),
        (Feature("a", "boolean", dtype="boolean"), [True, None], pd.Series([True, np.nan], dtype=object)),
        (Feature("a", "category", dtype="<i8"), [1, 2], pd.Series([1, 2])),
        (Feature("a", "category", dtype="<i8"), [1, None], pd.Series([1.0, np.nan])),
        (
            Feature("a", "category", categories=("x", "y"), dtype="category"),
            ["y", "new", None],
            pd.Series(pd.Categorical(["y", "new", None], categories=["x", "y", "new"])),
        ),
        (
            Feature("a", "date", dtype="datetime64[ns]"),
            [datetime(2026, 1, 31), None],  # noqa: DTZ001
            pd.Series(np.array(["2026-01-31", "NaT"], dtype="M8[ns]")),
        ),
        (
            Feature("a", "date", dtype="datetime64"),
            [datetime(2026, 1, 31)],  # noqa: DTZ001
            pd.Series(pd.to_datetime(["2026-01-31"])),
        ),
        (Feature("a", "any", dtype="any"), [1, 2], pd.Series([1, 2])),
        (Feature("a", "any", dtype="any"), [1, None], pd.Series([1.0, np.nan])),
        (Feature("a", "any", dtype="any"), [True], pd.Series([True])),
        (Feature("a", "any", dtype="any"), [True, None], pd.Series([True, np.nan], dtype=object)),
    ],
)
def test_columns_have_the_types_of_training(feature: Feature, values: list[Value], expected: Any) -> None:
    frame: Any = model_input.mixed_frame([feature])([[value] for value in values])

    pd.testing.assert_series_equal(frame["a"], expected, check_names=False)


def test_a_table_without_names() -> None:
    mixed: Any = model_input.values([[1.0, "a"], [None, "b"]])
    plain: Any = model_input.values([[1.0, None]])

    assert mixed.dtype == object
    assert np.isnan(mixed[1, 0])
    assert plain.dtype == np.float64


def test_a_column_that_nothing_looks_at_may_hold_text() -> None:
    unused = Feature("b", "any", dtype="unused")

    array: Any = model_input.used_numbers([Feature("a"), unused])([[1.0, "text"]])

    np.testing.assert_array_equal(array, [[1.0, np.nan]])
