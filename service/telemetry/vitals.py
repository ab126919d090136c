"""What the processes of one generation tell each other, in memory that they share.

It holds the last heartbeat of each worker, how many connections it has, and whether the workers are to end.
"""

from __future__ import annotations

import time

from service.telemetry.shared_file import SharedFile

_SIZE = 8
# In place of the time of a heartbeat, which is never so small.
_STUCK = 1
# Why all workers are to end: the service stops, or another generation has taken their place.
_STOPS, _REPLACED = 1, 2


class Vitals:
    """Numbers of 8 bytes, each written by one process at a time, and read by all."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._file = SharedFile("infer-vitals", (1 + 2 * workers) * _SIZE)

    @property
    def _numbers(self) -> memoryview:
        return memoryview(self._file.map).cast("q")

    def beat(self, worker: int) -> None:
        """Tell that the worker with this index, counted from 0, runs Python now."""
        self._numbers[1 + worker] = time.monotonic_ns()

    def forget_beat(self, worker: int) -> None:
        """Forget the heartbeats of the worker that had this index before."""
        self._numbers[1 + worker] = 0

    def tell_stuck(self, worker: int) -> None:
        """Tell that the worker is caught in a call to its model, whatever else it does."""
        self._numbers[1 + worker] = _STUCK

    def is_stuck(self, worker: int) -> bool:
        """Tell whether the worker has told that it is stuck."""
        return self._numbers[1 + worker] == _STUCK

    def last_beat_s(self, worker: int) -> float:
        """Give when the worker had its last heartbeat, in seconds of `time.monotonic`; 0 if it had none."""
        return self._numbers[1 + worker] / 1e9

    @property
    def have_all_begun(self) -> bool:
        """Whether every worker has had a heartbeat."""
        return all(self._numbers[1 : 1 + self._workers])

    def tell_end(self, *, is_replaced: bool = False) -> None:
        """Tell all workers that they are to end: with the service, or because others are in their place."""
        self._numbers[0] = _REPLACED if is_replaced else _STOPS

    @property
    def is_to_end(self) -> bool:
        """Whether the workers are to end."""
        return bool(self._numbers[0])

    @property
    def is_replaced(self) -> bool:
        """Whether the workers are to end because others are in their place."""
        return self._numbers[0] == _REPLACED

    def tell_open(self, worker: int, connections: int) -> None:
        """Tell how many connections the worker has, which takes no further ones."""
        # One more, as 0 is what a worker tells that has not counted them.
        self._numbers[1 + self._workers + worker] = 1 + connections

    def has_counted(self, worker: int) -> bool:
        """Tell whether a worker has told how many connections it has: it takes no further ones."""
        return self._numbers[1 + self._workers + worker] > 0

    def has_open(self, worker: int) -> bool:
        """Tell whether a worker that is to end has connections, or has not counted them yet."""
        return self._numbers[1 + self._workers + worker] != 1
