"""Whether the trees of an XGBoost file are sound: every walk through a tree ends at a leaf of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from service.loading.boosters import Array

    Json = Any
    Document = dict[str, Any]

# The largest code of a category, by `xgboost/data.h`; and the bits that all sets of categories may take.
CATEGORY_MAX = 2**24
SET_BITS_MAX = 2**31
# The parent of the root, but for trees whose leaves have several values: theirs is -1.
NO_PARENT = 2**31 - 1
# The arrays of a tree that have one element for each node. Some are missing in files of older versions.
NEEDED = ("left_children", "right_children", "parents", "split_indices", "split_conditions", "default_left")
OTHERS = ("split_type", "sum_hessian", "loss_changes")
# XGBoost adds one to the number of a round, in 32 bits.
ROUNDS_MAX = 2**31 - 1
# From this version on, XGBoost reads `sum_hessian` and `loss_changes` of all trees, and looks for no end.
READING_SUMS = (3, 1)


def check_trees(learner: Document, features: int) -> None:
    """Raise `ValueError` (or `KeyError`, `TypeError`) if a tree, or a count of trees, is not sound."""
    parameters = learner["learner_model_param"]
    groups = max(1, int(parameters.get("num_class") or 0), int(parameters.get("num_target") or 0))
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        _require(len(booster["model"]["weights"]) == (features + 1) * groups, "the number of weights")
        return
    if booster["name"] == "dart":
        _require(len(booster["weight_drop"]) == len(booster["gbtree"]["model"]["trees"]), "weight_drop")
        booster = booster["gbtree"]
    _require(booster["name"] == "gbtree", "the booster's name")
    model = booster["model"]
    trees = model["trees"]
    _check_encodings(model.get("cats") or {}, features)
    _require(isinstance(trees, list), "trees")
    counted = model["gbtree_model_param"]
    _require(int(counted["num_trees"]) == len(trees) == len(model["tree_info"]), "num_trees")
    _require(1 <= int(counted.get("num_parallel_tree") or 1) <= max(1, len(trees)), "num_parallel_tree")
    of_groups = _integers(model["tree_info"])
    _require(bool(((of_groups >= 0) & (of_groups < groups)).all()), "tree_info")
    rounds = _integers(model.get("iteration_indptr", []))
    if len(rounds):
        is_sound = rounds[0] == 0 and rounds[-1] == len(trees) and (np.diff(rounds) >= 0).all()
        _require(bool(is_sound), "iteration_indptr")
    _check_numbers(trees)
    _check_best_round(learner)
    widths = {_width(tree) for tree in trees}
    _require(widths in (set(), {1}, {groups}), "size_leaf_vector")
    bits = sum(_check_tree(tree, features) for tree in trees)
    _require(bits <= SET_BITS_MAX, "categories")


def _width(tree: Document) -> int:
    """Give how many values a leaf has. XGBoost takes a tree for one of several values unless it is 0 or 1."""
    width = int(tree["tree_param"].get("size_leaf_vector") or 1)
    return 1 if width == 0 else width


def _reads_sums() -> bool:
    """Tell whether the library reads the sums of trees with several values, which older ones do not write."""
    try:
        library: Any = importlib.import_module("xgboost")
    except ImportError:
        # No library that could be harmed will get the file.
        return True
    return tuple(map(int, library.__version__.split(".")[:2])) >= READING_SUMS


def _check_numbers(trees: list[Document]) -> None:
    """Check that each tree has a number of its own, which is the place where XGBoost puts it."""
    numbers = [tree.get("id", at) for at, tree in enumerate(trees)]
    _require(all(type(number) is int for number in numbers), "the numbers of the trees")
    _require(sorted(numbers) == [*range(len(trees))], "the numbers of the trees")


def _check_best_round(learner: Document) -> None:
    """Check the round up to which XGBoost's classes for scikit-learn answer."""
    best = (learner.get("attributes") or {}).get("best_iteration")
    _require(best is None or 0 <= int(best) < ROUNDS_MAX, "best_iteration")


def _check_tree(tree: Document, features: int) -> int:
    """Check a tree; give the number of bits that its sets of categories take."""
    parameters = tree["tree_param"]
    nodes, width = int(parameters["num_nodes"]), _width(tree)
    _require(nodes > 0, "num_nodes")
    _require(int(parameters["num_feature"]) in (0, features), "num_feature of a tree")
    for name in NEEDED:
        _require(len(tree[name]) == nodes, name)
    for name in OTHERS:
        _require(len(tree.get(name, [])) in (0, nodes), name)
    _require(
        len(tree.get("base_weights", [])) in ((0, nodes) if width == 1 else (nodes * width,)), "base_weights"
    )
    if width > 1 and _reads_sums():
        _require(len(tree["sum_hessian"]) == len(tree["loss_changes"]) == nodes, "sum_hessian")
    left, right = _integers(tree["left_children"]), _integers(tree["right_children"])
    is_leaf = left == -1
    inner = np.flatnonzero(~is_leaf)
    children = np.concatenate([left[inner], right[inner]])
    # A node is the child of one node at most, and the root of none: so no walk goes in a circle.
    is_sound = ((children > 0) & (children < nodes)).all() and len(np.unique(children)) == len(children)
    _require(bool(is_sound), "the children of its nodes")
    _check_parents(_integers(tree["parents"]), left, right, inner)
    split = _integers(tree["split_indices"])[inner]
    _require(bool(((split >= 0) & (split < features)).all()), "split_indices")
    if width > 1:
        leaves, rest = divmod(len(tree.get("leaf_weights", [])), width)
        _require(not rest, "leaf_weights")
        of_leaves = right[is_leaf]
        # Older versions keep the values of the leaves in `base_weights`, and number no leaves.
        _require(bool(((of_leaves >= -1) & (of_leaves < max(leaves, 1))).all()), "the numbers of its leaves")
    return _check_categories(tree)


def _check_parents(parents: Array, left: Array, right: Array, inner: Array) -> None:
    """Check the way up, which XGBoost goes while it loads a tree: it leads from each node to the end.

    The root has no parent, and nodes that were cut off may have one.
    """
    nodes = len(parents)
    is_end = (parents == -1) | (parents == NO_PARENT)
    is_sound = bool(is_end[0]) and bool((is_end | ((parents >= 0) & (parents < nodes))).all())
    of_children = np.array_equal(parents[left[inner]], inner) and np.array_equal(parents[right[inner]], inner)
    _require(is_sound and of_children, "parents")
    above = np.append(np.where(is_end, nodes, parents), nodes)
    for _ in range(nodes.bit_length()):
        above = above[above]
    _require(bool((above == nodes).all()), "parents")


def _check_encodings(cats: Document, features: int) -> None:
    """Check the categories of the columns, which XGBoost keeps from 3.1 on, and their order."""
    encodings = cats.get("enc") or []
    _require(len(encodings) in (0, features), "the categories of columns")
    counts = [_count(encoding) for encoding in encodings]
    segments, order = _integers(cats.get("feature_segments", [])), _integers(cats.get("sorted_idx", []))
    if not counts:
        _require(not len(segments) and not len(order), "feature_segments")
        return
    _require(np.array_equal(segments, np.append(0, np.cumsum(counts))), "feature_segments")
    _require(len(order) == segments[-1], "sorted_idx")
    for start, count in zip(segments.tolist(), counts):
        _require(np.array_equal(np.sort(order[start : start + count]), np.arange(count)), "sorted_idx")


def _count(encoding: Document) -> int:
    """Give the number of a column's categories: numbers, or strings that lie one after the other."""
    values = _integers(encoding["values"])
    if "offsets" not in encoding:
        return len(values)
    offsets = _integers(encoding["offsets"])
    if not len(offsets):
        _require(not len(values), "offsets")
        return 0
    is_sound = offsets[0] == 0 and offsets[-1] == len(values) and (np.diff(offsets) >= 0).all()
    _require(bool(is_sound), "offsets")
    return len(offsets) - 1


def _check_categories(tree: Document) -> int:
    """Check the categories that go to the right at a node, by node; give the number of bits they take."""
    types = _integers(tree.get("split_type", []))
    at = _integers(tree.get("categories_nodes", []))
    starts, sizes = (_integers(tree.get(f"categories_{name}", [])) for name in ("segments", "sizes"))
    categories = _integers(tree.get("categories", []))
    of_categories = np.flatnonzero(types == 1)
    _require(set(types.tolist()) <= {0, 1}, "split_type")
    _require(len(at) == len(starts) == len(sizes), "categories_nodes")
    _require(np.array_equal(at, of_categories), "categories_nodes")
    ends = starts + sizes
    _require(bool(((starts >= 0) & (sizes >= 0) & (ends <= len(categories))).all()), "categories_segments")
    _require(bool(((categories >= 0) & (categories < CATEGORY_MAX)).all()), "categories")
    return sum(int(categories[start:end].max(initial=0)) + 1 for start, end in zip(starts, ends))


def _integers(values: Json) -> Array:
    """Give an array of whole numbers of 64 bits; raise `ValueError` for anything else."""
    found = np.asarray(values)
    _require(found.ndim == 1 and (found.dtype.kind in "iub" or not found.size), "an array of whole numbers")
    return found.astype(np.int64)


def _require(is_sound: bool, what: str) -> None:  # noqa: FBT001 (what is said of the file)
    if not is_sound:
        message = f"{what} cannot be right"
        raise ValueError(message)
