"""What the parts tell of a feature becomes its type, its categories, and whether it may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import Feature
from infer_cli.inspection.facts.columns import (
    Categories,
    Column,
    Learned,
    LearnedFeatures,
    feature_of,
    merged,
)

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import ColumnType


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param({"number"}, "number", id="one"),
        pytest.param({"number", "any"}, "number", id="a part without an opinion"),
        pytest.param({"number", "date"}, "date", id="a scaled date"),
        pytest.param({"number", "boolean"}, "boolean", id="a scaled boolean"),
        pytest.param({"category"}, "text", id="a selected category"),
        pytest.param({"number", "text"}, "any", id="no agreement"),
        pytest.param({"any"}, "any", id="no opinion"),
    ],
)
def test_the_parts_agree_on_a_type(types: set[ColumnType], expected: ColumnType) -> None:
    assert feature_of("a", Learned(types=types, is_used=True)).type == expected


def test_a_feature_that_no_part_receives_takes_anything() -> None:
    assert feature_of("a", Learned()) == Feature("a", "any", required=False, nullable=True)


@pytest.mark.parametrize(
    "refuses", [pytest.param(False, id="gaps taken"), pytest.param(True, id="gaps refused")]
)
def test_what_may_be_missing_must_be_there_all_the_same(*, refuses: bool) -> None:
    feature = feature_of("a", Learned(is_used=True, refuses_gaps=refuses))

    assert (feature.required, feature.nullable) == (True, not refuses)


def test_the_categories_are_those_that_all_closed_encoders_know() -> None:
    known = [
        Categories("text", ("red", "blue"), is_open=False),
        Categories("text", ("blue", "green"), is_open=False),
        Categories("text", ("pink",), is_open=True),
    ]

    feature = feature_of("a", Learned(categories=known, is_used=True))

    assert (feature.type, feature.categories, feature.is_open) == ("category", ("blue",), False)


def test_open_encoders_take_other_values() -> None:
    known = [Categories("boolean", (False, True), is_open=True)]

    feature = feature_of("a", Learned(categories=known, is_used=True))

    assert (feature.type, feature.categories, feature.is_open) == ("boolean", (False, True), True)


def test_only_unchanged_columns_tell_of_their_features() -> None:
    learned = LearnedFeatures(2)
    unchanged, changed = Column(0, frozenset([0])), Column(None, frozenset([1]))

    learned.learn([unchanged, changed], "number")
    learned.refuse_gaps([changed])

    assert [feature.types for feature in learned.features] == [{"number"}, set()]
    assert [feature.is_used for feature in learned.features] == [True, False]
    assert [feature.refuses_gaps for feature in learned.features] == [False, True]


def test_a_merged_column_shows_the_gaps_of_all() -> None:
    assert merged([Column(0, frozenset([0])), Column(1, frozenset([1, 2]))]) == Column(
        None, frozenset([0, 1, 2])
    )
