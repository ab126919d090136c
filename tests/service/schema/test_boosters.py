"""Boosters tell their columns by attributes of their own; stand-ins for them, as their packages are large."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.schema.boosters import hides_categories, lightgbm_categories
from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor


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

    def __init__(self, columns: object, categories: object) -> None:
        params = {"categorical_column": columns}
        self._Booster = SimpleNamespace(
            params=params,
            pandas_categorical=categories,
            model_to_string=lambda num_iteration: f"tree\nfeature_infos=[1:9] -1:0:1\n{num_iteration}",
        )


def test_lightgbm_knows_the_categories_of_pandas() -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier([1], [["Oslo", "Rome"]]))

    age, town = reading.features(["age", "town"])
    assert (age.type, age.nullable) == ("number", True)
    assert (town.type, town.categories, town.is_open) == ("category", ("Oslo", "Rome"), True)
    assert (town.dtype, town.nullable) == ("category", True)


def test_codes_that_a_column_cannot_have_had_hide_the_categories() -> None:
    """The user listed the first column, and pandas' categories are those of the second."""
    model = LGBMClassifier([0], [["Oslo", "Rome"]])

    assert lightgbm_categories(model) == {}
    assert hides_categories(model)


@pytest.mark.parametrize(("columns", "categories"), [("auto", []), ([0], []), ([0], None)])
def test_other_categories_of_lightgbm_are_numbers(columns: object, categories: object) -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier(columns, categories))

    assert [feature.type for feature in reading.features(["a", "b"])] == ["number", "number"]


def test_categories_of_which_lightgbm_tells_no_column_must_be_declared() -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier([0], [["a"], ["b"]]))

    assert all("does not tell" in feature.must_declare for feature in reading.features(["a", "b"]))
