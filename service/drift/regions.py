"""Counts in memory that the workers of one model share, each worker in a region of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.telemetry.shared_file import SharedFile

if TYPE_CHECKING:
    import numpy.typing as npt


class Regions:
    """As many regions of `width` counts as there may be workers."""

    def __init__(self, count: int, width: int) -> None:
        self._file = SharedFile("infer-counts", count * width * 8)
        self._width = width

    @property
    def counts(self) -> npt.NDArray[np.uint64]:
        """The counts by region, as they are now."""
        return np.frombuffer(self._file.map, dtype=np.uint64).reshape(-1, self._width)

    def claim(self) -> int:
        """Give the index of a region that from now on is this process's; raise `NoRegion` if none is free."""
        return self._file.claim(len(self.counts))
