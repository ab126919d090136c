"""Trees, and the sums of their leaves."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from service.native.library import (
    CATEGORIES,
    FEATURE,
    FEW_ROWS,
    MISSING_LEFT,
    NODE,
    SET_WORDS,
    ForestStruct,
    within,
)

if TYPE_CHECKING:
    from service.native.library import Library


@dataclass(frozen=True)
class Trees:
    """Trees as arrays. Siblings stand side by side: only where the left one is, is said.

    `nodes`: of type `NODE`; `leaf`: for each node that is a leaf, its position in `values`, which has shape
    (leaves, width); `sets`: the categories that go left, as bits, of shape (sets, 4); `roots` and `columns`,
    by tree: where it begins, and the first of the `width` outputs that its leaves are added to.
    """

    nodes: Any
    leaf: Any
    values: Any
    sets: Any
    roots: Any
    columns: Any
    outputs: int


class Forest:
    """Trees that are ready to be walked through. Needs `LIBRARY`."""

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
        checked(held)
        self.least_features = 1 + int((held.nodes["feature"] & FEATURE).max(initial=0))
        self._hold = library.holding.add_leaves
        self._release = library.releasing.add_leaves

    def add_to(self, sums: Any, rows: Any) -> None:  # noqa: ANN401
        """Add to `sums`, of shape (rows, outputs) and C-ordered float64, the leaves that `rows` reach."""
        rows = np.ascontiguousarray(rows, np.float64)
        count, features = rows.shape
        if features < self.least_features or sums.shape != (count, self.trees.outputs):
            message = f"the trees take {self.least_features} features, and there are {features}"
            raise ValueError(message)
        call = self._hold if count <= FEW_ROWS else self._release
        call(self.address, rows.ctypes.data, count, features, sums.ctypes.data)


def checked(trees: Trees) -> Trees:
    """Give the trees; raise `ValueError` unless every way through them goes forward, and ends at a leaf.

    The walk itself looks at no bounds.
    """
    nodes, left = trees.nodes, trees.nodes["left"].astype(np.int64)
    here = np.arange(len(nodes))
    stays = (left == here) & (nodes["threshold"] == np.inf) & (nodes["feature"] == MISSING_LEFT)
    goes_on = (left > here) & (left + 1 < len(nodes))
    category = nodes["feature"] & CATEGORIES != 0
    sets = np.where(category, nodes["threshold"], 0)
    width = trees.values.shape[1]
    good = (
        (stays | goes_on).all()
        and within(trees.leaf, len(trees.values))
        and within(trees.roots, len(nodes))
        and within(trees.columns, trees.outputs - width + 1)
        and (not category.any() or within(sets, len(trees.sets)))
        and len(trees.leaf) == len(nodes)
        and len(trees.columns) == len(trees.roots)
        and trees.sets.shape[1] == SET_WORDS
    )
    if not good:
        raise ValueError("the trees lead nowhere")
    return trees


def walk_slowly(trees: Trees, sums: Any, rows: Any) -> None:  # noqa: ANN401
    """Do what `Forest.add_to` does where there is no `LIBRARY`: a level of all rows at a time."""
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


def _in_set(trees: Trees, node: Any, value: Any) -> Any:  # noqa: ANN401
    is_category = (value >= 0) & (value <= 255)  # noqa: PLR2004 (as many as a set has bits)
    category = np.where(is_category, value, 0).astype(np.int64)
    position = np.where(node["feature"] & CATEGORIES, node["threshold"], 0).astype(np.int64)
    bit = (trees.sets[position, category >> 6] >> (category & 63).astype(np.uint64)) & np.uint64(1)
    return np.where(is_category, bit.astype(bool), (node["feature"] & MISSING_LEFT) != 0)
