"""Latencies in logarithmic buckets: any number of them in little memory, exact to a thousandth."""

from __future__ import annotations

import math
from collections import Counter

# The upper end of each bucket is 0.1 % above its lower end.
_STEP = math.log(1.001)
# Nothing that goes over a network is faster.
_LEAST_S = 1e-6


class Latencies:
    """Durations in seconds, of which percentiles are asked."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._total_s = 0.0
        self.count = 0
        self.highest_s = 0.0

    def add(self, seconds: float) -> None:
        """Add one duration."""
        self._buckets[math.floor(math.log(max(seconds, _LEAST_S)) / _STEP)] += 1
        self._total_s += seconds
        self.count += 1
        self.highest_s = max(self.highest_s, seconds)

    def percentile(self, percent: float) -> float:
        """The least duration that `percent` of all do not exceed; infinite if there are none."""
        if not self.count:
            return math.inf
        # Rounded before it is rounded up: 99.9 % of 1000 is 999.0000000000001 in floats.
        rank = max(1, math.ceil(round(self.count * percent / 100, 6)))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(_middle(bucket), self.highest_s)
        return self.highest_s

    @property
    def mean_s(self) -> float:
        """The mean; infinite if there are none."""
        return self._total_s / self.count if self.count else math.inf

    def distribution(self, most_bins: int) -> list[tuple[float, int]]:
        """Upper ends of bins and how many durations fall into each; the widths grow with the duration.

        The bins reach from the least duration to the highest.
        """
        if not self.count:
            return []
        first, last = min(self._buckets), max(self._buckets)
        width = max(1, math.ceil((last - first + 1) / most_bins))
        bins = [0] * math.ceil((last - first + 1) / width)
        for bucket, count in self._buckets.items():
            bins[(bucket - first) // width] += count
        return [(math.exp((first + (at + 1) * width) * _STEP), count) for at, count in enumerate(bins)]


def _middle(bucket: int) -> float:
    return math.exp((bucket + 0.5) * _STEP)
