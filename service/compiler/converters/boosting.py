"""Histogram gradient boosting: trees over float64, missing values and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import Function
from service.compiler.outputs import Classifier, Regressor
from service.compiler.trees import ForestBuilder, Nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted
    from service.compiler.trees import Sums
    from service.native.library import Array


def candidates(estimator: Fitted) -> Iterator[Ask]:
    """Give the candidate programs for an estimator of this family: the link depends on its loss.

    The programs take a category as the code that the estimator's own encoder gives it.
    """
    name = class_name(estimator)
    if name == "HistGradientBoostingClassifier":
        sums = _sums(estimator)
        if len(sums.start) > 1:
            yield Classifier(sums, "largest", "softmax")
        else:
            yield Classifier(sums, "positive", "logistic", is_flat=True)
    elif name == "HistGradientBoostingRegressor":
        sums = _sums(estimator)
        yield Regressor(sums)
        yield Regressor(sums, link=Function("exp"))


def _sums(estimator: Fitted) -> Sums:
    start = np.atleast_1d(np.asarray(estimator._baseline_prediction, np.float64).ravel())  # noqa: SLF001 (no public name)
    builder = ForestBuilder(outputs=len(start), width=1)
    known, position = estimator._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    known = _as_words(known)
    for stage in estimator._predictors:  # noqa: SLF001
        for column, predictor in enumerate(stage):
            tree = _nodes(predictor, known, position)
            builder.add(tree, predictor.nodes["value"][:, np.newaxis], column=column)
    return builder.sums(start=start)


def _nodes(predictor: Fitted, known: Array, position: Array) -> Nodes:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    threshold = nodes["num_threshold"].astype(np.float64)
    missing_left = nodes["missing_go_to_left"].astype(bool)
    is_categorical = nodes["is_categorical"].astype(bool) & ~is_leaf
    sets = _as_words(predictor.raw_left_cat_bitsets)
    if is_categorical.any():
        at = nodes["bitset_idx"][is_categorical]
        threshold[is_categorical] = at
        # A category that was unknown in training goes to the same child as a missing value.
        unknown = ~known[position[nodes["feature_idx"][is_categorical]]]
        sets = sets.copy()
        sets[at] |= np.where(missing_left[is_categorical][:, np.newaxis], unknown, np.uint64(0))
    return Nodes(
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        feature=nodes["feature_idx"],
        threshold=threshold,
        missing_left=missing_left,
        is_categorical=is_categorical,
        sets=sets,
    )


def _as_words(bitsets: Array) -> Array:
    """Turn sets of 256 bits from eight words of 32 bits into four words of 64 bits."""
    return np.ascontiguousarray(bitsets, "<u4").reshape(-1, 8).view("<u8")
