"""Rows on which a function and the model that it stands for would differ first.

Those are rows on both sides of every threshold that is tried, at zero, far out, with missing values where
the model takes them, and with each category, known and unknown.
"""

from __future__ import annotations

import random
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Array, Fitted
    from service.schema.features import Feature, Value

ROWS = 192
SEED = 20260101
SPREAD = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-300,
    1e-30,
    1e-6,
    -1e-6,
    3.0,
    10.0,
    -10.0,
    100.0,
    1e4,
    -1e4,
    1e9,
    -1e30,
)
TEXTS = ("", "another", "ä")
DATES = (datetime(2026, 1, 31), datetime(1999, 12, 31, 23, 59, 59))  # noqa: DTZ001 (the model's have no zone)


def trial_rows(model: Fitted, features: Sequence[Feature]) -> Iterator[list[Value]]:
    """Give rows of valid values, always the same for a model."""
    chance = random.Random(SEED)  # noqa: S311 (nothing is secret)
    edges = _edges(model, len(features))
    pools = [_pool(feature, edges.get(at, ())) for at, feature in enumerate(features)]
    centers = _centers(model, len(features))
    for number in range(ROWS):
        yield [
            _value(chance, feature, pool, center, is_wild=number % 3 == 0)
            for feature, pool, center in zip(features, pools, centers)
        ]


def _value(
    chance: random.Random,
    feature: Feature,
    pool: list[Value],
    center: tuple[float, float],
    *,
    is_wild: bool,
) -> Value:
    if feature.type == "number" and feature.categories is None and not (is_wild or chance.random() < 0.3):  # noqa: PLR2004
        mean, scale = center
        return chance.gauss(mean, scale)
    return chance.choice(pool)


def _pool(feature: Feature, edges: Sequence[float]) -> list[Value]:
    gaps: list[Value] = [None] if feature.nullable else []
    if feature.categories is not None:
        known = list(feature.categories[:64])
        is_text = all(isinstance(value, str) for value in known)
        others: list[Value] = ["a category that nobody knows"] if feature.is_open and is_text else []
        return [*known, *others, *gaps] or [None]
    if feature.type == "number":
        return [*SPREAD, *edges, *edges, *gaps]
    pools: dict[str, list[Value]] = {
        "boolean": [True, False],
        "text": [*TEXTS],
        "date": [*DATES],
        "any": [0.0, 1.0, 2.0],
    }
    return [*pools[feature.type], *gaps]


def _edges(model: Fitted, count: int) -> dict[int, list[float]]:
    """Give thresholds by feature, each with its neighbours, of trees that see the features themselves."""
    found: dict[int, list[float]] = {}
    for features, thresholds in _thresholds(getattr(model, "best_estimator_", model)):
        for feature, threshold in zip(features.tolist(), thresholds.tolist()):
            values = found.setdefault(feature, [])
            if feature < count and len(values) < 3 * ROWS and abs(threshold) < 1e30:  # noqa: PLR2004 (no edge)
                near = np.float32(threshold)
                values += [
                    threshold,
                    float(np.nextafter(threshold, np.inf)),
                    float(np.nextafter(near, np.float32(np.inf))),
                    float(near),
                ]
    return found


def _thresholds(model: Fitted) -> Iterator[tuple[Array, Array]]:
    stages = getattr(model, "_predictors", None)
    if stages is not None:
        for stage in stages[:50]:
            for predictor in stage:
                inner = ~predictor.nodes["is_leaf"].astype(bool)
                yield predictor.nodes["feature_idx"][inner], predictor.nodes["num_threshold"][inner]
        return
    trees = getattr(model, "estimators_", [model] if hasattr(model, "tree_") else [])
    for tree in np.ravel(np.asarray(trees, dtype=object))[:50]:
        if hasattr(tree, "tree_"):
            inner = tree.tree_.children_left >= 0
            yield tree.tree_.feature[inner], tree.tree_.threshold[inner]


def _centers(model: Fitted, count: int) -> list[tuple[float, float]]:
    """Give where the numbers of each feature lie, as far as a scaler at the front says it."""
    steps = getattr(getattr(model, "best_estimator_", model), "steps", ())
    parts = [model, *(part for _, part in steps)]
    for part in parts:
        means = getattr(part, "mean_", getattr(part, "theta_", None))
        scales = getattr(part, "scale_", None)
        if means is not None and np.shape(means)[-1] == count:
            means = np.mean(means, axis=0) if np.ndim(means) > 1 else means
            spread = scales if scales is not None and np.shape(scales) == np.shape(means) else np.ones(count)
            return [(float(mean), 2.0 * abs(float(scale)) or 1.0) for mean, scale in zip(means, spread)]
    return [(0.0, 3.0)] * count
