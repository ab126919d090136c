"""A small server stands for the service; the load is that of `infer bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import overload, plot
from benchmarks.overload import RATIOS, Curve, Point, table
from benchmarks.problem import Problem
from infer_cli.client.service_client import ServiceClient
from infer_cli.load.requests import prepare_requests
from infer_cli.load.result import LoadPlan, LoadResult
from tests.load.conftest import known_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["known_server"]


@pytest.fixture(autouse=True)
def without_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "_WARM_UP_S", 0)


def load_of(url: str) -> overload.Load:
    client = ServiceClient(url)
    requests = prepare_requests(client.model(), url, None, rows_each=1)
    client.close()
    return overload.loader(url, requests, seconds=0.2)


def test_each_rate_is_measured_in_each_round(known_server: Callable[..., str]) -> None:
    load = load_of(known_server("--status", "503", "--every", "4"))

    curve = overload.curve_at(100, load, rounds=2, ratios=(0.5, 1.0))

    assert [len(points) for points in curve.rounds] == [2, 2]
    for half, full in curve.rounds:
        assert half.offered == pytest.approx(0.5)
        assert full.offered == pytest.approx(1)
        assert full.refused == pytest.approx(0.25)
        assert half.p50 == 1
        assert full.p99 > 0


def test_the_capacity_is_the_highest_rate_that_is_answered() -> None:
    def load(rate: float) -> LoadResult:
        result = LoadResult(LoadPlan(rate, 1), requests=round(rate))
        result.answered = result.in_time = min(result.requests, 40)
        return result

    def refuse(rate: float) -> LoadResult:
        return LoadResult(LoadPlan(rate, 1), requests=round(rate), busy=round(rate))

    assert overload.find_capacity(load, first_rate=20) == 40
    with pytest.raises(Problem, match="does not answer 20 requests a second"):
        overload.find_capacity(refuse, first_rate=20)


def test_the_curve_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    points = [Point(one, min(one, 1), max(0.0, one - 1), 0, 0, one, one, is_late=one > 2) for one in RATIOS]
    curve = Curve(500, (tuple(points), tuple(points)))

    for file in ("one.svg", "two.svg"):
        plot.draw_overload(tmp_path / file, curve)

    drawn = (tmp_path / "one.svg").read_text()
    assert drawn.startswith("<?xml")
    assert drawn == (tmp_path / "two.svg").read_text()
    assert "      3.00      1.00      2.00" in table(curve)
    assert "late in 4 of 22 measurements" in table(curve)
