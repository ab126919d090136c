"""Counts requests and predictions in memory that all workers share.

Each worker writes to a region of its own; the worker that is asked for the numbers adds up all regions. In a
region each admission slot has a row: one request holds a slot, so the fast path counts a prediction without a
lock, and no count is lost. All other requests share one more row, with a lock.

A reader sees each number as it was before or after a write, never half of it: a number is 8 bytes at an
address that 8 divides, which processors read and write as a whole.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np

from service.admission import MOST_PREDICTIONS_AT_ONCE
from service.telemetry.shared_file import SharedFile
from service.telemetry.vitals import Vitals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.admission import Admission

# The upper ends of the histogram's buckets, in seconds: from a small compiled model to a client's timeout.
BUCKETS_S = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_BUCKETS_NS = tuple(round(end * 1e9) for end in BUCKETS_S)
# The upper ends of the buckets for the rows of a request that was answered.
BUCKETS_ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
# A region has room for 64 routes; the application has fewer. Any further path is counted as OTHER.
MOST_ROUTES = 64
OTHER = "other"
# A row holds the buckets, one more bucket for longer durations, the sum of durations, the rows predicted, the
# buckets of rows with one more for larger requests, and the answers of the fast path by route, which all have
# the status 200.
_DURATION_NS = len(BUCKETS_S) + 1
_PREDICTED = _DURATION_NS + 1
_SIZES = _PREDICTED + 1
_ANSWERED = _SIZES + len(BUCKETS_ROWS) + 1
_ROW_LENGTH = _ANSWERED + MOST_ROUTES + 1

# Why requests for predictions are refused: problems of fields, codes of errors; others count as the first.
REASONS = (
    *("invalid_input", "missing", "unknown", "repeated", "not_an_object", "not_a_number", "not_finite"),
    *("too_large", "not_an_integer", "not_a_text", "not_a_boolean", "not_a_date", "not_a_value", "ambiguous"),
    *("unknown_category", "refused_by_model", "invalid_json", "not_computable", "unsupported_media_type"),
    *("body_too_large", "busy", "incomplete_body", "body_too_slow", "length_required", "too_many_rows"),
    *("unauthorized", "forbidden", "misdirected_request", "deadline_exceeded"),
)
_STATUSES = tuple(int(status) for status in HTTPStatus)

_REGION = np.dtype([
    ("pid", np.uint64),
    ("taken", np.uint8, MOST_PREDICTIONS_AT_ONCE),
    ("rows", np.uint64, (MOST_PREDICTIONS_AT_ONCE + 1, _ROW_LENGTH)),
    ("answers", np.uint64, (MOST_ROUTES + 1, len(_STATUSES))),
    ("refused", np.uint64, len(REASONS)),
])  # fmt: skip


class Counters:
    """The regions of all workers. The next worker in a region counts on from there, so no count goes back."""

    def __init__(self, regions: int) -> None:
        self._file = SharedFile("infer-counters", regions * _REGION.itemsize)
        # The process whose children the workers are, and when the counts were zero, in seconds since 1970.
        self.server = os.getpid()
        self.since = time.time()

    @property
    def regions(self) -> np.ndarray[Any, Any]:
        """All regions, as they are now."""
        return np.frombuffer(self._file.map, dtype=_REGION)

    def count_answers(self) -> int:
        """Count all answers of all workers."""
        fast = self.regions["rows"][:, :, _ANSWERED:].sum()
        return int(fast + self.regions["answers"].sum())

    def claim(self) -> int:
        """Give the index of a region that from now on is this process's; raise `NoRegion` if none is free."""
        regions = self.regions
        index = self._file.claim(len(regions))
        # The worker that had this region before has ended, and holds no slots.
        regions[index]["taken"][:] = 0
        regions[index]["pid"] = os.getpid()
        return index


class Meter:
    """Counts for one process: by itself at first, and among all workers once it has joined them."""

    def __init__(
        self, protocols: Mapping[str, str], admission: Admission, *, predict_at: Iterable[str]
    ) -> None:
        """`protocols` names the wire format of each route; at the routes `predict_at`, the model is asked."""
        self.protocols = protocols
        self.routes = tuple(sorted(protocols))[:MOST_ROUTES]
        self.predict_at = tuple(predict_at)
        self._indices = {route: index for index, route in enumerate(self.routes)}
        self._admission = admission
        self._lock = threading.Lock()
        self.vitals = Vitals(1)
        self.join(Counters(1))

    def join(self, counters: Counters) -> None:
        """Count here from now on; nothing is being answered yet. Raises `NoRegion`."""
        region = counters.regions[counters.claim()]
        self.counters = counters
        # Plain Python reads and writes a number of these three times as fast as one of an array.
        *self._rows, self._shared_row = [memoryview(row) for row in region["rows"]]
        self._answers = [memoryview(statuses) for statuses in region["answers"]]
        self._refused = memoryview(region["refused"])
        self._admission.predictions.taken = memoryview(region["taken"])

    def answered(self, slot: int, route: str, rows: int, duration_ns: int) -> None:
        """Count a prediction of the fast path, with status 200; its thread still holds this slot."""
        row = self._rows[slot]
        row[_ANSWERED + self._indices.get(route, MOST_ROUTES)] += 1
        row[bisect_left(_BUCKETS_NS, duration_ns)] += 1
        row[_DURATION_NS] += duration_ns
        row[_PREDICTED] += rows
        row[_SIZES + bisect_left(BUCKETS_ROWS, rows)] += 1

    def count(self, route: str, status: int, *, predicted: int = 0, duration_ns: int | None = None) -> None:
        """Count any other answer; with its duration if it was to a prediction."""
        statuses = self._answers[self._indices.get(route, MOST_ROUTES)]
        index = _STATUSES.index(status)
        row = self._shared_row
        with self._lock:
            statuses[index] += 1
            if duration_ns is not None:
                row[bisect_left(_BUCKETS_NS, duration_ns)] += 1
                row[_DURATION_NS] += duration_ns
                row[_PREDICTED] += predicted
                if predicted:
                    row[_SIZES + bisect_left(BUCKETS_ROWS, predicted)] += 1

    def refused(self, reasons: Iterable[str]) -> None:
        """Count a request for predictions that was refused, once for each of its reasons."""
        places = {REASONS.index(reason) if reason in REASONS else 0 for reason in reasons}
        with self._lock:
            for place in places:
                self._refused[place] += 1

    def totals(self) -> Totals:
        """Add up what all workers have counted."""
        return Totals(self.counters, self.routes, self.protocols, self.predict_at, self.vitals.replaced)


class Totals:
    """The counts of all workers at one moment."""

    def __init__(
        self,
        counters: Counters,
        routes: tuple[str, ...],
        protocols: Mapping[str, str],
        predict_at: tuple[str, ...],
        replaced: dict[str, int],
    ) -> None:
        regions = counters.regions
        # Copied first, so that everything that is made of a number is made of the same one.
        rows: np.ndarray[Any, Any] = regions["rows"].sum(axis=0)
        answers: np.ndarray[Any, Any] = regions["answers"].sum(axis=0)
        self.since = counters.since
        self.server = counters.server
        self.replaced = replaced
        self.protocols = protocols
        self.predict_at = predict_at
        self.pids: list[int] = regions["pid"].tolist()
        self.taken: list[int] = regions["taken"].sum(axis=1).tolist()
        self.duration_s: float = int(rows[:, _DURATION_NS].sum()) / 1e9
        self.predicted = int(rows[:, _PREDICTED].sum())
        # The last, of all that took longer, is of no end.
        self.buckets: list[int] = rows[:, :_DURATION_NS].sum(axis=0).tolist()
        counts = regions["refused"].sum(axis=0).tolist()
        self.sizes: list[int] = rows[:, _SIZES:_ANSWERED].sum(axis=0).tolist()
        self.refused: dict[str, int] = {reason: count for reason, count in zip(REASONS, counts) if count}
        names = [*routes, *[OTHER] * (MOST_ROUTES + 1 - len(routes))]
        self.answers: dict[tuple[str, int], int] = {
            (names[route], _STATUSES[status]): int(answers[route, status])
            for route, status in np.argwhere(answers).tolist()
        }
        for route, count in zip(names, rows[:, _ANSWERED:].sum(axis=0).tolist()):
            # A count of 0 is listed, too: Prometheus sees an increase only of a count that it saw before.
            if count or route in predict_at:
                succeeded = route, int(HTTPStatus.OK)
                self.answers[succeeded] = self.answers.get(succeeded, 0) + count
