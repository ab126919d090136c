from __future__ import annotations

from datetime import timedelta

import pytest

from infer_cli.terminal.units import age_text, difference_text, size_text


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        pytest.param(0, "0 B", id="nothing"),
        pytest.param(999, "999 B", id="bytes"),
        pytest.param(1000, "1 kB", id="a kilobyte"),
        pytest.param(1234, "1.23 kB", id="three digits"),
        pytest.param(99_950, "100 kB", id="rounded up"),
        pytest.param(999_499, "999 kB", id="just no megabyte"),
        pytest.param(999_900, "1 MB", id="rounded up to the next unit"),
        pytest.param(56_500_000, "56.5 MB", id="megabytes"),
        pytest.param(2_000_000_000, "2 GB", id="gigabytes"),
        pytest.param(1_500_000_000_000, "1500 GB", id="many gigabytes"),
    ],
)
def test_a_size_is_in_the_unit_that_reads_best(size_bytes: int, expected: str) -> None:
    assert size_text(size_bytes) == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(None, "-", id="none"),
        pytest.param(timedelta(), "0 s", id="just now"),
        pytest.param(timedelta(seconds=-3), "0 s", id="the engine's clock is ahead"),
        pytest.param(timedelta(seconds=59.9), "59 s", id="seconds"),
        pytest.param(timedelta(minutes=1), "1 min", id="a minute"),
        pytest.param(timedelta(minutes=59, seconds=59), "59 min", id="minutes"),
        pytest.param(timedelta(hours=1), "1 h", id="an hour"),
        pytest.param(timedelta(hours=23, minutes=59), "23 h", id="hours"),
        pytest.param(timedelta(days=1), "1 d", id="a day"),
        pytest.param(timedelta(days=400, hours=3), "400 d", id="days"),
    ],
)
def test_an_age_is_in_its_largest_unit(age: timedelta | None, expected: str) -> None:
    assert age_text(age) == expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [pytest.param(0.0, "0", id="none"), pytest.param(3.04e-13, "3.0e-13", id="two digits")],
)
def test_a_difference_shows_its_order_of_magnitude(difference: float, expected: str) -> None:
    assert difference_text(difference) == expected
