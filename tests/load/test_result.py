from __future__ import annotations

import pytest

from infer_cli.load.result import LoadPlan, LoadResult


def result(*, late_s: float = 0.0, latency_s: float = 0.1, busy_share: float = 0.0) -> LoadResult:
    made = LoadResult(LoadPlan(100, 10), requests=1000, answered=990, in_time=980, busy_share=busy_share)
    for number in range(1000):
        # 2 % are late.
        made.lateness.add(late_s if number % 50 == 0 else 0.0)
        made.latencies.add(latency_s)
    return made


def test_errors_are_all_requests_without_a_right_answer() -> None:
    assert (result().errors, result().error_share, result().rate) == (10, 0.01, 98.0)
    assert LoadResult(LoadPlan(1, 1)).error_share == 0


@pytest.mark.parametrize(
    ("made", "is_late"),
    [
        pytest.param(result(), False, id="in time"),
        pytest.param(result(late_s=0.02), True, id="late for a part of the latency"),
        pytest.param(result(late_s=0.005), False, id="late for a small part of the latency"),
        pytest.param(result(late_s=0.0005, latency_s=0.0006), False, id="late for half a millisecond"),
        pytest.param(result(late_s=0.002, latency_s=0.003), True, id="late for most of the latency"),
        pytest.param(result(busy_share=0.7), False, id="at work"),
        pytest.param(result(busy_share=0.9), True, id="no time left"),
        pytest.param(LoadResult(LoadPlan(1, 1)), False, id="nothing measured"),
    ],
)
def test_a_load_generator_that_spoils_the_latencies_is_late(made: LoadResult, *, is_late: bool) -> None:
    assert made.is_generator_late is is_late
