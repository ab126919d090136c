"""Counts of bins in memory that the workers of one model share, each worker in a region of its own."""

from __future__ import annotations

import fcntl
import mmap
import os
import weakref
from contextlib import suppress
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import NoRegion
from service.telemetry.shared_file import unnamed_file

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


class Regions:
    """As many regions of `width` counts as there may be workers, as one file that has no name.

    As with the counts of requests, a region belongs to the process that has locked its byte of the file, and
    the worker that takes the place of one that ended counts on there.
    """

    def __init__(self, count: int, width: int) -> None:
        file = unnamed_file("infer-drift")
        os.ftruncate(file, count * width * 8)
        self._open(file, width)

    def _open(self, file: int, width: int) -> None:
        # Kept open, as is the map's descriptor: closing either would release this process's lock (fcntl(2)).
        self._file = file
        weakref.finalize(self, os.close, file)
        self._map = mmap.mmap(file, 0)
        self._width = width
        self.counts: npt.NDArray[np.uint64] = np.frombuffer(self._map, dtype=np.uint64).reshape(-1, width)

    def __reduce__(self) -> tuple[Callable[..., Regions], tuple[object, int]]:
        """Let a worker that is spawned open the same file; one that is forked has it."""
        return _opened, (DupFd(self._file), self._width)

    def claim(self) -> int:
        """Give the index of a region that from now on is this process's; raise `NoRegion` if none is free."""
        for index in range(len(self.counts)):
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, index)
                return index
        raise NoRegion


def _opened(file: Any, width: int) -> Regions:  # noqa: ANN401 (multiprocessing does not tell its type)
    regions = Regions.__new__(Regions)
    regions._open(file.detach(), width)  # noqa: SLF001 (this is its other constructor)
    return regions
