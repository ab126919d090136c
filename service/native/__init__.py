"""What Python is too slow for: the nodes of trees, the digits of numbers, and the steps of a single row.

They are compiled for the processors that images are made for. Where there is no library for this one,
`LIBRARY` is None and everything goes its slower way.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass, replace
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
WORKSPACE = 4096
GIVE_UP = -1
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


class _Operation(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "start", "inputs", "to", "outputs")),
        *((name, ctypes.c_void_p) for name in ("first", "second", "columns", "forest")),
        *((name, ctypes.c_double) for name in ("low", "high")),
    )


class _Path(ctypes.Structure):
    _fields_ = (
        ("operations", ctypes.POINTER(_Operation)),
        *((name, ctypes.c_int64) for name in ("count", "features", "start", "scores", "link", "decision")),
    )


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
        functions.read_query.argtypes = (address, ctypes.c_char_p, number, address)
        functions.read_query.restype = number
        functions.answer_row.argtypes = (address, address, address)
        functions.answer_row.restype = number
        functions.answer_body.argtypes = (address, address, ctypes.c_char_p, number, address)
        functions.answer_body.restype = number
        functions.answer_query.argtypes = (address, address, ctypes.c_char_p, number, address, address)
        functions.answer_query.restype = number
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


class RowReader:
    """Reads rows of numbers from a JSON body or a query. Needs `LIBRARY`, and names that `can_read`."""

    def __init__(self, names: Sequence[str], library: Library) -> None:
        encoded = [name.encode() for name in names]
        self._names = b"".join(encoded)
        self._ends = np.cumsum([len(name) for name in encoded], dtype=np.int32)
        self._struct = _Columns(self._names, self._ends.ctypes.data, len(names))
        self.address = ctypes.addressof(self._struct)
        self.width = len(names)
        # What a row takes at the least: each name, quotes, a colon, a digit and a comma; and its braces.
        self._least_row = len(self._names) + 5 * len(names) + 1
        self._hold = library.holding.read_rows
        self._release = library.releasing.read_rows
        self._query = library.holding.read_query

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
        rows = np.empty((most, self.width))
        call = self._hold if len(body) <= FEW_BYTES else self._release
        count = call(self.address, body, len(body), rows.ctypes.data, most)
        return rows[:count] if count > 0 else None

    def read_query(self, query: str) -> Any:  # noqa: ANN401
        """The one row of a query as such an array, or None for the careful reader to look at.

        The names must be such that a URL has them as they are.
        """
        row = np.empty((1, self.width))
        text = query.encode()
        return row if self._query(self.address, text, len(text), row.ctypes.data) == 1 else None


@dataclass(frozen=True)
class Operation:
    """One operation on the numbers of a row, as native.h has it; `kind` is a name of `OPERATIONS`.

    It takes `inputs` numbers from `start` on, and puts `outputs` numbers from `to` on.
    """

    kind: str
    start: int
    inputs: int
    to: int
    outputs: int
    first: Any = None
    second: Any = None
    columns: Any = None
    forest: Forest | None = None
    low: float = 0.0
    high: float = 0.0


# In the order of native.h.
OPERATIONS = ("shift", "stretch", "fill", "clip", "take", "check", "product", "trees")
ROW_LINKS = (
    *("none", "shares", "logistic", "logistic of twice", "softmax", "softmax of both"),
    *("normalized logistic", "exp"),
)
ROW_DECISIONS = ("none", "positive", "not negative", "largest")


@dataclass(frozen=True)
class Scores:
    """Where the scores of a path are, and what becomes of them: names of `ROW_LINKS` and `ROW_DECISIONS`."""

    start: int
    count: int
    link: str
    decision: str


class RowProgram:
    """The way of one row through a model. Needs `LIBRARY`, and raises `ValueError` for what leads nowhere.

    The numbers of an answer are probabilities, or the values of a regressor: `room` has space for them.
    """

    def __init__(
        self, features: int, operations: Sequence[Operation], scores: Scores, library: Library
    ) -> None:
        self.room = ctypes.c_double * max(2, scores.count)
        self.row = ctypes.c_double * features
        self._kept = [_checked(operation) for operation in operations]
        ends = [features, scores.start + scores.count]
        ends += [part for each in operations for part in (each.start + each.inputs, each.to + each.outputs)]
        if not (1 <= features <= MOST_FEATURES and scores.count >= 1 and max(ends) <= WORKSPACE):
            raise ValueError("the path does not fit its workspace")
        array = (_Operation * len(operations))(*(_operation(kept) for kept in self._kept))
        link, decision = ROW_LINKS.index(scores.link), ROW_DECISIONS.index(scores.decision)
        self._struct = _Path(array, len(operations), features, scores.start, scores.count, link, decision)
        self.address = ctypes.addressof(self._struct)
        self._answer = library.holding.answer_row
        self.answer_body = library.holding.answer_body
        self.answer_query = library.holding.answer_query
        self._scores = scores

    @property
    def width(self) -> int:
        """How many numbers an answer has."""
        if self._scores.link in ("logistic", "logistic of twice", "softmax of both"):
            return 2
        return 0 if self._scores.link == "none" and self._scores.decision != "none" else self._scores.count

    def answer(self, row: Sequence[float]) -> tuple[int, list[float]] | None:
        """The position of the class (0 for regressors) and the numbers; None if others must judge."""
        room = self.room()
        position = self._answer(self.address, self.row(*row), room)
        return None if position == GIVE_UP else (position, room[: self.width])


def _checked(operation: Operation) -> Operation:
    """Give the operation with arrays as the compiled code reads them, if these are of the right sizes."""
    given, outputs, inputs = operation, operation.outputs, operation.inputs
    same = given.kind in ("shift", "stretch", "fill", "clip", "check")
    first = _flat(given.first, np.float64, inputs * outputs if given.kind == "product" else outputs)
    second = _flat(given.second, np.float64, outputs)
    columns = _flat(given.columns, np.int64, outputs)
    needed = {
        "stretch": (first, second),
        "fill": (first,),
        "take": (columns,),
        "product": (first, second),
        "trees": (first, given.forest),
    }
    good = (
        given.kind in OPERATIONS
        and min(given.start, given.to) >= 0
        and min(inputs, outputs) >= 1
        and not (same and inputs != outputs)
        and not any(part is None for part in needed.get(given.kind, ()))
        and (columns is None or _within(columns, inputs))
        and outputs <= MOST_FEATURES
        and (
            given.forest is None
            or (given.forest.least_features <= inputs and given.forest.trees.outputs == outputs)
        )
    )
    if not good:
        raise ValueError(f"the operation {given.kind} does not fit its numbers")
    return replace(given, first=first, second=second, columns=columns)


def _flat(numbers: Any, dtype: Any, count: int) -> Any:  # noqa: ANN401
    if numbers is None:
        return None
    flat = np.ascontiguousarray(numbers, dtype).ravel()
    if len(flat) != count:
        raise ValueError(f"{count} numbers are needed, and there are {len(flat)}")
    return flat


def _operation(kept: Operation) -> _Operation:
    first, second, columns = (
        None if array is None else array.ctypes.data for array in (kept.first, kept.second, kept.columns)
    )
    forest = kept.forest.address if kept.forest else None
    places = (OPERATIONS.index(kept.kind), kept.start, kept.inputs, kept.to, kept.outputs)
    return _Operation(*places, first, second, columns, forest, kept.low, kept.high)


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
