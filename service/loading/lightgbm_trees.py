"""Whether a tree of a LightGBM file is sound: every walk through it ends at a leaf of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.loading.boosters import Array

# The bit of `decision_type` that says that a node looks for a category, by `include/LightGBM/tree.h`.
IS_CATEGORICAL = 1
# A set of categories is made of words of 32 bits; a category is below 2^31.
SET_WORDS_MAX = 2**26
LEAVES_MAX = 2**24
# What is told of leaves and of nodes, apart from what predictions need.
OF_LEAVES = ("leaf_weight", "leaf_count")
OF_NODES = ("split_gain", "internal_value", "internal_weight", "internal_count")
# What numbers are written with. LightGBM would read others, such as tabs and `1_0`, otherwise than Python.
OF_INTEGERS, OF_NUMBERS = frozenset("0123456789- "), frozenset("0123456789-+.eEinfaN ")


def check_tree(tree: Mapping[str, str], features: int) -> None:
    """Raise `ValueError` (or `KeyError`) if a tree is not sound; `features` is the number of columns."""
    leaves, sets = _whole(tree, "num_leaves"), _whole(tree, "num_cat")
    _require(0 < leaves <= LEAVES_MAX and 0 <= sets <= LEAVES_MAX, "num_leaves")
    _require(len(_numbers(tree, "leaf_value")) == leaves, "leaf_value")
    _require("shrinkage" not in tree or len(_numbers(tree, "shrinkage")) == 1, "shrinkage")
    for names, count in ((OF_LEAVES, leaves), (OF_NODES, leaves - 1)):
        for name in names:
            _require(not tree.get(name) or len(_numbers(tree, name)) == count, name)
    if leaves > 1:
        _check_nodes(tree, leaves, features)
        _check_categories(tree, sets)
    if _whole(tree, "is_linear"):
        _check_linear(tree, leaves, features)


def _check_nodes(tree: Mapping[str, str], leaves: int, features: int) -> None:
    nodes = leaves - 1
    left, right, split = (_integers(tree, name) for name in ("left_child", "right_child", "split_feature"))
    _require(len(left) == len(right) == len(split) == nodes, "the number of nodes")
    _require(len(_numbers(tree, "threshold")) == len(_integers(tree, "decision_type")) == nodes, "threshold")
    _require(bool(((split >= 0) & (split < features)).all()), "split_feature")
    children = np.concatenate([left, right])
    inner, outer = children[children >= 0], ~children[children < 0]
    # Each node but the root, and each leaf, is the child of one node: so no walk goes in a circle.
    is_tree = np.array_equal(np.sort(inner), np.arange(1, nodes)) and np.array_equal(
        np.sort(outer), np.arange(leaves)
    )
    _require(is_tree, "the children of its nodes")


def _check_categories(tree: Mapping[str, str], sets: int) -> None:
    """Check the sets of categories that go to the left, each a range of words of 32 bits."""
    at = _numbers(tree, "threshold")[(_integers(tree, "decision_type") & IS_CATEGORICAL).astype(bool)]
    if not sets:
        _require(not len(at), "num_cat")
        return
    bounds, words = _integers(tree, "cat_boundaries"), _integers(tree, "cat_threshold")
    is_sound = len(bounds) == sets + 1 and bounds[0] == 0 and (np.diff(bounds) >= 0).all()
    _require(bool(is_sound) and bounds[-1] == len(words) <= SET_WORDS_MAX, "cat_boundaries")
    _require(bool(((at >= 0) & (at < sets) & (at == np.floor(at))).all()), "the sets of categories")


def _check_linear(tree: Mapping[str, str], leaves: int, features: int) -> None:
    """Check the linear models in the leaves: their columns and factors, one leaf after the other."""
    counts, columns = _integers(tree, "num_features"), _integers(tree, "leaf_features")
    _require(len(counts) == len(_numbers(tree, "leaf_const")) == leaves, "leaf_const")
    _require(bool((counts >= 0).all()) and counts.sum() == len(columns), "num_features")
    _require(len(_numbers(tree, "leaf_coeff")) == len(columns), "leaf_coeff")
    _require(bool(((columns >= 0) & (columns < features)).all()), "leaf_features")


def _whole(tree: Mapping[str, str], name: str) -> int:
    """Give a whole number; 0 if there is none."""
    text = tree.get(name) or "0"
    _require(OF_INTEGERS.issuperset(text), name)
    return int(text)


def _integers(tree: Mapping[str, str], name: str) -> Array:
    _require(OF_INTEGERS.issuperset(tree[name]), name)
    return np.array(tree[name].split(), dtype=np.int64)


def _numbers(tree: Mapping[str, str], name: str) -> Array:
    _require(OF_NUMBERS.issuperset(tree[name]), name)
    return np.array(tree[name].split(), dtype=np.float64)


def _require(is_sound: bool, what: str) -> None:  # noqa: FBT001 (what is said of the file)
    if not is_sound:
        message = f"{what} cannot be right"
        raise ValueError(message)
