"""What the parts of a model tell of a feature becomes the feature."""

from __future__ import annotations

import pytest

from service.schema.columns import Categories, Column, Learned, LearnedFeatures, feature_of, merged
from service.schema.features import ColumnType, Feature


def test_a_feature_that_no_part_uses_takes_anything() -> None:
    assert feature_of("a", Learned()) == Feature("a", "any", required=False, nullable=True, dtype="unused")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"number"}, "number"),
        ({"number", "any"}, "number"),
        ({"number", "boolean"}, "boolean"),
        ({"number", "date"}, "date"),
        ({"number", "text"}, "any"),
        (set(), "any"),
    ],
)
def test_the_type_that_the_parts_agree_on(types: set[ColumnType], expected: str) -> None:
    assert feature_of("a", Learned(types, is_used=True)).type == expected


def test_a_pandas_category_without_known_categories_is_text() -> None:
    feature = feature_of("a", Learned(is_pandas_category=True, is_used=True))

    assert (feature.type, feature.dtype) == ("text", "text")


@pytest.mark.parametrize(
    "refuses", [pytest.param(False, id="gaps taken"), pytest.param(True, id="gaps refused")]
)
def test_what_may_be_missing_must_be_there_all_the_same(*, refuses: bool) -> None:
    feature = feature_of("a", Learned({"number"}, is_used=True, refuses_gaps=refuses))

    assert (feature.required, feature.nullable) == (True, not refuses)


def test_categories_are_the_values_that_all_closed_encoders_know() -> None:
    learned = Learned(is_used=True)
    learned.categories += [
        Categories(["x", "y", "z"], is_open=False, dtype="O"),
        Categories(["a"], is_open=True, dtype="O"),
        Categories(["z", "x"], is_open=False, dtype="O"),
    ]

    feature = feature_of("a", learned)

    assert (feature.type, feature.categories, feature.is_open) == ("category", ("x", "z"), False)


def test_a_column_that_was_changed_is_no_feature_but_keeps_its_gaps() -> None:
    learned = LearnedFeatures(3)
    table = [Column(0, frozenset([0])), Column(None, frozenset([1, 2]))]

    learned.learn(table, "number")
    learned.refuse_gaps(table[1:])

    assert [feature.types for feature in learned.features] == [{"number"}, set(), set()]
    assert [feature.refuses_gaps for feature in learned.features] == [False, True, True]
    assert merged(table) == Column(None, frozenset([0, 1, 2]))
