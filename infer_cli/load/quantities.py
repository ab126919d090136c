"""Durations and rates, as they are written on the command line and in results."""

from __future__ import annotations

import math
import re

from infer_cli.errors import UsageError

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_DURATION = re.compile(rf"{_NUMBER}\s*(us|ms|s|min|h|)")
_RATE = re.compile(rf"{_NUMBER}\s*(/s|/min|)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0, "h": 3600.0}
_PER_SECOND = {"/s": 1.0, "": 1.0, "/min": 1 / 60}
_TEN, _HUNDRED = 10, 100


def parse_duration(option: str, text: str) -> float:
    """The seconds in `10s`, `500ms` or `2min`; a number alone means seconds. Raises `UsageError`."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} {text} is no duration", hint="write it as 10s, 500ms or 2min")
    return float(found[1]) * _SECONDS[found[2]]


def parse_rate(option: str, text: str) -> float:
    """The requests a second in `500/s` or `30/min`; a number alone means a second. Raises `UsageError`."""
    found = _RATE.fullmatch(text.strip())
    if found is None or not float(found[1]):
        raise UsageError(f"{option} {text} is no rate", hint="write the requests a second, as 500/s")
    return float(found[1]) * _PER_SECOND[found[2]]


def duration_text(seconds: float) -> str:
    """A duration with three digits in the unit that reads best, such as 12.3 ms."""
    if not math.isfinite(seconds):
        return "-"
    for unit, length in (("us", 1e-6), ("ms", 1e-3)):
        # 999.5 would be rounded to 1000, which is 1 in the next unit.
        if seconds < 999.5 * length:
            return f"{_three_digits(seconds / length)} {unit}"
    return f"{_three_digits(seconds)} s"


def rate_text(rate: float) -> str:
    """A rate with the digits that matter, such as 499.8/s."""
    return f"{rate:.0f}/s" if rate == round(rate) or rate >= _HUNDRED else f"{_three_digits(rate)}/s"


def _three_digits(number: float) -> str:
    # 99.95 would be rounded to 100.0, and 9.995 to 10.00.
    decimals = 0 if number >= _HUNDRED - 0.05 else 1 if number >= _TEN - 0.005 else 2
    return f"{number:.{decimals}f}"
