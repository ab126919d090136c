from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infer_cli.commands.top_view import (
    duration_cell,
    header_line,
    in_order,
    rate_cell,
    record_of,
    screen,
    service_line,
    table_lines,
)
from infer_cli.monitoring.figures import Figures
from infer_cli.monitoring.watch import View

GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
BUSY = View(
    name="iris",
    health="healthy",
    figures=Figures(2.004, 1234.5, 12_345.0, 0.5, 0, 12.0, 0.000156, 0.0234),
    cpu_share=1.34,
    memory_bytes=156_000_000,
    age=timedelta(minutes=52),
    model="model.pkl",
    url="http://localhost:5000",
    container_id="c0ffee",
)
SLOW = replace(
    BUSY,
    name="wine-quality",
    health="unhealthy",
    figures=Figures(2, 3, 3, 0, 1, 0, 2.5, math.inf),
    cpu_share=0.02,
)
IDLE = replace(BUSY, name="abalone", figures=Figures(2, 0, 0, 0, 0, 0, None, None), cpu_share=0.0)
LATE = replace(BUSY, name="late", figures=None, reason="no answer within 1 s", cpu_share=None)
ENDED = View("old", "exited", "exit code 137: it was killed, most likely for lack of memory", model="m.pkl")
ALL = [IDLE, BUSY, LATE, ENDED, SLOW]


@pytest.mark.parametrize("width", [None, 86, 80, 70])
def test_the_table_is_the_golden_one(width: int | None) -> None:
    lines = table_lines(ALL, width)

    assert "\n".join(lines) + "\n" == (GOLDEN / f"top-{width or 'pipe'}.txt").read_text()
    assert width is None or max(map(len, lines)) <= width


def test_the_lines_of_a_pipe_are_the_golden_ones() -> None:
    lines = [header_line(), *(service_line(view, NOW) for view in ALL)]

    assert "\n".join(lines) + "\n" == (GOLDEN / "top-lines.txt").read_text()


def test_the_records_are_the_golden_ones() -> None:
    records = [record_of(view) for view in ALL]

    assert json.dumps(records, indent=1) + "\n" == (GOLDEN / "top.json").read_text()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name", ["abalone", "iris", "late", "old", "wine-quality"]),
        ("requests", ["iris", "wine-quality", "abalone", "late", "old"]),
        ("rows", ["iris", "wine-quality", "abalone", "late", "old"]),
        ("errors", ["iris", "wine-quality", "abalone", "late", "old"]),
        ("p99", ["wine-quality", "iris", "abalone", "late", "old"]),
        ("cpu", ["iris", "wine-quality", "abalone", "late", "old"]),
        ("memory", ["abalone", "iris", "late", "wine-quality", "old"]),
    ],
)
def test_services_are_sorted_and_those_without_figures_come_last(order: str, expected: list[str]) -> None:
    assert [view.name for view in in_order([SLOW, ENDED, LATE, BUSY, IDLE], order)] == expected


def test_a_screen_holds_what_fits_it() -> None:
    shown = screen(ALL, 2, "", width=80, height=5).plain.splitlines()
    whole = screen(ALL, 2, "the engine does not answer", width=80, height=7).plain.splitlines()

    assert len(shown) == 5
    assert shown[0] == "5 services; counts a second, over 2 s; q ends"
    assert shown[-1] == "… and 3 more: make the window higher"
    assert whole[0] == "5 services; counts a second, over 2 s; q ends; the engine does not answer"
    assert whole[1:] == table_lines(ALL, 80)


def test_a_screen_without_services_says_so() -> None:
    assert screen([], 2, "", width=80, height=24).plain == "No services. q ends"


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0, "0"),
        (0.016, "<0.1"),
        (0.5, "0.5"),
        (9.94, "9.9"),
        (9.96, "10"),
        (999.4, "999"),
        (999.6, "1.0k"),
        (12_345, "12.3k"),
        (999_951, "1.0M"),
    ],
)
def test_a_rate_takes_little_room(rate: float, expected: str) -> None:
    assert rate_cell(rate) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, "-"), (0.000156, "156us"), (0.5, "500ms"), (math.inf, ">10s")]
)
def test_a_percentile_has_no_blanks(seconds: float | None, expected: str) -> None:
    assert duration_cell(seconds) == expected
