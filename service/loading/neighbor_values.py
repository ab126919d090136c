"""Whether the trees that find neighbors are sound, and what the estimators of neighbors keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.loading.soundness import array, attributes, bases, require, whole, within

if TYPE_CHECKING:
    from service.loading.soundness import Array, Part

# The places of a tree's state.
DATA, ORDER, NODES, BOUNDS, _, LEVELS, COUNT = range(7)
METRIC, WEIGHTS = 11, 12
LEVELS_MAX = 60
HAVERSINE_DIMENSIONS = 2
# Each column of a table with several targets has labels of its own.
COLUMNS = 2


def check_neighbor_tree(tree: Part) -> None:
    """Check a `KDTree` or `BallTree`: its nodes halve the rows, as scikit-learn halves them."""
    state = tree.__getstate__()
    data = array(state[DATA], "data", None, None)
    rows, features = data.shape
    require(rows and features, "which has no data")
    order = array(state[ORDER], "idx_array", rows)
    within(order, 0, rows, "idx_array")
    # Each row stands in the order once: else there could be more neighbors than rows.
    is_there = np.zeros(rows, dtype=bool)
    is_there[order] = True
    require(bool(is_there.all()), "whose idx_array lacks a row")
    levels, count = state[LEVELS], state[COUNT]
    require(0 < levels <= LEVELS_MAX and count == 2**levels - 1, "whose number of nodes cannot be right")
    nodes = array(state[NODES], "node_data", count)
    copies = 2 if any(name.startswith("KDTree") for name in bases(tree)) else 1
    array(state[BOUNDS], "node_bounds", copies, count, features)
    _check_halves(nodes, rows, count)
    _check_metric(state[METRIC], features)
    weights = state[WEIGHTS]
    if weights is not None:
        array(np.asarray(weights), "sample_weight", rows)


def _check_halves(nodes: Array, rows: int, count: int) -> None:
    """Check level by level that the two children of a node share its rows."""
    at = start = np.zeros(1, dtype=np.int64)
    end = np.full(1, rows, dtype=np.int64)
    while len(at):
        level = nodes[at]
        are_there = (level["idx_start"] == start) & (level["idx_end"] == end)
        require(bool(are_there.all()), "whose nodes do not share the rows")
        is_inner = level["is_leaf"] == 0
        at, start, end = at[is_inner], start[is_inner], end[is_inner]
        require(bool((2 * at + 2 < count).all()), "whose last nodes have children")
        middle = start + (end - start) // 2
        at = np.concatenate([2 * at + 1, 2 * at + 2])
        start, end = np.concatenate([start, middle]), np.concatenate([middle, end])


def _check_metric(metric: Part, features: int) -> None:
    """Check the numbers that a metric keeps for each feature."""
    name = type(metric).__name__
    require("DistanceMetric" in name_of_bases(metric), "whose metric is none")
    state = metric.__getstate__()
    vector, matrix = np.asarray(state[1]), np.asarray(state[2])
    if name.startswith("SEuclidean"):
        array(vector, "metric's V", features)
    elif name.startswith("Mahalanobis"):
        array(matrix, "metric's VI", features, features)
    elif "Minkowski" in name and vector.size:
        array(vector, "metric's w", features)
    elif name.startswith("Haversine"):
        require(features == HAVERSINE_DIMENSIONS, "whose metric takes two features")


def name_of_bases(part: Part) -> str:
    """Give the names of the classes of an object as one text: those of 32 bits have a suffix."""
    return " ".join(sorted(bases(part)))


def check_neighbors(estimator: Part) -> None:
    """Check the rows that an estimator of neighbors keeps, and their labels."""
    own = attributes(estimator)
    kept = own.get("_fit_X")
    if kept is not None:
        # Without the number of features scikit-learn does not look at the width of a table.
        features = whole(own.get("n_features_in_"), "n_features_in_", 1)
        shape = tuple(getattr(kept, "shape", ()))
        require(len(shape) == COLUMNS and shape[1] == features, f"whose _fit_X has the shape {shape}")
    rows = getattr(kept, "shape", (None,))[0]
    check_metric_numbers(own.get("effective_metric_params_"), own.get("n_features_in_"))
    check_metric_numbers(own.get("metric_params"), own.get("n_features_in_"))
    if "_tree" in own and own["_tree"] is not None:
        require("BinaryTree" in name_of_bases(own["_tree"]), "whose _tree is no tree of neighbors")
        array(own["_tree"].__getstate__()[DATA], "_tree's data", rows, own.get("n_features_in_"))
    labels, classes = own.get("_y"), own.get("classes_")
    if isinstance(labels, np.ndarray) and labels.ndim:
        require(rows in (None, len(labels)), "whose _y are not one for each row")
        if classes is not None:
            _check_labels(labels, classes)


def _check_labels(labels: Array, classes: Part) -> None:
    if labels.ndim == COLUMNS and isinstance(classes, list):
        require(labels.shape[1] == len(classes), "whose classes_ are not one list for each target")
        for column, known in zip(labels.T, classes):
            within(column, 0, len(known), "labels _y")
    else:
        within(labels, 0, len(classes), "labels _y")


def check_metric_numbers(parameters: Part, features: int | None) -> None:
    """Check the numbers of a metric's parameters, which SciPy's code takes to be one for each feature."""
    if not isinstance(parameters, dict) or features is None:
        return
    for name in ("V", "VI", "w"):
        if parameters.get(name) is not None:
            numbers = np.asarray(parameters[name])
            # A covariance is a table, variances and weights are one for each feature.
            is_table = name == "VI" or numbers.ndim == COLUMNS
            array(numbers, f"metric's {name}", *[features] * (1 + is_table))
