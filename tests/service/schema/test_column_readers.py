"""What each kind of part tells of the columns that enter it, and which columns leave it."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from service.schema.column_readers import READERS, other
from service.schema.columns import Categories, Column, LearnedFeatures

COLUMNS = [Column(0, frozenset([0])), Column(1, frozenset([1]))]
# 2024-01-01 and the day after it, in nanoseconds.
DAYS_IN_NS = [1.7040672e18, 1.7041536e18]


def read(part: object) -> tuple[LearnedFeatures, list[Column]]:
    """Give what a part tells of two columns, and the columns that leave it."""
    learned = LearnedFeatures(2)
    return learned, READERS[type(part).__name__](learned, part, COLUMNS)


def refusals(learned: LearnedFeatures) -> list[bool]:
    return [feature.refuses_gaps for feature in learned.features]


def test_an_imputer_fills_gaps_and_tells_the_type_of_what_it_fills_in() -> None:
    table = pd.DataFrame({"a": ["x", None, "x"], "b": ["y", "z", "z"]}, dtype=object)

    learned, leaving = read(SimpleImputer(missing_values=None, strategy="most_frequent").fit(table))

    assert [feature.types for feature in learned.features] == [{"text"}, {"text"}]
    assert [feature.has_none for feature in learned.features] == [True, True]
    assert leaving == [Column(0, frozenset()), Column(1, frozenset())]


def test_an_imputer_drops_a_column_that_had_no_values() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the empty column.
        imputer = SimpleImputer().fit([[np.nan, 1.0], [np.nan, 2.0]])

    learned, leaving = read(imputer)

    assert [feature.types for feature in learned.features] == [{"number"}, {"number"}]
    assert leaving == [Column(1, frozenset())]


def test_an_imputer_of_another_value_refuses_gaps() -> None:
    learned, _ = read(SimpleImputer(missing_values=-1).fit([[1, 2], [-1, 2]]))

    assert refusals(learned) == [True, True]


def test_an_imputer_tells_the_value_that_it_replaces() -> None:
    learned, _ = read(SimpleImputer(missing_values=-1).fit([[1, 2], [-1, 2]]))
    of_gaps, _ = read(SimpleImputer().fit([[1.0, 2.0], [np.nan, 2.0]]))

    assert [feature.replaced for feature in learned.features] == [[-1], [-1]]
    assert [feature.replaced for feature in of_gaps.features] == [[], []]


@pytest.mark.parametrize(
    ("indicator", "refused"),
    [
        pytest.param(MissingIndicator(), [True, False], id="a gap where there was none"),
        pytest.param(MissingIndicator(error_on_new=False), [False, False], id="no error on new ones"),
        pytest.param(MissingIndicator(features="all"), [False, False], id="all columns"),
        pytest.param(MissingIndicator(missing_values=-1), [True, True], id="another value"),
    ],
)
def test_an_indicator_of_gaps_refuses_them_where_it_raises(
    indicator: MissingIndicator, refused: list[bool]
) -> None:
    gap = np.nan if np.isnan(indicator.missing_values) else -1

    learned, _ = read(indicator.fit([[1.0, 2.0], [1.0, gap]]))

    assert refusals(learned) == refused


def test_an_imputer_that_computes_gives_new_columns_without_gaps() -> None:
    learned, leaving = read(KNNImputer().fit([[1.0, 2.0], [np.nan, 2.0]]))

    assert refusals(learned) == [False, False]
    assert leaving == [Column(None, frozenset())] * 2


def test_a_closed_encoder_takes_a_gap_only_as_a_category() -> None:
    learned, _ = read(OneHotEncoder().fit(pd.DataFrame({"a": ["x", None], "b": ["y", "z"]}, dtype=object)))

    assert [feature.categories for feature in learned.features] == [
        [Categories(["x"], is_open=False, dtype="O", is_encoder=True)],
        [Categories(["y", "z"], is_open=False, dtype="O", is_encoder=True)],
    ]
    assert refusals(learned) == [False, True]


def test_an_open_encoder_takes_gaps_and_may_pass_them_on() -> None:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)

    learned, leaving = read(encoder.fit([[1, 5], [2, 5]]))

    assert [feature.categories[0].is_open for feature in learned.features] == [True, True]
    assert refusals(learned) == [False, False]
    assert leaving == [Column(None, frozenset([0])), Column(None, frozenset([1]))]


def test_a_scaler_tells_the_unit_of_dates_by_a_center_among_them() -> None:
    learned, leaving = read(StandardScaler().fit(np.column_stack([[1.0, 2.0], DAYS_IN_NS])))

    assert [feature.types for feature in learned.features] == [{"number"}, {"number"}]
    assert [feature.unit for feature in learned.features] == ["", "ns"]
    assert leaving == [Column(None, frozenset([0])), Column(None, frozenset([1]))]


def to_dates(table: object) -> object:
    return table


def to_updates(table: object) -> object:
    return table


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        pytest.param(np.log1p, None, {"number"}, id="a ufunc"),
        pytest.param(to_dates, None, {"date"}, id="a name with dates"),
        pytest.param(to_updates, None, {"any"}, id="a name that only ends like dates"),
        pytest.param(to_updates, {"inner": to_dates}, {"date"}, id="a function as an argument"),
        pytest.param(None, None, set(), id="no function"),
    ],
)
def test_a_function_tells_by_its_name(
    function: object, arguments: dict[str, object] | None, expected: set[str]
) -> None:
    learned, _ = read(FunctionTransformer(function, kw_args=arguments))

    assert [feature.types for feature in learned.features] == [expected, expected]


class DateParts:
    pass


class Candidate:
    pass


@pytest.mark.parametrize(("part", "expected"), [(DateParts(), {"date"}), (Candidate(), {"any"})])
def test_a_part_of_an_unknown_class_tells_by_its_name(part: object, expected: set[str]) -> None:
    learned = LearnedFeatures(2)

    assert other(learned, part, COLUMNS) == []
    assert [feature.types for feature in learned.features] == [expected, expected]
