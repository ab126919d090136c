"""Whether the trees that find neighbors are sound, and what the estimators of neighbors keep.

`service/loading/neighbor_values.py` does the same with a model that is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import shape_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode
from infer_cli.inspection.nodes.notes import HalvesNotes
from infer_cli.inspection.values.soundness import (
    Unseen,
    UnsoundValue,
    array,
    integers,
    is_array,
    notes_of,
    require,
    seen_array,
    whole,
    within,
)
from infer_cli.inspection.values.soundness import length_of as count_of
from infer_cli.inspection.values.tree_values import class_name_of

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

# The places of a tree's state.
DATA, ORDER, NODES, BOUNDS, _, LEVELS, COUNT = range(7)
METRIC, WEIGHTS = 11, 12
LEVELS_MAX = 60
HAVERSINE_DIMENSIONS = 2
# Each column of a table with several targets has labels of its own.
COLUMNS = 2
TREES = frozenset({"BallTree", "BallTree32", "BallTree64", "KDTree", "KDTree32", "KDTree64"})


def _state_of(tree: Instance) -> tuple[Node, ...]:
    match tree.states:
        case (tuple() as state,) if len(state) > WEIGHTS:
            return state
    raise UnsoundValue("which has no data")


def check_neighbor_tree(tree: Instance) -> None:
    """Check a `KDTree` or `BallTree`: its nodes halve the rows, as scikit-learn halves them."""
    state = _state_of(tree)
    rows, features = array(state[DATA], "data", None, None).shape
    require(rows and features, "which has no data")
    order = array(state[ORDER], "idx_array", rows)
    within(order, 0, rows, "idx_array")
    # Each row stands in the order once: else there could be more neighbors than rows.
    noted = integers(order, "idx_array")
    require(noted is not None and noted.is_order, "whose idx_array lacks a row")
    levels, count = whole(state[LEVELS], "number of levels"), whole(state[COUNT], "number of nodes")
    is_whole = 0 < levels <= LEVELS_MAX and count == 2**levels - 1
    require(is_whole, "whose number of nodes cannot be right")
    nodes = notes_of(array(state[NODES], "node_data", count), "node_data")
    copies = 2 if class_name_of(tree).startswith("KDTree") else 1
    array(state[BOUNDS], "node_bounds", copies, count, features)
    if not isinstance(nodes, HalvesNotes):
        raise UnsoundValue("whose node_data have unknown fields")
    require(nodes.rows == rows and nodes.is_halved, "whose nodes do not share the rows")
    require(nodes.ends_in_leaves, "whose last nodes have children")
    _check_metric(state[METRIC], features)
    if state[WEIGHTS] is not None:
        array(state[WEIGHTS], "sample_weight", rows)


def _check_metric(metric: Node, features: int) -> None:
    """Check the numbers that a metric keeps for each feature."""
    name = class_name_of(metric) if isinstance(metric, Instance) else ""
    require("Distance" in name, "whose metric is none")
    match metric:
        case Instance(states=((_, vector, matrix, *_),)):
            pass
        case _:
            raise Unseen
    if name.startswith("SEuclidean"):
        array(vector, "metric's V", features)
    elif name.startswith("Mahalanobis"):
        array(matrix, "metric's VI", features, features)
    elif "Minkowski" in name and 0 not in seen_array(vector, "metric's w").shape:
        array(vector, "metric's w", features)
    elif name.startswith("Haversine"):
        require(features == HAVERSINE_DIMENSIONS, "whose metric takes two features")


def check_neighbors(estimator: Instance) -> None:
    """Check the rows that an estimator of neighbors keeps, and their labels."""
    own = estimator.state()
    features, kept = own.get("n_features_in_"), own.get("_fit_X")
    rows = None if kept is None else _rows_of(kept, whole(features, "n_features_in_", 1))
    check_metric_numbers(own.get("effective_metric_params_"), features)
    check_metric_numbers(own.get("metric_params"), features)
    tree = own.get("_tree")
    if tree is not None:
        is_tree = isinstance(tree, Instance) and class_name_of(tree) in TREES
        require(is_tree, "whose _tree is no tree of neighbors")
        if isinstance(tree, Instance) and tree.states:
            array(_state_of(tree)[DATA], "_tree's data", rows, _count_or_none(features))
    labels = own.get("_y")
    if is_array(labels) and shape_of(labels):
        require(rows in (None, count_of(labels)), "whose _y are not one for each row")
        if own.get("classes_") is not None:
            _check_labels(labels, own["classes_"])


def _rows_of(kept: Node, features: int) -> int | None:
    """Give the number of rows of a table; None if the file does not show it."""
    # Without the number of features scikit-learn does not look at the width of a table.
    shape: object = shape_of(kept)
    if shape is None and isinstance(kept, Instance):
        shape = kept.state().get("_shape")
    if not isinstance(shape, tuple) or not shape:
        return None
    require(len(shape) == COLUMNS and shape[1] == features, f"whose _fit_X has the shape {shape}")
    return shape[0] if isinstance(shape[0], int) else None


def _count_or_none(features: Node) -> int | None:
    return None if features is None else whole(features, "n_features_in_")


def _check_labels(labels: Node, classes: Node) -> None:
    found = seen_array(labels, "labels _y")
    if len(found.shape) == COLUMNS and isinstance(classes, ListNode):
        require(found.shape[1] == len(classes.items), "whose classes_ are not one list for each target")
        # The columns lie among each other: the service looks at each by itself.
        within(found, 0, max(map(count_of, classes.items), default=0), "labels _y")
    else:
        within(found, 0, count_of(classes), "labels _y")


def check_metric_numbers(parameters: Node, features: Node) -> None:
    """Check the numbers of a metric's parameters, which SciPy's code takes to be one for each feature."""
    if not isinstance(parameters, DictNode) or features is None:
        return
    for name in ("V", "VI", "w"):
        numbers = parameters.by_name().get(name)
        if is_array(numbers):
            # A covariance is a table, variances and weights are one for each feature.
            is_table = name == "VI" or len(shape_of(numbers) or ()) == COLUMNS
            array(numbers, f"metric's {name}", *[_count_or_none(features)] * (1 + is_table))
