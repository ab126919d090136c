"""Boosters that say in their own way what they take; their packages are too large to come with the tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor


class CatBoostClassifier:
    """Answers what is asked of a loaded CatBoost 1.2.10, and predicts the second column."""

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

    def predict(self, table: Any) -> Any:
        return np.array(table, dtype=object)[:, 1:2]


def test_categories_are_texts_that_are_never_missing() -> None:
    reading = Reading(3)

    reading.read(CatBoostClassifier(["age", "town", "note"], [1], [2]))

    found = reading.features(["age", "town", "note"])
    assert [(one.type, one.nullable) for one in found] == [
        ("number", True),
        ("text", False),
        ("text", False),
    ]


def test_columns_are_named_and_each_answer_is_one_value(make_predictor: Callable[..., Predictor]) -> None:
    predictor = make_predictor(CatBoostClassifier(["age", "town"], [1], []))

    assert [feature.name for feature in predictor.features] == ["age", "town"]
    assert predictor.predict([[1.0, "no"], [None, "yes"]]).values == ["no", "yes"]


def test_columns_without_names_are_numbered(make_predictor: Callable[..., Predictor]) -> None:
    predictor = make_predictor(CatBoostClassifier(["0", "1"], [], []))

    assert [feature.name for feature in predictor.features] == ["x0", "x1"]


class LGBMClassifier:
    """Has what a loaded LightGBM 4.7.0 knows of its columns."""

    def __init__(self, columns: object, tables: object) -> None:
        self._Booster = SimpleNamespace(params={"categorical_column": columns}, pandas_categorical=tables)


def test_categories_of_pandas_are_known() -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier([1], [["Oslo", "Rome"]]))

    age, town = reading.features(["age", "town"])
    assert (age.type, age.nullable) == ("number", True)
    assert (town.type, town.categories, town.is_open) == ("category", ("Oslo", "Rome"), True)
    assert (town.dtype, town.nullable) == ("category", True)


@pytest.mark.parametrize(("columns", "tables"), [("auto", []), ([0], []), ([0], [["a"], ["b"]]), ([0], None)])
def test_other_categories_are_numbers(columns: object, tables: object) -> None:
    reading = Reading(2)

    reading.read(LGBMClassifier(columns, tables))

    assert [feature.type for feature in reading.features(["a", "b"])] == ["number", "number"]
