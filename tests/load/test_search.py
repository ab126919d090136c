from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.load.conditions import parse_condition
from infer_cli.load.result import LoadPlan, LoadResult
from infer_cli.load.search import Trial, find_highest_rate, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.load.search import Outcome


def service(capacity: float, above: Outcome = "missed") -> Callable[[float], Trial]:
    """A service that meets its targets up to a rate."""
    return lambda rate: Trial(rate, "met" if rate <= capacity else above, LoadResult(LoadPlan(rate, 1)))


@pytest.mark.parametrize("capacity", [2, 3, 50, 100, 101, 777, 123_456])
def test_the_highest_rate_is_found_to_5_percent(capacity: float) -> None:
    search = find_highest_rate(100, service(capacity))

    assert search.best is not None
    assert capacity / 1.06 <= search.best.rate <= capacity
    assert len(search.trials) <= 40


def test_a_rate_that_misses_by_chance_is_tried_again() -> None:
    missed: list[float] = []

    def attempt(rate: float) -> Trial:
        trial = service(1000)(rate)
        if rate not in missed:
            missed.append(rate)
            return Trial(rate, "missed", trial.result)
        return trial

    search = find_highest_rate(100, attempt)

    assert search.best is not None
    assert 950 <= search.best.rate <= 1000


def test_a_service_that_meets_nothing_ends_the_search() -> None:
    search = find_highest_rate(100, service(0))

    assert search.best is None
    assert len(search.trials) < 20


@pytest.mark.parametrize(("above", "limited"), [("unknown", True), ("missed", False)])
def test_the_load_generator_may_be_the_limit(above: Outcome, *, limited: bool) -> None:
    assert find_highest_rate(100, service(500, above)).is_limited_by_generator is limited


def measured(latency_s: float, *, errors: int = 0, late_s: float = 0.0, in_time: int = 990) -> LoadResult:
    result = LoadResult(LoadPlan(100, 10), requests=1000, answered=1000 - errors, in_time=in_time)
    for _ in range(1000):
        result.latencies.add(latency_s)
        result.lateness.add(late_s)
    return result


@pytest.mark.parametrize(
    ("result", "targets", "outcome"),
    [
        pytest.param(measured(0.01), ["p99<20ms"], "met", id="met"),
        pytest.param(measured(0.01), ["p99<20ms", "max<5ms"], "missed", id="one of two"),
        pytest.param(measured(0.01, errors=2), ["p99<20ms"], "missed", id="errors"),
        pytest.param(measured(0.01, errors=1), ["p99<20ms"], "met", id="hardly an error"),
        pytest.param(
            measured(0.01, errors=9), ["p99<20ms", "errors<1%"], "met", id="errors that are allowed"
        ),
        pytest.param(measured(0.01, in_time=900), ["p99<20ms"], "missed", id="a queue that grows"),
        pytest.param(measured(0.03, late_s=0.02), ["p99<20ms"], "unknown", id="late"),
        pytest.param(measured(0.01, late_s=0.009), ["p99<20ms"], "met", id="late and met"),
    ],
)
def test_a_measurement_is_judged(result: LoadResult, targets: list[str], outcome: str) -> None:
    conditions = [parse_condition("--target", text) for text in targets]

    assert judge(100, result, conditions).outcome == outcome
