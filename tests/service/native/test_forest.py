"""The C code and NumPy add up the leaves as scikit-learn's own trees do, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import make_regression
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.tree import DecisionTreeRegressor

from service.compiler.trees import ForestBuilder, nodes_of
from service.native.forest import Forest, add_leaves_in_numpy
from service.native.library import LIBRARY

if TYPE_CHECKING:
    from collections.abc import Callable


def sums_of(trees: list[Any], rows: Any) -> Any:
    builder = ForestBuilder(outputs=1, width=1)
    for tree in trees:
        builder.add(nodes_of(tree.tree_), tree.tree_.value[:, :, 0])
    sums = builder.sums()
    found = sums(rows)
    in_numpy = np.zeros((len(rows), 1))
    add_leaves_in_numpy(sums.trees, in_numpy, rows)
    assert (in_numpy == found).all()
    return found.ravel()


@pytest.fixture(scope="module")
def regression() -> tuple[Any, Any]:
    data: tuple[Any, Any] = make_regression(500, 7, random_state=1)
    return data


@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65, 200])
def test_sums_are_those_of_the_trees_to_the_last_bit(regression: tuple[Any, Any], count: int) -> None:
    rows, target = regression
    forest = ExtraTreesRegressor(13, random_state=0).fit(rows, target)

    expected = np.zeros(count)
    for tree in forest.estimators_:
        expected += tree.predict(rows[:count])

    assert (sums_of(forest.estimators_, rows[:count]) == expected).all()


def test_a_row_beside_a_threshold_goes_to_the_same_child_as_in_32_bits() -> None:
    rows = np.random.default_rng(0).normal(size=(400, 1)) * 1e3
    tree = DecisionTreeRegressor().fit(rows, np.arange(400))
    thresholds = tree.tree_.threshold[tree.tree_.children_left >= 0]
    near = thresholds.astype(np.float32)
    shifts: list[Callable[[Any], Any]] = [
        lambda at: at,
        lambda at: np.nextafter(at, np.inf),
        lambda at: np.nextafter(at, -np.inf),
    ]
    halfway = (near.astype(np.float64) + np.nextafter(near, np.float32(np.inf)).astype(np.float64)) / 2
    below = (near.astype(np.float64) + np.nextafter(near, np.float32(-np.inf)).astype(np.float64)) / 2
    edges = [shift(values) for shift in shifts for values in (thresholds, near.astype(float), halfway, below)]
    given = np.concatenate(edges).reshape(-1, 1)

    assert (sums_of([tree], given) == tree.predict(given)).all()


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("nodes", {"left": 0}),
        ("nodes", {"left": -1}),
        ("nodes", {"left": 2**31 - 1}),
        ("leaf", 10**6),
        ("leaf", -1),
        ("roots", 10**6),
        ("columns", 1),
        ("columns", -1),
    ],
)
def test_trees_with_a_position_out_of_bounds_are_refused(
    regression: tuple[Any, Any], array: str, change: Any
) -> None:
    assert LIBRARY
    builder = ForestBuilder(outputs=1, width=1)
    tree = DecisionTreeRegressor(max_depth=3).fit(*regression)
    builder.add(nodes_of(tree.tree_), tree.tree_.value[:, :, 0])
    trees = builder.sums().trees
    changed = getattr(trees, array).copy()
    if isinstance(change, dict):
        changed["left"][1] = change["left"]
    else:
        changed[0] = change

    with pytest.raises(ValueError, match="out of bounds"):
        Forest(replace(trees, **{array: changed}), LIBRARY)


def test_a_missing_value_goes_to_the_same_child_as_in_training(regression: tuple[Any, Any]) -> None:
    rows, target = regression[0].copy(), regression[1]
    rows[np.random.default_rng(0).random(rows.shape) < 0.2] = np.nan
    tree = DecisionTreeRegressor(random_state=0).fit(rows, target)

    assert (sums_of([tree], rows) == tree.predict(rows)).all()
