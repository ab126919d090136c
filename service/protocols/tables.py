"""Rows of the model from the tables of other wire formats: lists, objects, columns and matrices.

All end in the checks that the service's own format has. A matrix of numbers alone is checked as a whole.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import InvalidInput
from service.protocols.number_tables import NumberTables
from service.protocols.one_row import are_plain_floats
from service.protocols.payload import decode, decode_numbers, parse_rows
from service.protocols.row_checks import RowChecks, RowRules, json_type_of, shortened
from service.schema.features import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.prediction.predictor import Predictor
    from service.protocols.number_tables import Places
    from service.schema.features import Rows

    Array = np.ndarray[Any, np.dtype[Any]]

TABLE_DIMENSIONS = 2
# More names than this would make an error that nobody reads.
MOST_NAMES = 20


class TableReader:
    """Reads tables for one model. All methods raise `InvalidInput`, which names what is wrong.

    A missing value is None or NaN.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.rules = RowRules(predictor.features, predictor.limit)
        self.names = self.rules.names
        self._sorted = sorted(self.names)
        self._takes_numbers = predictor.takes_numbers
        # Only such a model takes each number as it is.
        self.tables = NumberTables(self.names) if self._takes_numbers else None
        self._nullable = np.array([feature.nullable for feature in predictor.features], dtype=bool)

    def expected(self) -> str:
        """Name the columns of the model, for an error."""
        more = len(self.names) - MOST_NAMES
        return ", ".join(self.names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")

    def decode(self, body: bytes, places: Places) -> object:
        """Read a body as JSON; an object in it remembers its repeated names.

        In the `places`, there may be an array of float64 instead of a list.
        """
        parse = partial(decode, rules=self.rules)
        document = self.tables.decode(body, places, parse) if self.tables else None
        if document is None and self._takes_numbers:
            document = decode_numbers(body, self.rules)
        return parse(body) if document is None else document

    def of_rows(self, rows: Sequence[object] | Array, checks: RowChecks) -> Rows:
        """Read rows that are all objects or all lists, as the first one is; there may be none."""
        if isinstance(rows, np.ndarray):
            return self.of_lists(rows, checks)
        if not rows:
            return []
        return (self.of_objects if isinstance(rows[0], dict) else self.of_lists)(rows, checks)

    def of_objects(self, rows: Sequence[object], checks: RowChecks) -> Rows:
        """Read objects with the features by name."""
        found = parse_rows(rows, checks)
        return np.array(found, dtype=np.float64) if self._takes_numbers else found

    def of_lists(
        self, rows: Sequence[object] | Array, checks: RowChecks, columns: Sequence[str] = ()
    ) -> Rows:
        """Read lists of values in the order of the features, or of the `columns` that are named.

        In an array, all numbers must be finite and no larger than `LARGEST_NUMBER`.
        """
        names = [*columns] or self.names
        self.rules.limit.check(len(rows))
        if isinstance(rows, np.ndarray):
            if rows.shape[1] == len(names) and sorted(names) == self._sorted:
                is_same = names == self.names
                return rows if is_same else rows[:, [names.index(name) for name in self.names]]
            return self.of_lists(rows.tolist(), checks, columns)
        if len(set(names)) < len(names):
            twice = next(name for name, times in Counter(names).items() if times > 1)
            raise InvalidInput(f"there are several columns called {shortened(twice)}")
        if self._takes_numbers and (not columns or names == self.names):
            if len(rows) == 1 and are_plain_floats(rows[0], len(names)):
                return np.array(rows, dtype=np.float64)
            matrix = _as_numbers(rows)
            if matrix is not None:
                return self.of_matrix(matrix, checks)
        by_name = []
        for at, row in enumerate(rows):
            if not isinstance(row, (list, tuple)):
                raise InvalidInput(f"row {at} must be a list of values; it is {json_type_of(row)}")
            if len(row) != len(names):
                found, needed = _count(len(row), "value"), _count(len(names), "column")
                listed = ", ".join(names[:MOST_NAMES]) if columns else self.expected()
                raise InvalidInput(f"row {at} has {found}, and there are {needed}: {listed}")
            by_name.append(dict(zip(names, map(_without_nan, row))))
        return self.of_objects(by_name, checks)

    def of_matrix(self, matrix: Array, checks: RowChecks) -> Rows:
        """Read an array of shape (rows, features)."""
        count = len(self.names)
        if matrix.ndim != TABLE_DIMENSIONS or matrix.shape[1] != count:
            shape = "x".join(map(str, matrix.shape))
            raise InvalidInput(
                f"the rows are {shape}, and the model takes {_count(count, 'column')}: {self.expected()}"
            )
        if self._takes_numbers and matrix.dtype.kind in "fiub":
            # The bytes of an array begin anywhere in a body, and compiled code may need aligned numbers.
            numbers: Array = np.require(matrix, np.float64, ("C", "A"))
            if len(numbers) == 1 and are_plain_floats(numbers[0].tolist(), count):
                return numbers
            is_right = np.abs(numbers) <= LARGEST_NUMBER
            # NaN is no larger and no smaller; nearly every matrix has none.
            if is_right.all() or (is_right | (np.isnan(numbers) & self._nullable)).all():
                return numbers
        return self.of_lists(_Listed(matrix.tolist()), checks)

    def of_columns(self, columns: Mapping[str, Sequence[object] | Array], checks: RowChecks) -> Rows:
        """Read columns of one length by their names."""
        sizes = {len(values) for values in columns.values()}
        if len(sizes) > 1:
            lengths = ", ".join(f"{name}: {len(values)}" for name, values in [*columns.items()][:MOST_NAMES])
            raise InvalidInput(f"the columns have different lengths: {lengths}")
        self.rules.limit.check(max(sizes))
        arrays = [columns.get(name) for name in self.names]
        if self._takes_numbers and len(columns) == len(arrays) and all(map(_is_numbers, arrays)):
            return self.of_matrix(np.column_stack([np.asarray(one, np.float64) for one in arrays]), checks)
        lists = [one.tolist() if isinstance(one, np.ndarray) else one for one in columns.values()]
        rows = [dict(zip(columns, map(_without_nan, values))) for values in zip(*lists)]
        return self.of_objects(rows, checks)


class _Listed(list[object]):
    """Rows that were an array before: they are not tried as an array again."""


def _as_numbers(rows: Sequence[object]) -> Array | None:
    """Make an array of lists of numbers; None if they hold anything else."""
    if isinstance(rows, _Listed) or not {list, tuple}.issuperset(map(type, rows)):
        return None
    # Of texts, NumPy would make an array whose elements all take as much memory as the longest one.
    if not {bool, float, int}.issuperset(map(type, chain.from_iterable(rows))):  # type: ignore[arg-type]
        return None
    # Of rows of different lengths, NumPy warns before version 1.24, and raises an error since.
    if len(set(map(len, rows))) > 1:  # type: ignore[arg-type]  # all of them are lists
        return None
    matrix: Array = np.array(rows)
    return matrix if matrix.ndim == TABLE_DIMENSIONS and matrix.dtype.kind in "fiub" else None


def _is_numbers(column: object) -> bool:
    return isinstance(column, np.ndarray) and column.dtype.kind in "fiub"


def _without_nan(value: object) -> object:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 (NaN alone differs from itself)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
