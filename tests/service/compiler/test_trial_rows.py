"""The rows of a trial hold the values on which a wrong program would differ first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from service.compiler.trial_rows import ROW_COUNT, trial_rows
from service.schema.features import Feature

if TYPE_CHECKING:
    from service.schema.features import Value


def column(estimator: object, feature: Feature) -> list[Value]:
    return [row[0] for row in trial_rows(estimator, [feature])]


def test_an_estimator_gets_the_same_rows_each_time() -> None:
    features = [Feature("a"), Feature("b", "text")]

    rows = list(trial_rows(None, features))

    assert len(rows) == ROW_COUNT
    assert rows == list(trial_rows(None, features))


def test_both_sides_of_each_threshold_are_tried() -> None:
    tree = DecisionTreeRegressor(max_depth=1).fit([[0.0], [0.3]], [0.0, 1.0])
    threshold = tree.tree_.threshold[0]

    values = set(column(tree, Feature("a")))

    assert {threshold, np.nextafter(threshold, np.inf)} <= values


def test_numbers_are_around_the_mean_that_a_scaler_learned() -> None:
    scaler = StandardScaler().fit([[999.0], [1001.0]])

    values = [value for value in column(scaler, Feature("a")) if isinstance(value, float)]

    assert sum(990 < value < 1010 for value in values) > ROW_COUNT / 4


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        pytest.param(
            Feature("a", nullable=True), {None, 0.0, 1e-300, -1e30}, id="a number that may be missing"
        ),
        pytest.param(Feature("a", "boolean"), {True, False}, id="a boolean"),
        pytest.param(
            Feature("a", "category", categories=("S", "M"), is_open=True),
            {"S", "M", "a category that nobody knows"},
            id="known and unknown categories",
        ),
        pytest.param(
            Feature("a", "category", categories=("S", "M")), {"S", "M"}, id="known categories alone"
        ),
        pytest.param(Feature("a", "text"), {"", "ä", "another"}, id="strings"),
    ],
)
def test_each_column_type_has_its_values(feature: Feature, expected: set[Value]) -> None:
    values = set(column(None, feature))

    assert expected <= values
    if feature.type != "number":
        assert values == expected
