"""The two loops that Python is too slow for: through the nodes of trees, and through the digits of numbers.

They are compiled for the processors that images are made for. Where there is no library for this one,
`LIBRARY` is None and everything goes its slower way.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

# As in native.h.
NODE = np.dtype([("threshold", "<f8"), ("left", "<i4"), ("feature", "<u4")])
MISSING_LEFT = 0x80000000
CATEGORIES = 0x40000000
FEATURE = 0x3FFFFFFF
MOST_FEATURES = 1024
SET_WORDS = 4
# Work on so little is over before another thread could have used the time, and longer work lets others run.
FEW_ROWS = 64
FEW_BYTES = 16 * 1024


class _Forest(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("nodes", "leaf", "values", "sets", "roots", "columns")),
        *((name, ctypes.c_int64) for name in ("trees", "width", "outputs", "has_categories")),
    )


class _Columns(ctypes.Structure):
    _fields_ = (("names", ctypes.c_char_p), ("ends", ctypes.c_void_p), ("features", ctypes.c_int64))


@dataclass(frozen=True)
class Library:
    """The same functions twice: holding the interpreter while they work, or letting other threads run."""

    holding: Any
    releasing: Any


def _load() -> Library | None:
    if sys.platform != "linux":
        return None
    file = Path(__file__).with_name(f"{platform.machine()}.so")
    try:
        library = Library(ctypes.PyDLL(str(file)), ctypes.CDLL(str(file)))
    except OSError:
        return None
    address, number = ctypes.c_void_p, ctypes.c_int64
    for functions in (library.holding, library.releasing):
        functions.add_leaves.argtypes = (address, address, number, number, address)
        functions.add_leaves.restype = None
        functions.read_rows.argtypes = (address, ctypes.c_char_p, number, address, number)
        functions.read_rows.restype = number
    return library


LIBRARY = _load()


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
        self._struct = _Forest(
            *(array.ctypes.data for array in arrays),
            len(held.roots),
            held.values.shape[1],
            held.outputs,
            len(held.sets),
        )
        self._address = ctypes.addressof(self._struct)
        checked(held)
        self._least_features = 1 + int((held.nodes["feature"] & FEATURE).max(initial=0))
        self._hold = library.holding.add_leaves
        self._release = library.releasing.add_leaves

    def add_to(self, sums: Any, rows: Any) -> None:  # noqa: ANN401
        """Add to `sums`, of shape (rows, outputs) and C-ordered float64, the leaves that `rows` reach."""
        rows = np.ascontiguousarray(rows, np.float64)
        count, features = rows.shape
        if features < self._least_features or sums.shape != (count, self.trees.outputs):
            message = f"the trees take {self._least_features} features, and there are {features}"
            raise ValueError(message)
        call = self._hold if count <= FEW_ROWS else self._release
        call(self._address, rows.ctypes.data, count, features, sums.ctypes.data)


class RowReader:
    """Reads a JSON body of rows of numbers. Needs `LIBRARY`, and names that `can_read`."""

    def __init__(self, names: Sequence[str], library: Library) -> None:
        encoded = [name.encode() for name in names]
        self._names = b"".join(encoded)
        self._ends = np.cumsum([len(name) for name in encoded], dtype=np.int32)
        self._struct = _Columns(self._names, self._ends.ctypes.data, len(names))
        self._address = ctypes.addressof(self._struct)
        self._width = len(names)
        # What a row takes at the least: each name, quotes, a colon, a digit and a comma; and its braces.
        self._least_row = len(self._names) + 5 * len(names) + 1
        self._hold = library.holding.read_rows
        self._release = library.releasing.read_rows

    @staticmethod
    def can_read(names: Sequence[str]) -> bool:
        """Whether the names stand in JSON as they are, and are not too many."""
        plain = all(name.isprintable() and not set(name) & {'"', "\\"} for name in names)
        return plain and 1 <= len(names) <= MOST_FEATURES

    def read(self, body: bytes) -> Any:  # noqa: ANN401
        """The rows as a float64 array of shape (rows, names), or None for the careful reader to look at."""
        most = len(body) // self._least_row
        if most == 0:
            return None
        rows = np.empty((most, self._width))
        call = self._hold if len(body) <= FEW_BYTES else self._release
        count = call(self._address, body, len(body), rows.ctypes.data, most)
        return rows[:count] if count > 0 else None


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
        and _within(trees.leaf, len(trees.values))
        and _within(trees.roots, len(nodes))
        and _within(trees.columns, trees.outputs - width + 1)
        and (not category.any() or _within(sets, len(trees.sets)))
        and len(trees.leaf) == len(nodes)
        and len(trees.columns) == len(trees.roots)
        and trees.sets.shape[1] == SET_WORDS
    )
    if not good:
        raise ValueError("the trees lead nowhere")
    return trees


def _within(numbers: Any, count: int) -> bool:  # noqa: ANN401
    return bool(((numbers >= 0) & (numbers < count)).all())


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
