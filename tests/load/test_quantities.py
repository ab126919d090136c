from __future__ import annotations

import math

import pytest

from infer_cli.errors import UsageError
from infer_cli.load.quantities import duration_text, parse_duration, parse_rate, rate_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("500ms", 0.5), ("2min", 120), ("1h", 3600), ("250us", 0.00025), ("3", 3), (" .5 s ", 0.5)],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert parse_duration("--duration", text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "10 days", "1e3", "1,5s"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--duration .*is no duration$"):
        parse_duration("--duration", text)


@pytest.mark.parametrize(("text", "rate"), [("500/s", 500), ("30/min", 0.5), ("7", 7), ("0.2/s", 0.2)])
def test_rates_are_requests_a_second(text: str, rate: float) -> None:
    assert parse_rate("--rate", text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["0", "0/s", "500/ms", "fast", "-5"])
def test_other_texts_are_no_rates(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--rate .* is no rate$"):
        parse_rate("--rate", text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0000123, "12.3 us"),
        (0.00099949, "999 us"),
        (0.0009996, "1.00 ms"),
        (0.0123, "12.3 ms"),
        (0.5, "500 ms"),
        (0.9996, "1.00 s"),
        (125.0, "125 s"),
        (math.inf, "-"),
    ],
)
def test_durations_are_shown_in_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(500.0, "500/s"), (499.83, "500/s"), (12.34, "12.3/s"), (0.5, "0.50/s")]
)
def test_rates_are_shown_with_three_digits(rate: float, text: str) -> None:
    assert rate_text(rate) == text
