"""Counts in memory that the workers of one model share, each worker in a region of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from service.telemetry.shared_file import SharedFile

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.uint64]


class Regions:
    """As many regions of `width` counts as there may be workers."""

    def __init__(self, count: int, width: int) -> None:
        self._file = SharedFile("infer-counts", count * width * 8)
        self._width = width

    @property
    def counts(self) -> Counts:
        """The counts by region, as they are now."""
        return np.frombuffer(self._file.map, dtype=np.uint64).reshape(-1, self._width)

    def claim(self) -> int:
        """Give the index of a region that from now on is this process's; raise `NoRegion` if none is free."""
        return self._file.claim(len(self.counts))


class SharedCounts:
    """`width` counts for one model and one process: by itself at first, and among all workers once it joined.

    Whoever writes to `_region`, or to `_view`, which is the same memory, holds `_lock`.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._lock = threading.Lock()
        # Memory of its own, until it joins: a file for each model that is loaded would be too much.
        self._count_in(np.zeros((1, width), dtype=np.uint64), 0)

    def regions(self, count: int) -> Regions:
        """Make memory in which that many workers can count for this model."""
        return Regions(count, self._width)

    def join(self, regions: Regions) -> None:
        """Count here from now on; nothing is being answered yet. Raises `NoRegion`."""
        self._count_in(regions.counts, regions.claim())
        # The region is this process's as long as its file is open.
        self._regions = regions

    def _count_in(self, counts: Counts, index: int) -> None:
        self._all, self._region = counts, counts[index]
        # Plain Python reads and writes a number of this three times as fast as one of an array.
        self._view = memoryview(cast("Any", self._region))

    def totals(self) -> list[int]:
        """Add up what all workers have counted."""
        totals: list[int] = self._all.sum(axis=0).tolist()
        return totals
