"""How arrays are looked at as their bytes pass.

An array may be larger than the memory, so each piece of it is looked at once, in the order of the file, and
forgotten. What is kept meanwhile is one byte for each node of a tree, or for each row in an order of rows.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from operator import le
from struct import Struct
from typing import TYPE_CHECKING, Protocol

from infer_cli.inspection.nodes.notes import (
    ChildrenNotes,
    HalvesNotes,
    IntegerNotes,
    PredictorNotes,
    TreeNotes,
)

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.notes import Layout, Notes

NO_CHILD = -1
TREE_FIELDS = ("left_child", "right_child", "feature")
PREDICTOR_FIELDS = ("feature_idx", "left", "right", "is_leaf", "is_categorical", "bitset_idx")
HALVES_FIELDS = ("idx_start", "idx_end", "is_leaf")
# The features of a tree that ask for categories; scikit-learn itself takes no more than 2**16 features there.
CATEGORICAL_MAX = 2**16
# The depth of each node is one byte: what is deeper is as deep as this.
DEPTH_MAX = 255
BELOW = bytes(min(depth + 1, DEPTH_MAX) for depth in range(256))


class Noter(Protocol):
    """Takes the elements of an array, piece by piece, and says at the end what there is to say of them."""

    def take(self, elements: memoryview) -> None:
        """Look at whole elements."""

    def notes(self) -> Notes:
        """Give what was noted."""


class Pieces:
    """Takes the bytes of an array in pieces of any length, and gives whole elements to a noter."""

    def __init__(self, noter: Noter, itemsize: int) -> None:
        self._noter = noter
        self._itemsize = itemsize
        self._rest = b""

    def take(self, data: bytes | memoryview) -> None:
        """Look at the next bytes."""
        whole = memoryview(self._rest + data if self._rest else data)
        end = len(whole) - len(whole) % self._itemsize
        if end:
            self._noter.take(whole[:end])
        self._rest = bytes(whole[end:])

    def notes(self) -> Notes:
        """Give what was noted."""
        return self._noter.notes()


def noter_for(layout: Layout | None, length: int) -> Pieces | None:
    """Give what notes of so many bytes; None if there is nothing that any check would ask."""
    if layout is None or not length or length % layout.itemsize:
        return None
    count = length // layout.itemsize
    if layout.fields[:1] and layout.fields[0][0] == "":
        return Pieces(_Integers(layout, count), layout.itemsize)
    kinds: tuple[tuple[type[_Tree | _Predictor | _Halves], str | None], ...] = (
        (_Tree, layout.pattern(*TREE_FIELDS, unsigned="feature")),
        (_Predictor, layout.pattern(*PREDICTOR_FIELDS)),
        (_Halves, layout.pattern(*HALVES_FIELDS)),
    )
    for kind, pattern in kinds:
        if pattern is not None:
            return Pieces(kind(layout, count, Struct(pattern)), layout.itemsize)
    return None


class _Integers:
    """Notes whole numbers. Most are no order of rows, so that the marks of one are soon given up."""

    def __init__(self, layout: Layout, count: int) -> None:
        self._layout, self._count = layout, count
        self._letter = layout.fields[0][2]
        self._low: int | None = None
        self._high = self._first = self._last = self._taken = 0
        self._rises = True
        self._marks: bytearray | None = bytearray(count) if layout.itemsize == 8 else None  # noqa: PLR2004
        self._next_look = 0

    def take(self, elements: memoryview) -> None:
        values = array(self._letter)
        values.frombytes(elements)
        if self._layout.is_swapped:
            values.byteswap()
        low, high = self._bounds_of(values)
        if self._low is None:
            self._first = self._last = values[0]
            self._low, self._high = low, high
        self._low, self._high = min(self._low, low), max(self._high, high)
        if self._rises:
            self._rises = self._last <= values[0] and all(map(le, values, memoryview(values)[1:]))
        self._last = values[-1]
        self._taken += len(values)
        if self._marks is not None:
            self._mark(values, self._marks)

    def _bounds_of(self, values: array[int]) -> tuple[int, int]:
        # As numbers without a sign, those below 0 are the largest: one look tells that there are none.
        high = max(array(self._letter.upper(), values.tobytes()))
        is_positive = self._letter.isupper() or high < 1 << (8 * values.itemsize - 1)
        return (0 if is_positive else min(values)), (high if is_positive else max(values))

    def _mark(self, values: array[int], marks: bytearray) -> None:
        if self._low != 0 or self._high >= self._count:
            self._marks = None
            return
        for value in values:
            marks[value] = 1
        # Each look takes as long as all marks, so that there are only a few.
        if self._taken >= self._next_look:
            self._next_look = 2 * self._taken
            if marks.count(1) != self._taken:
                self._marks = None

    def notes(self) -> IntegerNotes:
        is_order = self._marks is not None and self._marks.count(1) == self._count
        return IntegerNotes(
            self._layout,
            self._count,
            self._low or 0,
            self._high,
            self._first,
            self._last,
            self._rises,
            is_order,
        )


class _Children:
    """The nodes of a tree that have been found as a child, each with its depth and one more."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.depths = bytearray(count)
        self.depths[0] = 1
        self.inner = 0
        self._wrong: dict[int, tuple[int, int]] = {}

    def note_wrong(self, node: int, *children: int) -> None:
        """Note the first node whose left child does not come after it, and the first of the right ones."""
        for side, child in enumerate(children):
            if not node < child < self.count:
                self._wrong.setdefault(side, (node, child))

    def notes(self) -> ChildrenNotes:
        """Say whether each node but the root is the child of one node."""
        wrong = self._wrong.get(0) or self._wrong.get(1)
        # Twice as many children as inner nodes, and each node but the root found: none is found twice.
        is_whole = 2 * self.inner == self.count - 1 and not self.depths.count(0)
        return ChildrenNotes(self.count, wrong, is_whole, max(self.depths) - 1)


class _Tree:
    """Notes the nodes of scikit-learn's `Tree`."""

    def __init__(self, layout: Layout, count: int, pattern: Struct) -> None:
        self._layout = layout
        self._unpack = pattern.iter_unpack
        self._children = _Children(count)
        self._node = 0
        self._has_lone_child = False
        self._worst = (-1, -1)
        # The feature is read as a number without a sign.
        self._sign = 1 << (8 * (8 if "Q" in pattern.format else 4) - 1)

    def take(self, elements: memoryview) -> None:
        # Most bytes of most models pass here: the loop uses nothing but local names.
        children, node, below = self._children, self._node, BELOW
        depths, count, inner = children.depths, children.count, children.inner
        worst_node, worst = self._worst
        for left, right, feature in self._unpack(elements):
            if left != NO_CHILD:
                inner += 1
                if node < left < count and node < right < count:
                    depths[left] = depths[right] = below[depths[node]]
                else:
                    children.note_wrong(node, left, right)
                if feature > worst:
                    worst_node, worst = node, feature
            elif right != NO_CHILD:
                self._has_lone_child = True
            node += 1
        children.inner, self._node, self._worst = inner, node, (worst_node, worst)

    def notes(self) -> TreeNotes:
        node, worst = self._worst
        signed = worst - 2 * self._sign if worst >= self._sign else worst
        return TreeNotes(
            self._layout,
            self._children.notes(),
            self._has_lone_child,
            (node, signed) if node >= 0 else None,
        )


class _Predictor:
    """Notes the nodes of scikit-learn's `TreePredictor`."""

    def __init__(self, layout: Layout, count: int, pattern: Struct) -> None:
        self._layout = layout
        self._unpack = pattern.iter_unpack
        self._children = _Children(count)
        self._node = 0
        self._lowest, self._highest, self._highest_set = 0, -1, -1
        self._with_sets: set[int] = set()

    def take(self, elements: memoryview) -> None:
        children, node = self._children, self._node
        depths, count = children.depths, children.count
        for feature, left, right, is_leaf, is_categorical, at in self._unpack(elements):
            if not is_leaf:
                children.inner += 1
                if node < left < count and node < right < count:
                    depths[left] = depths[right] = BELOW[depths[node]]
                else:
                    children.note_wrong(node, left, right)
                if feature > self._highest:
                    self._highest = feature
                elif feature < self._lowest:
                    self._lowest = feature
                if is_categorical:
                    self._highest_set = max(self._highest_set, at)
                    if len(self._with_sets) < CATEGORICAL_MAX:
                        self._with_sets.add(feature)
            node += 1
        self._node = node

    def notes(self) -> PredictorNotes:
        return PredictorNotes(
            self._layout,
            self._children.notes(),
            self._lowest,
            self._highest,
            frozenset(self._with_sets),
            self._highest_set,
        )


class _Halves:
    """Notes the nodes of scikit-learn's `BinaryTree`, level by level: each halves the rows of one."""

    def __init__(self, layout: Layout, count: int, pattern: Struct) -> None:
        self._layout, self._count = layout, count
        self._unpack = pattern.iter_unpack
        self._node = 0
        # Where the rows of the nodes of a level start and end, and which nodes are there: none below leaves.
        self._bounds = array("q", (0, 0))
        self._is_there, self._is_inner = bytearray(b"\1"), bytearray()
        self._is_halved = self._ends_in_leaves = True

    def take(self, elements: memoryview) -> None:
        for start, end, is_leaf in self._unpack(elements):
            at = len(self._is_inner)
            if not self._node:
                self._bounds[1] = max(0, min(end, 1 << 62))
            is_there = self._is_there[at]
            if is_there and (start != self._bounds[at] or end != self._bounds[at + 1]):
                self._is_halved = False
            is_inner = bool(is_there) and not is_leaf
            if is_inner and 2 * self._node + 2 >= self._count:
                self._ends_in_leaves = False
            self._is_inner.append(is_inner)
            self._node += 1
            if len(self._is_inner) == len(self._is_there):
                self._descend()

    def _descend(self) -> None:
        bounds = array("q", (0,))
        for start, end in pairwise(self._bounds):
            bounds.append(start + (end - start) // 2)
            bounds.append(end)
        self._is_there = bytearray(one for one in self._is_inner for _ in range(2))
        self._bounds, self._is_inner = bounds, bytearray()

    def notes(self) -> HalvesNotes:
        rows = self._bounds[-1]
        return HalvesNotes(self._layout, self._count, rows, self._is_halved, self._ends_in_leaves)
