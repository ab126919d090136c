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
import zlib
from bisect import bisect_left
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import numpy as np

from service.admission import MOST_PREDICTIONS_AT_ONCE
from service.telemetry.counter_sizes import (
    ANSWERED_AT,
    BUCKETS_ROWS,
    BUCKETS_S,
    DURATION_NS_AT,
    MOST_ROUTES,
    OTHER,
    PREDICTED_AT,
    REASONS,
    ROW_LENGTH,
    SIZES_AT,
    STATUSES,
)
from service.telemetry.service_record import ServiceRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.admission import Admission

_BUCKETS_NS = tuple(round(end * 1e9) for end in BUCKETS_S)

_REGION = np.dtype([
    ("pid", np.uint64),
    ("taken", np.uint8, MOST_PREDICTIONS_AT_ONCE),
    ("rows", np.uint64, (MOST_PREDICTIONS_AT_ONCE + 1, ROW_LENGTH)),
    ("answers", np.uint64, (MOST_ROUTES + 1, len(STATUSES))),
    ("refused", np.uint64, len(REASONS)),
])  # fmt: skip


class Counters:
    """The regions of all workers. The next worker in a region counts on from there, so no count goes back."""

    def __init__(self, record: ServiceRecord, routes: Iterable[str] = ()) -> None:
        """Count in the record, in which models that were served before were counted, too.

        `routes` are the routes of all that is counted. If the models before had others, all counts begin
        anew.
        """
        code = zlib.crc32("\n".join(routes).encode())
        self._file = record.counters if record.has_routes(code) else record.fresh_counters()
        self.record = record

    @property
    def regions(self) -> np.ndarray[Any, Any]:
        """All regions, as they are now."""
        return np.frombuffer(self._file.map, dtype=_REGION)

    def count_answers(self) -> int:
        """Count all answers of all workers."""
        fast = self.regions["rows"][:, :, ANSWERED_AT:].sum()
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
        self.join(Counters(ServiceRecord()))

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
        row[ANSWERED_AT + self._indices.get(route, MOST_ROUTES)] += 1
        row[bisect_left(_BUCKETS_NS, duration_ns)] += 1
        row[DURATION_NS_AT] += duration_ns
        row[PREDICTED_AT] += rows
        row[SIZES_AT + bisect_left(BUCKETS_ROWS, rows)] += 1

    def count(self, route: str, status: int, *, predicted: int = 0, duration_ns: int | None = None) -> None:
        """Count any other answer; with its duration if it was to a prediction."""
        statuses = self._answers[self._indices.get(route, MOST_ROUTES)]
        index = STATUSES.index(status)
        row = self._shared_row
        with self._lock:
            statuses[index] += 1
            if duration_ns is not None:
                row[bisect_left(_BUCKETS_NS, duration_ns)] += 1
                row[DURATION_NS_AT] += duration_ns
                row[PREDICTED_AT] += predicted
                if predicted:
                    row[SIZES_AT + bisect_left(BUCKETS_ROWS, predicted)] += 1

    def refused(self, reasons: Iterable[str]) -> None:
        """Count a request for predictions that was refused, once for each of its reasons."""
        places = {REASONS.index(reason) if reason in REASONS else 0 for reason in reasons}
        with self._lock:
            for place in places:
                self._refused[place] += 1

    def totals(self) -> Totals:
        """Add up what all workers have counted."""
        return Totals(self.counters, self.routes, self.protocols, self.predict_at)


class Totals:
    """The counts of all workers at one moment."""

    def __init__(
        self,
        counters: Counters,
        routes: tuple[str, ...],
        protocols: Mapping[str, str],
        predict_at: tuple[str, ...],
    ) -> None:
        regions = counters.regions
        # Copied first, so that everything that is made of a number is made of the same one.
        rows: np.ndarray[Any, Any] = regions["rows"].sum(axis=0)
        answers: np.ndarray[Any, Any] = regions["answers"].sum(axis=0)
        record = counters.record
        self.since = record.since
        # Where no process has told that it watches the others (in tests), this one serves.
        self.processes = record.processes or [os.getpid()]
        self.replaced = record.replaced
        self.outcomes = record.outcomes
        self.protocols = protocols
        self.predict_at = predict_at
        self.pids: list[int] = regions["pid"].tolist()
        self.taken: list[int] = regions["taken"].sum(axis=1).tolist()
        self.duration_s: float = int(rows[:, DURATION_NS_AT].sum()) / 1e9
        self.predicted = int(rows[:, PREDICTED_AT].sum())
        # The last, of all that took longer, is of no end.
        self.buckets: list[int] = rows[:, :DURATION_NS_AT].sum(axis=0).tolist()
        counts = regions["refused"].sum(axis=0).tolist()
        self.sizes: list[int] = rows[:, SIZES_AT:ANSWERED_AT].sum(axis=0).tolist()
        self.refused: dict[str, int] = {reason: count for reason, count in zip(REASONS, counts) if count}
        names = [*routes, *[OTHER] * (MOST_ROUTES + 1 - len(routes))]
        self.answers: dict[tuple[str, int], int] = {
            (names[route], STATUSES[status]): int(answers[route, status])
            for route, status in np.argwhere(answers).tolist()
        }
        for route, count in zip(names, rows[:, ANSWERED_AT:].sum(axis=0).tolist()):
            # A count of 0 is listed, too: Prometheus sees an increase only of a count that it saw before.
            if count or route in predict_at:
                succeeded = route, int(HTTPStatus.OK)
                self.answers[succeeded] = self.answers.get(succeeded, 0) + count
