"""Searches the highest rate at which a service meets its targets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infer_cli.load.conditions import Condition
    from infer_cli.load.result import LoadResult

# The rate is found to this part of it; measurements of some seconds do not tell more.
_PRECISION = 1.05
# Below this rate, a measurement of some seconds says nothing.
_LOWEST_RATE = 1.0
# Unless a target is about errors, so many may be among the answers.
_ERROR_SHARE = 0.001
# A rate is not met if fewer answers come in the measured time: the rest is queued, and the queue grows.
_ANSWERED_SHARE = 0.95

# `missed` by the service; `unknown` because the load generator itself was late.
Outcome = Literal["met", "missed", "unknown"]


@dataclass(frozen=True)
class Trial:
    """A rate that was tried, and whether the service met the targets at it."""

    rate: float
    outcome: Outcome
    result: LoadResult


@dataclass(frozen=True)
class Search:
    """All trials, and the one with the highest rate that met the targets; None if none did."""

    trials: tuple[Trial, ...]
    best: Trial | None

    @property
    def is_limited_by_generator(self) -> bool:
        """Whether the service may take more than the load generator can send."""
        above = [one for one in self.trials if self.best is None or one.rate > self.best.rate]
        return bool(above) and min(above, key=lambda one: one.rate).outcome == "unknown"


def judge(rate: float, result: LoadResult, targets: Sequence[Condition]) -> Trial:
    """Judge a measurement. Lateness of the load generator only adds to latencies: what is met is met."""
    is_about_errors = any(target.figure == "errors" for target in targets)
    is_met = (
        all(target.holds(result) for target in targets)
        and (is_about_errors or result.error_share <= _ERROR_SHARE)
        and result.rate >= _ANSWERED_SHARE * rate * (1 - result.error_share)
    )
    return Trial(rate, "met" if is_met else "unknown" if result.is_generator_late else "missed", result)


def find_highest_rate(first: float, attempt: Callable[[float], Trial]) -> Search:
    """Double the rate from `first` until the targets are missed, then halve the interval.

    A rate that misses the targets is tried twice, as anything else on the machine may have been the reason.
    If already the first rate misses them, lower ones are tried.
    """
    trials: list[Trial] = []

    def is_met(rate: float) -> bool:
        trials.append(attempt(rate))
        if trials[-1].outcome != "met":
            trials.append(attempt(rate))
        return trials[-1].outcome == "met"

    low, high = 0.0, first
    if is_met(high):
        low = high
        while is_met(low * 2):
            low *= 2
        high = low * 2
    else:
        while high / 2 >= _LOWEST_RATE and not is_met(high / 2):
            high /= 2
        low = high / 2
    if low >= _LOWEST_RATE:
        while high / low > _PRECISION:
            middle = _rounded(math.sqrt(low * high))
            if not low < middle < high:
                break
            low, high = (middle, high) if is_met(middle) else (low, middle)
    met = [trial for trial in trials if trial.outcome == "met"]
    return Search(tuple(trials), max(met, key=lambda trial: trial.rate) if met else None)


def _rounded(rate: float) -> float:
    """A rate with three digits, which reads well and is exact enough."""
    digits = 2 - math.floor(math.log10(rate))
    return float(round(rate, digits))
