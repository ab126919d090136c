"""What was measured under load."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from infer_cli.load.latencies import Latencies

PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)
# The load generator spoils a measurement if it sends 1 % of the requests later than this, and than this
# part of the latency that it reports for 1 %.
_LATE_S, _LATE_PART = 0.001, 0.1
_JUDGED_BY = 99.0
# Nor may it have work for more of the time than this: then it is late for answers, too.
_BUSY_SHARE = 0.8


@dataclass(frozen=True)
class LoadPlan:
    """A load: so many requests a second for so long, after a warm-up that is not counted."""

    rate: float
    duration_s: float
    warm_up_s: float = 0.0
    arrivals: str = "constant"
    connections: int = 100
    timeout_s: float = 10.0


@dataclass
class LoadResult:
    """The requests that were due in the measured time, by what became of them.

    `latencies` are counted from the moment at which a request was due, `from_sending` from the moment at
    which it was sent; both have the right answers, and each timeout with the time waited. `lateness` is how
    late the load generator came to each request, which is its own fault, and `busy_share` the part of the
    time in which it had work to do. `in_time` counts the right answers that came within the measured time.
    `lost_after_s` is when the service stopped answering for good.
    """

    plan: LoadPlan
    latencies: Latencies = field(default_factory=Latencies)
    from_sending: Latencies = field(default_factory=Latencies)
    lateness: Latencies = field(default_factory=Latencies)
    busy_share: float = 0.0
    requests: int = 0
    answered: int = 0
    in_time: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    timeouts: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    first_wrong: str | None = None
    sent_again: int = 0
    waited_for_connection: int = 0
    lost_after_s: float | None = None
    lost_reason: str = ""

    @property
    def errors(self) -> int:
        """How many requests got no right answer, for whatever reason."""
        return self.requests - self.answered

    @property
    def error_share(self) -> float:
        """The same as a share of all requests."""
        return self.errors / self.requests if self.requests else 0.0

    @property
    def rate(self) -> float:
        """How many right answers came in a second."""
        return self.in_time / self.plan.duration_s

    @property
    def is_generator_late(self) -> bool:
        """Whether the load generator itself was so late that the latencies are too high because of it."""
        return self.is_generator_busy or (
            self.lateness.count > 0
            and self.lateness.percentile(_JUDGED_BY)
            > max(_LATE_S, _LATE_PART * self.latencies.percentile(_JUDGED_BY))
        )

    @property
    def is_generator_busy(self) -> bool:
        """Whether the load generator had no time left: it read answers later than they came."""
        return self.busy_share > _BUSY_SHARE
