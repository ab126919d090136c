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
            pd.Series(pd.Categorical(["y", None, None], categories=["x", "y"])),
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
        (Feature("a", "any", dtype="any"), [1.0, 2.0], pd.Series([1.0, 2.0])),
        (Feature("a", "any", dtype="any"), [None, None], pd.Series([np.nan, np.nan])),
        (Feature("a", "any", dtype="any"), ["x", "1"], pd.Series(["x", "1"])),
        (Feature("a", "any", dtype="any"), [True], pd.Series([True])),
        (
            Feature("a", "text", dtype="text", has_none=True),
            ["x", None],
            pd.Series(["x", None], dtype=object),
        ),
        (Feature("a", "category", dtype="<i1"), [300, 301], pd.Series([300, 301])),
        (Feature("a", "category", dtype="<i8"), [2**63, 2**64 - 1], pd.Series([2**63, 2**64 - 1])),
        (Feature("a", "category", dtype="<i8"), [1.5, None], pd.Series([1.5, np.nan])),
        (
            Feature("a", "category", categories=(1, 2), dtype="category"),
            [2, 3],
            pd.Series(pd.Categorical([2, None], categories=[1, 2])),
        ),
        (Feature("a", "number", dtype="int64"), [2**53 + 1], pd.Series([2**53 + 1])),
        (Feature("a", "number", dtype="float32"), [0.1], pd.Series([0.1], dtype="float32")),
        (Feature("a", "number", dtype="Int64"), [1, None], pd.Series([1, None], dtype="Int64")),
        (
            Feature("a", "date", dtype="<M8[s]"),
            [datetime(2026, 1, 31, 0, 0, 0, 5)],  # noqa: DTZ001
            pd.Series(np.array(["2026-01-31T00:00:00.000005"], dtype="M8[us]")),
        ),
    ],
)
def test_columns_have_the_types_of_training(feature: Feature, values: list[Value], expected: Any) -> None:
    frame: Any = model_input.mixed_frame([feature]).make([[value] for value in values])

    pd.testing.assert_series_equal(frame["a"], expected, check_names=False)


@pytest.mark.parametrize(
    ("feature", "row", "other"),
    [
        pytest.param(Feature("a", "any", dtype="any"), 1, 1.0, id="whole and not"),
        pytest.param(Feature("a", "any", dtype="any"), 1, True, id="number and boolean"),
        pytest.param(Feature("a", "any", dtype="any"), 0, 2**63, id="63 and 64 bits"),
        pytest.param(Feature("a", "any", dtype="any"), "1", 1, id="string and number"),
        pytest.param(Feature("a", "any", dtype="any"), "x", None, id="string and gap"),
        pytest.param(Feature("a", "boolean", dtype="boolean"), True, None, id="boolean and gap"),
        pytest.param(Feature("a", "category", dtype="<i8"), 1, None, id="whole and gap"),
        pytest.param(Feature("a", "category", dtype="<i8"), 1, 1.5, id="whole category and not"),
        pytest.param(Feature("a", "category", dtype="<i8"), 1, 2**63, id="beyond 63 bits"),
    ],
)
def test_rows_that_would_get_other_dtypes_alone_are_of_other_kinds(
    feature: Feature, row: Value, other: Value
) -> None:
    make, kind_of = model_input.mixed_frame([feature])
    alone: Any = make([[row]])
    beside: Any = make([[other]])

    assert kind_of is not None
    assert kind_of([row]) != kind_of([other])
    assert alone["a"].dtype != beside["a"].dtype or alone["a"].dtype == object


@pytest.mark.parametrize(
    ("feature", "row", "other"),
    [
        pytest.param(Feature("a"), 1.5, None, id="numbers"),
        pytest.param(Feature("a", "text", dtype="text"), "x", None, id="texts"),
        pytest.param(
            Feature("a", "category", categories=("x",), dtype="category"), "x", "y", id="categories"
        ),
        pytest.param(Feature("a", "any", dtype="unused"), "x", 1, id="unused"),
    ],
)
def test_rows_that_get_one_dtype_are_of_one_kind(feature: Feature, row: Value, other: Value) -> None:
    make, kind_of = model_input.mixed_frame([feature])
    alone: Any = make([[row]])
    together: Any = make([[other], [row]])

    assert kind_of is None
    assert feature.dtype == "unused" or alone["a"].dtype == together["a"].dtype


def test_a_large_whole_number_without_names_is_exact() -> None:
    make, kind_of = model_input.unnamed_table(
        [Feature("x0", "category", categories=(1,), dtype="<i8"), Feature("x1")]
    )

    large: Any = make([[2**53 + 1, 0.5]])

    assert large[0, 0] == 2**53 + 1
    assert kind_of is not None
    assert kind_of([2**53 + 1, 0.5]) != kind_of([1, 0.5])


def test_gaps_without_names_are_those_of_training() -> None:
    make, _ = model_input.unnamed_table([Feature("x0", "text", has_none=True), Feature("x1", "text")])

    array: Any = make([[None, None]])

    assert array[0, 0] is None
    assert np.isnan(array[0, 1])


def test_a_table_without_names() -> None:
    number, text, anything = Feature("x0"), Feature("x1", "text"), Feature("x2", "any", dtype="any")

    mixed: Any = model_input.unnamed_table([number, text]).make([[1.0, "a"], [None, "b"]])
    plain: Any = model_input.unnamed_table([number, anything]).make([[1.0, None]])

    assert mixed.dtype == object
    assert np.isnan(mixed[1, 0])
    assert plain.dtype == np.float64


def test_a_column_that_nothing_looks_at_may_hold_text() -> None:
    unused = Feature("b", "any", dtype="unused")

    array: Any = model_input.used_numbers([Feature("a"), unused]).make([[1.0, "text"]])

    np.testing.assert_array_equal(array, [[1.0, np.nan]])
