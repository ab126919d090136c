"""Whether the trees of scikit-learn are sound: every walk through a tree ends at a leaf of it.

The code that walks trees follows children and reads features without a look at where they lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.errors import UnsoundValue
from service.loading.soundness import (
    COUNT_MAX,
    array,
    attributes,
    bases,
    require,
    whole,
    within,
)

if TYPE_CHECKING:
    from service.loading.soundness import Array, Part

NO_CHILD = -1
# A set of categories is eight words of 32 bits: one bit for each code that a category may have.
SET_WORDS = 8
CODES_MAX = 256
TABLE_DIMENSIONS = 2


def check_tree(tree: Part) -> None:
    """Check a `Tree`: its nodes, counted, each the child of one node before it, or the root."""
    count = int(tree.node_count)
    # NumPy would read behind the nodes, and a tree that was never given a state has none.
    require(0 < count <= int(tree.capacity), f"which says that it has {count} nodes")
    require(0 < int(tree.n_features) <= COUNT_MAX, "whose number of features cannot be right")
    nodes = tree.__getstate__()["nodes"]
    require(len(nodes) == count, f"which says that it has {count} nodes")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = np.flatnonzero(left != NO_CHILD)
    of_left, of_right = left[inner], right[inner]
    _check_children(inner, of_left, of_right, count)
    require(np.count_nonzero(right != NO_CHILD) == len(inner), "which has a node with one child")
    if len(inner):
        features = nodes["feature"][inner]
        # As numbers without a sign, those below 0 are the largest.
        worst = int(features.view(np.uint64).argmax())
        is_sound = 0 <= int(features[worst]) < int(tree.n_features)
        require(
            is_sound,
            f"whose node {int(inner[worst])} looks at feature {int(features[worst])} of {tree.n_features}",
        )


def _check_children(inner: Array, left: Array, right: Array, count: int) -> None:
    """Check that each node but the root is the child of one node, which comes before it."""
    for children in (left, right):
        wrong = np.flatnonzero((children <= inner) | (children >= count))
        if len(wrong):
            parent, child = int(inner[wrong[0]]), int(children[wrong[0]])
            what = "itself" if child == parent else f"node {child} of {count}"
            raise UnsoundValue(f"whose node {parent} has {what} as a child")
    # Twice as many children as inner nodes, and each node but the root found: none is found twice.
    is_child = np.zeros(count, dtype=bool)
    is_child[left] = True
    is_child[right] = True
    is_whole = 2 * len(inner) == count - 1 and np.count_nonzero(is_child) == count - 1
    require(is_whole, "which has a node that is the child of no node, or of two")


def check_tree_owner(estimator: Part) -> None:
    """Check that an estimator of one tree gives the tree as many features as the tree looks at."""
    own = attributes(estimator)
    if "tree_" in own:
        require("Tree" in bases(own["tree_"]), "whose tree_ is no tree")
        _check_width(own["tree_"], _features_of(own), "tree_")


def _features_of(own: Part) -> int:
    # Without this number scikit-learn does not look at the width of a table.
    return whole(own.get("n_features_in_"), "n_features_in_", 1)


def _check_width(tree: Part, features: int, name: str) -> None:
    is_sound = int(tree.n_features) <= features
    require(is_sound, f"whose {name} looks at {int(tree.n_features)} features, and it has {features}")


def _trees_of(estimators: Part) -> list[tuple[int, Part]]:
    """Give the trees of a list of estimators, each with its position."""
    listed = estimators.ravel().tolist() if isinstance(estimators, np.ndarray) else estimators
    if not isinstance(listed, (list, tuple)):
        raise UnsoundValue("whose estimators_ is no list")
    found = ((at, attributes(one).get("tree_")) for at, one in enumerate(listed))
    return [(at, tree) for at, tree in found if "Tree" in bases(tree)]


def check_forest(estimator: Part) -> None:
    """Check that the trees of a forest look at no more features than the forest has.

    A forest gives its table to the trees without another look at its width.
    """
    own = attributes(estimator)
    for at, tree in _trees_of(own.get("estimators_", [])):
        _check_width(tree, _features_of(own), f"estimators_[{at}].tree_")


def check_bagging(estimator: Part) -> None:
    """Check that each tree looks at no more features than are chosen for it."""
    own = attributes(estimator)
    trees = _trees_of(own.get("estimators_", []))
    if not trees:
        return
    features, chosen = _features_of(own), own.get("estimators_features_", [])
    for at, tree in trees:
        require(at < len(chosen), "which has fewer estimators_features_ than estimators_")
        _check_width(tree, min(features, np.size(chosen[at])), f"estimators_[{at}].tree_")
    if "IsolationForest" in bases(estimator):
        for at, tree in trees:
            _check_depth(tree, f"estimators_[{at}].tree_")


def _check_depth(tree: Part, name: str) -> None:
    """Check the depth that a tree says it has: memory for the path of a row is taken by it."""
    nodes = tree.__getstate__()["nodes"]
    left, right = nodes["left_child"], nodes["right_child"]
    level, depth = np.zeros(1, dtype=np.intp), -1
    while len(level):
        depth += 1
        require(depth <= int(tree.max_depth), f"whose {name} is deeper than it says")
        inner = level[left[level] != NO_CHILD]
        level = np.concatenate([left[inner], right[inner]])


def check_boosting(estimator: Part) -> None:
    """Check the trees of gradient boosting, which lie in a table with one column for each output."""
    own = attributes(estimator)
    if "estimators_" not in own:
        return
    estimators = array(own["estimators_"], "estimators_", None, None)
    for at, one in enumerate(estimators.ravel().tolist()):
        tree = attributes(one).get("tree_")
        place = f"estimators_[{at // estimators.shape[1]}, {at % estimators.shape[1]}]"
        require("Tree" in bases(tree), f"whose {place} has no tree")
        require(tree.n_outputs == 1 and tree.max_n_classes == 1, f"whose {place} has a tree of classes")
        _check_width(tree, _features_of(own), f"{place}.tree_")
    outputs = 1
    if "classes_" in own:
        outputs = len(own["classes_"])
        outputs = 1 if outputs == TABLE_DIMENSIONS else outputs
    require(estimators.shape[1] in (0, outputs), f"whose estimators_ are not {outputs} for each stage")


def check_predictor(predictor: Part) -> None:
    """Check a tree of histogram-based boosting: its nodes come before their children, its sets are there."""
    own = attributes(predictor)
    nodes = array(own.get("nodes"), "nodes", None)
    count = len(nodes)
    require(0 < count <= COUNT_MAX, "which has no nodes")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    left, right = nodes["left"][inner].astype(np.int64), nodes["right"][inner].astype(np.int64)
    _check_children(inner, left, right, count)
    require(bool((nodes["feature_idx"][inner] >= 0).all()), "which looks at a feature below 0")
    at = nodes["bitset_idx"][inner][nodes["is_categorical"][inner] != 0]
    sets = array(own.get("raw_left_cat_bitsets"), "raw_left_cat_bitsets", None, SET_WORDS)
    within(at, 0, len(sets), "sets of categories")


def check_histogram_boosting(estimator: Part) -> None:
    """Check the features that the trees of histogram-based boosting look at, and the known categories."""
    own = attributes(estimator)
    if "_predictors" not in own:
        return
    features = _features_of(own)
    mapper = attributes(own.get("_bin_mapper"))
    kinds = array(mapper.get("is_categorical_"), "_bin_mapper.is_categorical_", features) != 0
    for at in np.flatnonzero(kinds).tolist():
        codes = np.asarray(mapper["bin_thresholds_"][at], dtype=np.float64)
        is_sound = ((codes >= 0) & (codes < CODES_MAX)).all()
        require(bool(is_sound), f"whose _bin_mapper.bin_thresholds_[{at}] are no codes of categories")
    for round_, predictors in enumerate(own["_predictors"]):
        for k, predictor in enumerate(predictors):
            _check_features(attributes(predictor).get("nodes"), kinds, f"_predictors[{round_}][{k}]")


def _check_features(nodes: Part, kinds: Array, place: str) -> None:
    if not isinstance(nodes, np.ndarray):
        raise UnsoundValue(f"whose {place} has no nodes")
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    at = nodes["feature_idx"][inner].astype(np.int64)
    is_sound = not len(at) or int(at.max()) < len(kinds)
    require(is_sound, f"whose {place} looks at a feature that it does not have")
    wants_sets = nodes["is_categorical"][inner] != 0
    require(bool(kinds[at[wants_sets]].all()), f"whose {place} asks for categories of a number")
