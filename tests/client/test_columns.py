from __future__ import annotations

import shlex

import pytest

from infer_cli.client.columns import Columns
from infer_cli.client.served_model import ServedFeature
from infer_cli.errors import InferError, UsageError

FEATURES = {
    "size": ServedFeature(nullable=True),
    "age": ServedFeature(),
    "id, or name": ServedFeature("any", required=False),
}


def test_columns_that_are_no_features_are_dropped_if_all_features_are_there() -> None:
    row = {"Size": 7, "size": 1.5, "age": 2, "id, or name": "x", "other": 3}

    assert Columns(FEATURES).known(row, "t.csv") == {"size": 1.5, "age": 2, "id, or name": "x"}


def test_a_feature_left_out_is_a_missing_value() -> None:
    columns = Columns(FEATURES, ["size", "id, or name"])

    with pytest.raises(InferError, match=r"t\.csv has no column age$"):
        columns.known({"Size": 1.5}, "t.csv")
    assert columns.known({"Size": 1.5, "age": 2}, "t.csv") == {"size": None, "age": 2}


def test_several_features_left_out_may_be_one_text() -> None:
    features = {"a": ServedFeature(nullable=True), "b": ServedFeature(nullable=True)}

    assert Columns(features, ["a,b"]).missing == {"a": None, "b": None}


def test_the_hint_has_an_option_that_works() -> None:
    with pytest.raises(InferError) as raised:
        Columns(FEATURES).known({"Size": 1.5, "age": 2, "Id or name": 1}, "t.csv")

    options = shlex.split(str(raised.value.hint).rpartition("; to predict without: ")[2])
    left_out = options[1::2]
    assert options[::2] == ["--missing-columns", "--missing-columns"]
    assert Columns(FEATURES, left_out).known({"Size": 1.5, "age": 2}, "t.csv") == {"size": None, "age": 2}


def test_no_option_is_offered_for_a_feature_that_must_be_there() -> None:
    with pytest.raises(InferError) as raised:
        Columns(FEATURES).known({"size": 1.5}, "t.csv")

    assert raised.value.hint == "the model takes size, age, id, or name"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("age", "the model takes no missing value in age", id="a feature that must be there"),
        pytest.param("sise", "the model has no such feature", id="no feature"),
    ],
)
def test_other_names_cannot_be_left_out(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^--missing-columns {name}: {message}$"):
        Columns(FEATURES, [name])


def test_no_option_is_offered_for_a_table_without_any_feature() -> None:
    features = {"a": ServedFeature(nullable=True), "b": ServedFeature(nullable=True)}

    with pytest.raises(InferError) as raised:
        Columns(features).known({"x": 1}, "t.csv")

    assert raised.value.hint == "the model takes a, b"
