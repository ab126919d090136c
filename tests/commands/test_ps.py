from __future__ import annotations

from datetime import timedelta

import pytest

from infer_cli.commands.ps import age_text


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
