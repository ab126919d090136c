from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from infer_cli.commands.logs import parse_since
from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("30s", NOW - timedelta(seconds=30), id="seconds"),
        pytest.param("10m", NOW - timedelta(minutes=10), id="minutes"),
        pytest.param("2h", NOW - timedelta(hours=2), id="hours"),
        pytest.param("1d", NOW - timedelta(days=1), id="days"),
        pytest.param("0s", NOW, id="now"),
        pytest.param("2026-01-30T10:00Z", datetime(2026, 1, 30, 10, tzinfo=UTC), id="UTC"),
        pytest.param("2026-01-30T10:00+02:00", datetime(2026, 1, 30, 8, tzinfo=UTC), id="another zone"),
        pytest.param(
            "2026-01-30T10:00",
            datetime(2026, 1, 30, 10).astimezone(),
            id="local time",
        ),
        pytest.param("2026-01-30", datetime(2026, 1, 30).astimezone(), id="a day"),
    ],
)
def test_an_age_or_a_time_is_read(text: str, expected: datetime) -> None:
    assert parse_since(text, now=NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("yesterday", id="a word"),
        pytest.param("10", id="no unit"),
        pytest.param("10 m", id="a space"),
        pytest.param("10w", id="an unknown unit"),
        pytest.param("-10m", id="negative"),
        pytest.param("1h30m", id="two units"),
        pytest.param("2026-13-01", id="no such month"),
        pytest.param("999999d", id="before the year 1"),
        pytest.param(f"{10**20}d", id="more days than there are"),
    ],
)
def test_anything_else_than_an_age_or_a_time_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_since(text, now=NOW)

    assert raised.value.message == f"--since {text} is neither an age nor a time"
    assert raised.value.hint == "write 30s, 10m, 2h, 1d, or a time such as 2026-01-31T12:00"


def test_json_and_follow_contradict_each_other(infer: Callable[..., Finished]) -> None:
    finished = infer("logs", "iris", "--follow", "--json")

    assert finished.exit_code == 2
    assert "--json gives one object at the end" in finished.stderr
