"""Fitted trees in the layout of `service.native.forest`, and the sums of their leaves.

The names of the classes and fields of `Sums` and `Votes` are written into compiled models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.errors import NotCompilable
from service.native.forest import Forest, Trees, add_leaves_in_numpy, check_trees
from service.native.library import CATEGORIES, LIBRARY, MISSING_LEFT, NODE

if TYPE_CHECKING:
    from service.compiler.functions import Fitted
    from service.native.library import Array


@dataclass(frozen=True)
class Nodes:
    """One tree in arrays by node: `left` and `right` are the positions of the children, or -1 for a leaf.

    For a node that `is_categorical`, the threshold is the position of its set in `sets`.
    """

    left: Array
    right: Array
    feature: Array
    threshold: Array
    missing_left: Array
    is_categorical: Array | None = None
    sets: Array = field(default_factory=lambda: np.empty((0, 4), np.uint64))


def nodes_of(tree: Fitted) -> Nodes:
    """Give the nodes of a `sklearn.tree._tree.Tree`.

    scikit-learn rounds a row to float32 before it compares a value with a threshold. Here the thresholds are
    moved instead, so that a row of float64 goes to the same child.
    """
    state = tree.__getstate__()["nodes"]
    has_missing = "missing_go_to_left" in (state.dtype.names or ())
    left = state["left_child"]
    return Nodes(
        left=left,
        right=state["right_child"],
        feature=state["feature"],
        threshold=_for_float64(state["threshold"]),
        missing_left=state["missing_go_to_left"] if has_missing else np.zeros(len(left), np.uint8),
    )


@dataclass(frozen=True)
class Sums:
    """The leaves of all trees, added up by row: `(start + leaves) / divisor`, of shape (rows, outputs).

    Raises `ValueError` for trees that are out of bounds, or that do not fit `start`.
    """

    trees: Trees
    start: Array
    divisor: float
    forest: Forest | None = field(init=False, repr=False, compare=False)
    add: Callable[[Array, Array], None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if np.shape(self.start) != (self.trees.outputs,):
            raise ValueError("the trees have another number of outputs than `start`")
        forest = Forest(self.trees, LIBRARY) if LIBRARY else None
        object.__setattr__(self, "forest", forest)
        slowly = partial(add_leaves_in_numpy, self.trees if forest else check_trees(self.trees))
        object.__setattr__(self, "add", forest.add_to if forest else slowly)

    def __call__(self, rows: Array) -> Array:
        sums = np.empty((len(rows), self.trees.outputs))
        sums[:] = self.start
        self.add(sums, rows)
        if self.divisor != 1.0:
            sums /= self.divisor
        return sums


@dataclass(frozen=True)
class Votes:
    """The sums of two classes as one score: the second minus the first, in the expression of AdaBoost."""

    sums: Sums

    def __call__(self, rows: Array) -> Array:
        scores = self.sums(rows)
        scores[:, 0] *= -1
        score: Array = scores.sum(axis=1)
        return score


def _for_float64(thresholds: Array) -> Array:
    """Give the largest float64 that is at most the threshold once it is rounded to float32, by threshold."""
    with np.errstate(over="ignore"):
        below = thresholds.astype(np.float32)
        below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
    # A number halfway between two float32 is rounded to the one whose last bit is 0.
    halfway = np.where(np.isinf(above), np.inf, (below.astype(np.float64) + above.astype(np.float64)) / 2)
    is_odd = (below.view(np.int32) & 1).astype(bool)
    moved: Array = np.where(is_odd, np.nextafter(halfway, -np.inf), halfway)
    return moved


class ForestBuilder:
    """Collects trees, and makes the sums of their leaves. Each leaf has `width` numbers of the `outputs`."""

    def __init__(self, outputs: int, width: int) -> None:
        if LIBRARY is None:
            raise NotCompilable("the C code for trees was not compiled for the processor of this machine")
        self.outputs = outputs
        self.width = width
        self.nodes: list[Array] = []
        self.leaves: list[Array] = []
        self.values: list[Array] = []
        self.sets: list[Array] = []
        self.roots: list[int] = []
        self.columns: list[int] = []
        self.node_count = 0
        self.leaf_count = 0
        self.set_count = 0

    def add(self, tree: Nodes, values: Array, *, column: int = 0, features: Array | None = None) -> None:
        """Add a tree; `values` are the numbers of its nodes, of shape (nodes, width).

        `column` is the first of the outputs that the leaves are added to. `features` are the positions of the
        columns that the tree was fitted on; None stands for all columns.
        """
        count = len(tree.left)
        inner = np.flatnonzero(tree.left >= 0)
        leaves = np.flatnonzero(tree.left < 0)
        # The root comes first, then the two children of each inner node, in the order of the inner nodes.
        place = np.zeros(count, np.int64)
        place[tree.left[inner]] = 1 + 2 * np.arange(len(inner))
        place[tree.right[inner]] = 2 + 2 * np.arange(len(inner))
        nodes = np.zeros(count, NODE)
        nodes["left"][place[inner]] = self.node_count + place[tree.left[inner]]
        nodes["threshold"][place[inner]] = tree.threshold[inner]
        feature = tree.feature[inner].astype(np.int64)
        if features is not None:
            feature = np.asarray(features)[feature]
        flags = np.where(tree.missing_left[inner].astype(bool), MISSING_LEFT, 0)
        if tree.is_categorical is not None:
            is_categorical = tree.is_categorical[inner].astype(bool)
            flags |= np.where(is_categorical, CATEGORIES, 0)
            nodes["threshold"][place[inner[is_categorical]]] += self.set_count
        nodes["feature"][place[inner]] = feature | flags
        # A leaf is its own left child, and its threshold is infinite: every row stays there.
        nodes["left"][place[leaves]] = self.node_count + place[leaves]
        nodes["threshold"][place[leaves]] = np.inf
        nodes["feature"][place[leaves]] = MISSING_LEFT
        leaf = np.zeros(count, np.int32)
        leaf[place[leaves]] = self.leaf_count + np.arange(len(leaves))
        self.nodes.append(nodes)
        self.leaves.append(leaf)
        self.values.append(np.asarray(values, np.float64)[leaves])
        self.sets.append(tree.sets)
        self.roots.append(self.node_count)
        self.columns.append(column)
        self.node_count += count
        self.leaf_count += len(leaves)
        self.set_count += len(tree.sets)

    def sums(self, *, start: Array | None = None, divisor: float = 1.0) -> Sums:
        """Give the sums of all added trees, in the order in which they were added."""
        if self.node_count > np.iinfo(np.int32).max:
            raise NotCompilable("its trees have more nodes than 32 bits can count")
        trees = Trees(
            nodes=np.concatenate(self.nodes),
            leaf=np.concatenate(self.leaves),
            values=np.concatenate(self.values).reshape(-1, self.width),
            sets=np.concatenate(self.sets),
            roots=np.array(self.roots),
            columns=np.array(self.columns),
            outputs=self.outputs,
        )
        return Sums(trees, np.zeros(self.outputs) if start is None else start, float(divisor))
