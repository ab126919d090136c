"""Sums of the leaves that rows reach in trees: in C, and in NumPy for a machine without the C code."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.native.library import (
    CATEGORIES,
    FEATURE,
    GIL_ROWS_MAX,
    MISSING_LEFT,
    NODE,
    SET_WORDS,
    ForestStruct,
    are_positions,
)

if TYPE_CHECKING:
    from service.native.library import Array, Library


@dataclass(frozen=True)
class Trees:
    """Binary trees as arrays; `Node` and `Forest` of native.h describe the layout.

    `nodes` has the dtype `NODE`. By node, `leaf` has the position of a leaf in `values`, which has the shape
    (leaves, width). By set, `sets` has a bit for each category that goes left, in the shape (sets, 4). By
    tree, `roots` has the position of the root, and `columns` the first of the `width` outputs that the leaves
    are added to. `outputs` is the number of all outputs.
    """

    nodes: Array
    leaf: Array
    values: Array
    sets: Array
    roots: Array
    columns: Array
    outputs: int


class Forest:
    """Trees for the C code. Raises `ValueError` for trees that `check_trees` refuses."""

    def __init__(self, trees: Trees, library: Library) -> None:
        self.trees = Trees(
            nodes=np.ascontiguousarray(trees.nodes, NODE),
            leaf=np.ascontiguousarray(trees.leaf, np.int32),
            values=np.ascontiguousarray(trees.values, np.float64),
            sets=np.ascontiguousarray(trees.sets, np.uint64),
            roots=np.ascontiguousarray(trees.roots, np.int32),
            columns=np.ascontiguousarray(trees.columns, np.int32),
            outputs=trees.outputs,
        )
        held = self.trees
        arrays = (held.nodes, held.leaf, held.values, held.sets, held.roots, held.columns)
        self._struct = ForestStruct(
            *(array.ctypes.data for array in arrays),
            len(held.roots),
            held.values.shape[1],
            held.outputs,
            len(held.sets),
        )
        self.address = ctypes.addressof(self._struct)
        check_trees(held)
        self.features_min = 1 + int((held.nodes["feature"] & FEATURE).max(initial=0))
        self._add_with_gil = library.with_gil.add_leaves
        self._add_without_gil = library.without_gil.add_leaves

    def add_to(self, sums: Array, rows: Array) -> None:
        """Add the values of the leaves that `rows` reach to `sums`.

        `sums` is a C-ordered array of float64 of shape (rows, outputs). Raises `ValueError` for other shapes.
        """
        rows = np.ascontiguousarray(rows, np.float64)
        count, features = rows.shape
        if features < self.features_min or sums.shape != (count, self.trees.outputs):
            message = f"the trees take {self.features_min} features, and there are {features}"
            raise ValueError(message)
        add = self._add_with_gil if count <= GIL_ROWS_MAX else self._add_without_gil
        add(self.address, rows.ctypes.data, count, features, sums.ctypes.data)


def check_trees(trees: Trees) -> Trees:
    """Give the trees; raise `ValueError` if a walk from a root could leave the arrays, or never end.

    The walk in C checks no bounds.
    """
    nodes, left = trees.nodes, trees.nodes["left"].astype(np.int64)
    positions = np.arange(len(nodes))
    is_leaf = (left == positions) & (nodes["threshold"] == np.inf) & (nodes["feature"] == MISSING_LEFT)
    # Children come after their parent, so that no walk goes in a circle.
    has_children = (left > positions) & (left + 1 < len(nodes))
    has_set = nodes["feature"] & CATEGORIES != 0
    sets = np.where(has_set, nodes["threshold"], 0)
    width = trees.values.shape[1]
    are_sound = (
        (is_leaf | has_children).all()
        and are_positions(trees.leaf, len(trees.values))
        and are_positions(trees.roots, len(nodes))
        and are_positions(trees.columns, trees.outputs - width + 1)
        and (not has_set.any() or are_positions(sets, len(trees.sets)))
        and len(trees.leaf) == len(nodes)
        and len(trees.columns) == len(trees.roots)
        and trees.sets.shape[1] == SET_WORDS
    )
    if not are_sound:
        raise ValueError("a position in the trees is out of bounds")
    return trees


def add_leaves_in_numpy(trees: Trees, sums: Array, rows: Array) -> None:
    """Do what `Forest.add_to` does, without the C code: all rows go down one level of a tree at a time."""
    lines = np.arange(len(rows))
    width = trees.values.shape[1]
    for root, column in zip(trees.roots.tolist(), trees.columns.tolist()):
        at = np.full(len(rows), root)
        while True:
            node = trees.nodes[at]
            value = rows[lines, node["feature"] & FEATURE]
            goes_left = np.where(
                np.isnan(value), (node["feature"] & MISSING_LEFT) != 0, value <= node["threshold"]
            )
            if len(trees.sets):
                goes_left = np.where(node["feature"] & CATEGORIES, _in_set(trees, node, value), goes_left)
            following = node["left"] + ~goes_left
            if (following == at).all():
                break
            at = following
        sums[:, column : column + width] += trees.values[trees.leaf[at]]


def _in_set(trees: Trees, node: Array, value: Array) -> Array:
    is_category = (value >= 0) & (value <= 255)  # noqa: PLR2004 (a set has 256 bits)
    category = np.where(is_category, value, 0).astype(np.int64)
    position = np.where(node["feature"] & CATEGORIES, node["threshold"], 0).astype(np.int64)
    bit = (trees.sets[position, category >> 6] >> (category & 63).astype(np.uint64)) & np.uint64(1)
    goes_left: Array = np.where(is_category, bit.astype(bool), (node["feature"] & MISSING_LEFT) != 0)
    return goes_left
