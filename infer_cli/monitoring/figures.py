"""Figures of an interval: the difference of what a service had counted at its two ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.client.metrics import Metrics

_BUSY = 503
_CLIENT, _SERVER = range(400, 500), range(500, 600)
# Requests of those who look whether a service is well, and not of those who use it.
_PROBES = {"/metrics", "/livez", "/readyz", "/health", "/ping", "/v2/health/live", "/v2/health/ready"}


@dataclass(frozen=True)
class Sample:
    """What a service had counted at a moment, which is a time of a clock that only goes on.

    `took_s` is how long it took to tell.
    """

    metrics: Metrics
    at_s: float
    took_s: float = 0.0


@dataclass(frozen=True)
class Figures:
    """What a service did in an interval: numbers a second, and percentiles of its predictions.

    `server_errors` are all answers of the class 5xx but 503, of which `busy` is the number. A percentile is
    None if there was no prediction, and infinite above the end of the last bucket.
    """

    seconds: float
    requests: float
    rows: float
    client_errors: float
    server_errors: float
    busy: float
    p50_s: float | None
    p99_s: float | None

    @property
    def errors(self) -> float:
        """All errors a second."""
        return self.client_errors + self.server_errors + self.busy


def figures_between(before: Sample, after: Sample) -> Figures | None:
    """The figures of the interval between two samples; None if the service was started in it."""
    old, new = before.metrics, after.metrics
    seconds = after.at_s - before.at_s
    if new.started_s != old.started_s or seconds <= 0:
        return None
    answers = {
        (route, status): count - old.answers.get((route, status), 0)
        for (route, status), count in new.answers.items()
        if route not in _PROBES
    }

    def rate(statuses: range) -> float:
        return sum(count for (_, status), count in answers.items() if status in statuses) / seconds

    busy = rate(range(_BUSY, _BUSY + 1))
    ends = dict(old.durations)
    buckets = [(end, count - ends.get(end, 0)) for end, count in new.durations]
    return Figures(
        seconds,
        sum(answers.values()) / seconds,
        (new.rows - old.rows) / seconds,
        rate(_CLIENT),
        rate(_SERVER) - busy,
        busy,
        quantile(buckets, 0.5),
        quantile(buckets, 0.99),
    )


def quantile(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """The duration that this share of all does not exceed, as `histogram_quantile` of Prometheus finds it.

    Each bucket has its upper end and the count of all durations up to there; within a bucket they are taken
    as spread evenly. The last bucket has no end: what lies in it is infinite.
    """
    total = buckets[-1][1] if buckets else 0
    if total <= 0:
        return None
    rank = share * total
    lower, below = 0.0, 0.0
    for end, count in buckets:
        if count >= rank:
            return end if math.isinf(end) else lower + (end - lower) * (rank - below) / (count - below)
        lower, below = end, count
    return math.inf
