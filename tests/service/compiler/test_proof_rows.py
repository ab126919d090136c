from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from service.compiler.proof_rows import NODES_A_TREE, proof_rows, some_thresholds
from service.schema.declared import DeclaredFeature
from service.schema.features import Feature

if TYPE_CHECKING:
    from service.schema.features import Value

FAR = np.linspace(5000.0, 6000.0, 40).reshape(-1, 1)
ANY_NUMBER = Feature("x")


def _column(estimator: object, feature: Feature = ANY_NUMBER, *declared: DeclaredFeature) -> list[Value]:
    return [row[0] for row in islice(proof_rows(estimator, [feature], declared), 30)]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(make_pipeline(StandardScaler(), LinearRegression()), id="means"),
        pytest.param(make_pipeline(MinMaxScaler(), LinearRegression()), id="bounds"),
        pytest.param(make_pipeline(KBinsDiscretizer(4, encode="ordinal"), LinearRegression()), id="bins"),
        pytest.param(DecisionTreeRegressor(), id="a tree"),
        pytest.param(HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=2), id="boosting"),
        pytest.param(
            make_pipeline(make_column_transformer((StandardScaler(), [0])), LinearRegression()), id="a branch"
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The current default behavior")
def test_numbers_lie_where_the_model_learned(model: Any) -> None:
    values = _column(model.fit(FAR, FAR.ravel()))

    assert all(isinstance(value, float) and 4000 < value < 7500 for value in values)
    assert len(set(values)) > 3


def test_categories_are_known_ones_and_gaps_are_where_the_model_takes_them() -> None:
    feature = Feature("x", "category", categories=(1.0, 2.0, float("nan")), nullable=True, is_open=True)

    assert set(_column(None, feature)) == {1.0, 2.0, None}
    assert None not in _column(None, Feature("x", "category", categories=("a", "b")))


def test_texts_are_of_the_vocabulary() -> None:
    model = make_pipeline(CountVectorizer(), LinearRegression()).fit(["good film", "bad plot"], [1, 0])

    words = {word for text in _column(model, Feature("x", "text")) for word in str(text).split()}

    assert words == {"good", "film", "bad", "plot"}


def test_what_the_user_declares_goes_before() -> None:
    values = _column(None, ANY_NUMBER, DeclaredFeature("x", low=70.0, high=80.0), DeclaredFeature("other"))

    assert all(isinstance(value, float) and 70 <= value <= 80 for value in values)


def test_of_an_unknown_column_both_numbers_and_texts_are_tried() -> None:
    assert {type(value) for value in _column(None, Feature("x", "any"))} == {float, str}


def test_rows_are_always_the_same() -> None:
    assert _column(None) == _column(None)


def test_whole_numbers_stay_whole() -> None:
    values = _column(None, Feature("x", dtype="uint8"))

    assert all(isinstance(value, float) and value.is_integer() and value >= 0 for value in values)


def test_of_a_forest_its_trees_are_read_and_of_large_trees_a_part() -> None:
    table = np.random.default_rng(0).normal(1000.0, 50.0, (3000, 1))
    forest = RandomForestRegressor(3, random_state=0).fit(table, table.ravel())
    assert all(tree.tree_.node_count > 4 * NODES_A_TREE for tree in forest.estimators_)

    values = _column(forest)

    assert all(isinstance(value, float) and 700 < value < 1300 for value in values)
    assert len(list(some_thresholds(forest))) <= 3 * NODES_A_TREE
