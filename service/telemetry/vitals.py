"""What the processes of the service tell each other of their life, in memory that they share.

It holds the last heartbeat of each worker, and how often workers were replaced. It is made without NumPy,
which the process that makes it may not have imported.
"""

from __future__ import annotations

import time

from service.telemetry.shared_file import SharedFile

# Why workers were replaced: they ended by themselves, or were ended because they answered nothing.
CAUSES = ("ended", "unresponsive")
_SIZE = 8
# In place of the time of a heartbeat, which is never so small.
_STUCK = 1
_ENDS_AT = len(CAUSES)
_BEATS_AT = _ENDS_AT + 1


class Vitals:
    """Numbers of 8 bytes, each written by one process at a time, and read by all."""

    def __init__(self, workers: int) -> None:
        self._file = SharedFile("infer-vitals", (_BEATS_AT + workers) * _SIZE)

    @property
    def _numbers(self) -> memoryview:
        return memoryview(self._file.map).cast("q")

    def beat(self, worker: int) -> None:
        """Tell that the worker with this index, counted from 0, runs Python now."""
        self._numbers[_BEATS_AT + worker] = time.monotonic_ns()

    def forget_beat(self, worker: int) -> None:
        """Forget the heartbeats of the worker that had this index before."""
        self._numbers[_BEATS_AT + worker] = 0

    def tell_stuck(self, worker: int) -> None:
        """Tell that the worker is caught in a call to its model, whatever else it does."""
        self._numbers[_BEATS_AT + worker] = _STUCK

    def is_stuck(self, worker: int) -> bool:
        """Tell whether the worker has told that it is stuck."""
        return self._numbers[_BEATS_AT + worker] == _STUCK

    def last_beat_s(self, worker: int) -> float:
        """Give when the worker had its last heartbeat, in seconds of `time.monotonic`; 0 if it had none."""
        return self._numbers[_BEATS_AT + worker] / 1e9

    def tell_end(self) -> None:
        """Tell all workers that the service is to end."""
        self._numbers[_ENDS_AT] = 1

    @property
    def is_to_end(self) -> bool:
        """Whether the service is to end."""
        return bool(self._numbers[_ENDS_AT])

    def count_replaced(self, cause: str) -> None:
        """Count a worker that is replaced; the cause is one of `CAUSES`."""
        self._numbers[CAUSES.index(cause)] += 1

    @property
    def replaced(self) -> dict[str, int]:
        """How many workers were replaced, by cause."""
        return dict(zip(CAUSES, self._numbers))
