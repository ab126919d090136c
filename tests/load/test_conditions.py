from __future__ import annotations

import pytest

from infer_cli.errors import UsageError
from infer_cli.load.conditions import parse_condition
from infer_cli.load.result import LoadPlan, LoadResult


def result() -> LoadResult:
    """A hundred requests, of which two failed: 1 ms, 2 ms … 98 ms; 49 answers a second."""
    made = LoadResult(LoadPlan(50, 2), requests=100, answered=98, in_time=98)
    for number in range(1, 99):
        made.latencies.add(number / 1000)
    return made


@pytest.mark.parametrize(
    ("text", "holds", "figure"),
    [
        ("p50<60ms", True, "p50 is 49.0 ms"),
        ("p50 > 0.06", False, "p50 is 49.0 ms"),
        ("p99>90ms", True, "p99 is 98.0 ms"),
        ("p99.9<=0.1s", True, "p99.9 is 98.0 ms"),
        ("max<98ms", False, "max is 98.0 ms"),
        ("mean<50ms", True, "mean is 49.5 ms"),
        ("errors>1.9%", True, "errors are 2.000%"),
        ("errors>2%", False, "errors are 2.000%"),
        ("errors>=2", True, "errors are 2"),
        ("rate<50/s", True, "rate is 49/s"),
        ("rate<49", False, "rate is 49/s"),
    ],
)
def test_a_condition_compares_what_was_measured(text: str, figure: str, *, holds: bool) -> None:
    condition = parse_condition("--fail-if", text)

    assert condition.holds(result()) is holds
    assert condition.measured_text(result()) == figure


def test_without_answers_no_latency_is_low_enough() -> None:
    nothing = LoadResult(LoadPlan(50, 2), requests=100)

    assert parse_condition("--fail-if", "p99>1h").holds(nothing)
    assert not parse_condition("--target", "max<1h").holds(nothing)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p99", "is no condition"),
        ("p99=20ms", "is no condition"),
        ("p<20ms", "there is no figure p$"),
        ("q99<20ms", "there is no figure q99"),
        ("rate5<20", "there is no figure rate5"),
        ("p101<20ms", "percentiles go up to 100"),
        ("p99<20 days", "20 days is no duration"),
        ("rate<many", "many is no rate"),
        ("errors>1ms", "1ms is neither a share nor a count"),
    ],
)
def test_another_text_is_wrong_usage(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_condition("--fail-if", text)
