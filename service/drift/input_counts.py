"""Counts the values of rows that were answered, by feature and bin."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from random import random
from typing import TYPE_CHECKING, Any

import numpy as np

from service.drift.bins import bins_of
from service.drift.shared_counts import SharedCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from service.drift.bins import FeatureBins
    from service.schema.features import Feature, Rows, Value
    from service.schema.usual import UsualValues

    Numbers = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.int64]

# A worker looks at each of its first rows, so that a few requests show something, and then at one of so many,
# which it chooses at random: looking at a row takes about as long as the program of a small model.
FIRST_ROWS = 1000
ONE_OF = 64
# Fewer rows are counted one by one in less time than the calls of NumPy take.
_FEW_ROWS = 4
# So many rows are counted at a time, which bounds the memory for it.
_ROWS_AT_ONCE = 1024


class InputCounts(SharedCounts):
    """The first count is of rows; those of the bins of each feature stand behind it, from its start on."""

    def __init__(self, features: Sequence[Feature], usual: UsualValues) -> None:
        self.features = bins_of(features, usual)
        self.starts = [*accumulate((len(one.bins) for one in self.features), initial=1)]
        self._each = [(one, start) for one, start in zip(self.features, self.starts)]
        self._others = [(one, start) for one, start in self._each if one.places is not None]
        numbers = [(one, start) for one, start in self._each if one.places is None]
        self._positions = [one.position for one, _ in numbers]
        self._first: Indices = np.array([start for _, start in numbers], dtype=np.int64)
        ends = [start + len(one.bins) for one, start in numbers]
        self._missing: Indices = np.array(ends, dtype=np.int64) - 1
        depth = max((len(one.thresholds) for one, _ in numbers), default=0)
        # No number is greater than infinity, so what fills up the shorter rows adds nothing.
        self._thresholds: Numbers = np.full((len(numbers), depth), np.inf)
        for filled, (one, _) in zip(self._thresholds, numbers):
            filled[: len(one.thresholds)] = one.thresholds
        self._full = FIRST_ROWS
        super().__init__(self.starts[-1])

    def is_due(self) -> bool:
        """Tell whether the row of a request with one row is one to look at."""
        if self._full > 0:
            self._full -= 1
            return True
        return random() * ONE_OF < 1  # noqa: S311 (nothing secret)

    def saw(self, rows: Rows) -> None:
        """Count the values of some of these rows: each row has the same chance to be looked at."""
        count = len(rows)
        if self._full > 0:
            self._full -= count
            self.count(rows)
            return
        start = int(random() * ONE_OF)  # noqa: S311 (nothing secret)
        if start < count:
            self.count(rows[start::ONE_OF])

    def count(self, rows: Rows) -> None:
        """Count the values of all these rows."""
        if isinstance(rows, list) or len(rows) <= _FEW_ROWS:
            for row in rows:
                self._count_row(row if isinstance(row, list) else row.tolist())
            return
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[start : start + _ROWS_AT_ONCE]
            found = np.bincount(self._places_of(part), minlength=self.starts[-1]).astype(np.uint64)
            found[0] = len(part)
            with self._lock:
                self._region += found

    def _count_row(self, row: Sequence[Value]) -> None:
        places = [0]
        for one, start in self._each:
            places.append(start + _place(row[one.position], one))
        with self._lock:
            for place in places:
                self._view[place] += 1

    def _places_of(self, rows: Numbers) -> Indices:
        """Give the places of all values in a region."""
        numbers = rows[:, self._positions]
        places = (numbers[:, :, None] > self._thresholds).sum(axis=2) + self._first
        places = np.where(np.isnan(numbers), self._missing, places).ravel()
        found = [
            start + _place(value, one)
            for one, start in self._others
            for value in rows[:, one.position].tolist()
        ]
        return np.concatenate([places, np.array(found, dtype=np.int64)])


def _place(value: Any, one: FeatureBins) -> int:  # noqa: ANN401 (a value of the feature's type)
    """Give the bin of a value of a feature."""
    if value is None or value != value:  # noqa: PLR0124 (NaN)
        return len(one.bins) - 1
    if one.places is not None:
        return one.places.get(value, len(one.bins) - 2)
    # As many thresholds stand before a number as it is greater than.
    return bisect_left(one.thresholds, value) if one.thresholds else 0
