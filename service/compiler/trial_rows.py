"""Rows for the trial of a program: values where a wrong program would differ from the model first.

The values are on both sides of the thresholds of trees, at zero, very large and very small, missing where the
model takes missing values, and known and unknown categories.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Fitted
    from service.native.library import Array
    from service.schema.features import Feature, Value

ROW_COUNT = 192
SEED = 20260101
NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e-30, 1e-6, -1e-6, 3.0, 10.0, -10.0, 100.0),
    *(1e4, -1e4, 1e9, -1e30),
)
STRINGS = ("", "another", "ä")
DATES = (datetime(2026, 1, 31), datetime(1999, 12, 31, 23, 59, 59))  # noqa: DTZ001 (a model's have no zone)
# Every third row takes all its numbers from the pools, and any other row about every third number.
POOL_ROWS = 3
POOL_SHARE = 0.3
# The first trees of a larger model have more thresholds than a trial has rows.
STAGES_MAX = TREES_MAX = 50
CATEGORIES_MAX = 64
EDGES_MAX = 3 * ROW_COUNT
# Beyond this limit, a threshold separates no values that occur.
THRESHOLD_LIMIT = 1e30


def trial_rows(estimator: Fitted, features: Sequence[Feature]) -> Iterator[list[Value]]:
    """Give `ROW_COUNT` rows of values that the features take, always the same rows for an estimator."""
    chance = random.Random(SEED)  # noqa: S311 (nothing is secret)
    edges = _edges(estimator, len(features))
    pools = [_pool(feature, edges.get(at, ())) for at, feature in enumerate(features)]
    centers = _centers(estimator, len(features))
    for number in range(ROW_COUNT):
        yield [
            _value(chance, feature, pool, center, is_from_pool=number % POOL_ROWS == 0)
            for feature, pool, center in zip(features, pools, centers)
        ]


def _value(
    chance: random.Random,
    feature: Feature,
    pool: list[Value],
    center: tuple[float, float],
    *,
    is_from_pool: bool,
) -> Value:
    """Give a value of the pool or, for a number, one around the center: a mean and a standard deviation."""
    is_number = feature.type == "number" and feature.categories is None
    if is_number and not (is_from_pool or chance.random() < POOL_SHARE):
        mean, deviation = center
        return chance.gauss(mean, deviation)
    return chance.choice(pool)


def _pool(feature: Feature, edges: Sequence[float]) -> list[Value]:
    """List the values from which the values of a feature are chosen."""
    gaps: list[Value] = [None] if feature.nullable else []
    if feature.categories is not None:
        known = list(feature.categories[:CATEGORIES_MAX])
        are_strings = all(isinstance(value, str) for value in known)
        others: list[Value] = ["a category that nobody knows"] if feature.is_open and are_strings else []
        return [*known, *others, *gaps] or [None]
    if feature.type == "number":
        # The edges stand twice, to be chosen twice as often.
        return [*NUMBERS, *edges, *edges, *gaps]
    pools: dict[str, list[Value]] = {
        "boolean": [True, False],
        "text": [*STRINGS],
        "date": [*DATES],
        "any": [0.0, 1.0, 2.0],
    }
    return [*pools[feature.type], *gaps]


def _edges(estimator: Fitted, count: int) -> dict[int, list[float]]:
    """Give thresholds and their neighbours, by the position of the feature.

    Only the trees of the estimator itself compare features. Trees behind a transformer compare what it makes.
    """
    found: dict[int, list[float]] = {}
    for features, thresholds in tree_thresholds(getattr(estimator, "best_estimator_", estimator)):
        for feature, threshold in zip(features.tolist(), thresholds.tolist()):
            values = found.setdefault(feature, [])
            if feature < count and len(values) < EDGES_MAX and abs(threshold) < THRESHOLD_LIMIT:
                near = np.float32(threshold)
                values += [
                    threshold,
                    float(np.nextafter(threshold, np.inf)),
                    float(np.nextafter(near, np.float32(np.inf))),
                    float(near),
                ]
    return found


def tree_thresholds(estimator: Fitted) -> Iterator[tuple[Array, Array]]:
    """Give the positions of features and the thresholds of each tree, as two arrays by inner node."""
    stages = getattr(estimator, "_predictors", None)
    if stages is not None:
        for stage in stages[:STAGES_MAX]:
            for predictor in stage:
                inner = ~predictor.nodes["is_leaf"].astype(bool)
                yield predictor.nodes["feature_idx"][inner], predictor.nodes["num_threshold"][inner]
        return
    trees = getattr(estimator, "estimators_", [estimator] if hasattr(estimator, "tree_") else [])
    for tree in np.ravel(np.asarray(trees, dtype=object))[:TREES_MAX]:
        if hasattr(tree, "tree_"):
            inner = tree.tree_.children_left >= 0
            yield tree.tree_.feature[inner], tree.tree_.threshold[inner]


def _centers(estimator: Fitted, count: int) -> list[tuple[float, float]]:
    """Give the mean and twice the standard deviation of each feature, as far as a part has learned them."""
    steps = getattr(getattr(estimator, "best_estimator_", estimator), "steps", ())
    parts = [estimator, *(part for _, part in steps)]
    for part in parts:
        means = getattr(part, "mean_", getattr(part, "theta_", None))
        scales = getattr(part, "scale_", None)
        if means is not None and np.shape(means)[-1] == count:
            means = np.mean(means, axis=0) if np.ndim(means) > 1 else means
            spread = scales if scales is not None and np.shape(scales) == np.shape(means) else np.ones(count)
            return [(float(mean), 2.0 * abs(float(scale)) or 1.0) for mean, scale in zip(means, spread)]
    return [(0.0, 3.0)] * count
