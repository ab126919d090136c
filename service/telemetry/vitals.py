"""What the processes of the service tell each other of their life, in memory that they share.

It holds the last heartbeat of each worker, and how often workers were replaced. It is made without NumPy,
which the process that makes it may not have imported.
"""

from __future__ import annotations

import mmap
import os
import time
import weakref
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Any

from service.telemetry.shared_file import unnamed_file

if TYPE_CHECKING:
    from collections.abc import Callable

# Why workers were replaced: they ended by themselves, or were ended because they answered nothing.
CAUSES = ("ended", "unresponsive")
_SIZE = 8
_ENDS_AT = len(CAUSES)
_BEATS_AT = _ENDS_AT + 1


class Vitals:
    """Numbers of 8 bytes, each written by one process at a time, and read by all."""

    def __init__(self, workers: int) -> None:
        file = unnamed_file("infer-vitals")
        os.ftruncate(file, (_BEATS_AT + workers) * _SIZE)
        self._open(file)

    def _open(self, file: int) -> None:
        self._file = file
        weakref.finalize(self, os.close, file)
        self._numbers = memoryview(mmap.mmap(file, 0)).cast("q")

    def __reduce__(self) -> tuple[Callable[..., Vitals], tuple[object]]:
        """Let a worker that is spawned open the same file; one that is forked has it."""
        return _opened, (DupFd(self._file),)

    def beat(self, worker: int) -> None:
        """Tell that the worker with this index, counted from 0, runs Python now."""
        self._numbers[_BEATS_AT + worker] = time.monotonic_ns()

    def forget_beat(self, worker: int) -> None:
        """Forget the heartbeats of the worker that had this index before."""
        self._numbers[_BEATS_AT + worker] = 0

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


def _opened(file: Any) -> Vitals:  # noqa: ANN401 (multiprocessing does not tell its type)
    vitals = Vitals.__new__(Vitals)
    vitals._open(file.detach())  # noqa: SLF001 (this is its other constructor)
    return vitals
