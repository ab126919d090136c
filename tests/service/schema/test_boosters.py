"""Boosters tell their columns by attributes of their own; stand-ins for them, as their packages are large."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.schema.boosters import hidden_categories, lightgbm_categories, placed
from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor
    from service.schema.features import Value


class CatBoostClassifier:
    """Has the attributes of a loaded model of CatBoost 1.2.10, and predicts the second column."""

    n_features_in_ = 0
    classes_ = np.array(["no", "yes"])

    def __init__(self, names: list[str], categories: list[int], texts: list[int]) -> None:
        self.feature_names_ = names
        self._categories = categories
        self._texts = texts

    def get_cat_feature_indices(self) -> list[int]:
        return self._categories

    def get_text_feature_indices(self) -> list[int]:
        return self._texts

    def predict(self, table: object) -> object:
        return np.array(table, dtype=object)[:, 1:2]


def test_catboost_takes_categories_as_strings_and_no_gaps_in_them() -> None:
    reading = Reading(3)

    reading.read(CatBoostClassifier(["age", "town", "note"], [1], [2]))

    found = reading.features(["age", "town", "note"])
    assert [(one.type, one.nullable) for one in found] == [
        ("number", True),
        ("text", False),
        ("text", False),
    ]


def test_catboost_columns_have_names_and_each_prediction_is_one_value(
    make_predictor: Callable[..., Predictor],
) -> None:
    predictor = make_predictor(CatBoostClassifier(["age", "town"], [1], []))

    assert [feature.name for feature in predictor.features] == ["age", "town"]
    assert predictor.predict([[1.0, "no"], [None, "yes"]]).values == ["no", "yes"]


def test_catboost_columns_without_names_are_numbered(make_predictor: Callable[..., Predictor]) -> None:
    predictor = make_predictor(CatBoostClassifier(["0", "1"], [], []))

    assert [feature.name for feature in predictor.features] == ["x0", "x1"]


class LGBMClassifier:
    """Has the attributes of a loaded model of LightGBM 4.7.0 that tell of its columns."""

    def __init__(self, columns: object, categories: object, infos: str = "[1:9] -1:0:1") -> None:
        params = {"categorical_column": columns}
        self._Booster = SimpleNamespace(
            params=params,
            pandas_categorical=categories,
            model_to_string=lambda num_iteration: f"tree\nfeature_infos={infos}\n{num_iteration}",
        )


def test_lightgbm_knows_the_categories_of_pandas() -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier([1], [["Oslo", "Rome"]]))

    age, town = reading.features(["age", "town"])
    assert (age.type, age.nullable) == ("number", True)
    assert (town.type, town.categories, town.is_open) == ("category", ("Oslo", "Rome"), True)
    assert (town.dtype, town.nullable) == ("category", True)


def test_categories_are_those_of_the_one_column_that_can_have_had_their_codes() -> None:
    """The user listed the first column, and pandas' categories are those of the second."""
    model = LGBMClassifier([0], [["Oslo", "Rome"]])

    assert lightgbm_categories(model) == {1: ["Oslo", "Rome"]}
    assert hidden_categories(model) == set()


TOWNS, SIZES = ["Bonn", "Oslo", "Rome"], [10, 20, 30]
PLACED = [
    pytest.param("0:1:2 [0:2]", [0], [TOWNS], {0: TOWNS}, id="as-a-rule"),
    pytest.param("[0.5:9] 1:2:3 0:1", [1, 2], [["a", "b"]], {2: ["a", "b"]}, id="listed-beside"),
    pytest.param("[0.5:9] [0:2]", [], [TOWNS], {1: TOWNS}, id="ordered"),
    pytest.param("0:1 [0:2]", [0], [["a", "b"], TOWNS], {0: ["a", "b"], 1: TOWNS}, id="both"),
    pytest.param("none 0:1:2", [0, 1], [["a"], TOWNS], {0: ["a"], 1: TOWNS}, id="single-value"),
    pytest.param("0:1 [0:2]", [0], [TOWNS], None, id="listed-instead"),
    pytest.param("0:1:2 [0:2]", [0], [SIZES], None, id="numbers-in-doubt"),
    pytest.param("0:1:2 [0:2]", [0], [[0, 1, 2]], {0: [0, 1, 2]}, id="numbers-that-are-codes"),
    pytest.param("0:1:2 [0:7]", [0], [SIZES], {0: SIZES}, id="numbers"),
    pytest.param("[0:1] [0:2]", [], [TOWNS], None, id="two-columns-fit"),
    pytest.param("[0.5:9] [-3:1]", [], [TOWNS], None, id="none-fits"),
    pytest.param("0:1", [0, 7], [["a"], ["b"]], None, id="out-of-bounds"),
]


@pytest.mark.parametrize(("infos", "chosen", "lists", "wanted"), PLACED)
def test_the_columns_of_the_categories(
    infos: str, chosen: list[int], lists: list[list[Value]], wanted: dict[int, list[Value]] | None
) -> None:
    assert placed(infos.split(" "), chosen, lists) == wanted


@pytest.mark.parametrize(("columns", "categories"), [("auto", []), ([0], []), ([0], None)])
def test_other_categories_of_lightgbm_are_numbers(columns: object, categories: object) -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier(columns, categories))

    assert [feature.type for feature in reading.features(["a", "b"])] == ["number", "number"]


def test_categories_of_which_lightgbm_tells_no_column_must_be_declared() -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier([], [["a", "b"]], "[0:1] 0:1"))

    assert all("does not tell" in feature.must_declare for feature in reading.features(["a", "b"]))


def test_a_column_that_had_no_codes_is_a_number_beside_hidden_categories() -> None:
    reading = Reading(3)

    reading.read(LGBMClassifier([], [["a", "b"]], "[0:1] 0:1 [0.5:9]"))

    assert [feature.type for feature in reading.features(["a", "b", "c"])] == ["any", "any", "number"]
