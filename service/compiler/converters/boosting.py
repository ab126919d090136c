"""Histogram gradient boosting: trees that take doubles, missing values and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import Function
from service.compiler.outputs import Classifier, Regressor
from service.compiler.trees import Nodes, Planting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Array, Ask, Fitted
    from service.compiler.trees import Sums


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give what the model may be: its loss decides what becomes of the sums.

    It takes categories as its own encoder puts them.
    """
    name = class_name(model)
    if name == "HistGradientBoostingClassifier":
        sums = _sums(model)
        if len(sums.start) > 1:
            yield Classifier(sums, "largest", "softmax")
        else:
            yield Classifier(sums, "positive", "logistic", is_flat=True)
    elif name == "HistGradientBoostingRegressor":
        sums = _sums(model)
        yield Regressor(sums)
        yield Regressor(sums, link=Function("exp"))


def _sums(model: Fitted) -> Sums:
    start = np.atleast_1d(np.asarray(model._baseline_prediction, np.float64).ravel())  # noqa: SLF001 (no public name)
    planting = Planting(outputs=len(start), width=1)
    known, position = model._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001
    known = _as_words(known)
    for stage in model._predictors:  # noqa: SLF001
        for column, predictor in enumerate(stage):
            tree = _nodes(predictor, known, position)
            planting.add(tree, predictor.nodes["value"][:, np.newaxis], column=column)
    return planting.sums(start=start)


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
        # A category that was unknown in training goes where missing values go.
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
    """Put sets of 256 bits, in eight words of 32, into four words of 64."""
    return np.ascontiguousarray(bitsets, "<u4").reshape(-1, 8).view("<u8")
