from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.metrics import NoMetricsError, parse_metrics, scrape
from service.admission import Admission
from service.telemetry import prometheus
from service.telemetry.counter_sizes import BUCKETS_S
from service.telemetry.counters import Meter
from tests.monitoring.conftest import TEXT, start_told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.monitoring.conftest import Told

__all__ = ["start_told"]


def test_the_numbers_of_a_service_are_read() -> None:
    metrics = parse_metrics(TEXT)

    assert metrics.answers == {("/prediction", 200): 1068275, ("/prediction", 400): 2, ("/readyz", 200): 279}
    assert metrics.durations == ((0.00005, 1026471), (10, 1068276), (math.inf, 1068277))
    assert (metrics.rows, metrics.started_s) == (3085688, 1795758079.1637971)
    assert (metrics.cpu_s, metrics.memory_bytes) == (55.22, 151561216)
    assert metrics.model == "my \\ {model}.pkl"


def test_what_the_service_writes_is_read() -> None:
    """The names, which never change, are written on one side and read on the other."""
    meter = Meter({"/prediction": "infer"}, Admission(), predict_at=["/prediction"])
    meter.count("/prediction", 200, predicted=7, duration_ns=30_000)
    meter.count("/prediction", 503)
    names = {"digest": "sha256:1", "estimator": "Ridge", "file": 'a "b".pkl', "kind": "regressor"}
    written, _ = prometheus.expose(meter.totals(), {**names, "path": {"kind": "lean"}}, accept="")

    metrics = parse_metrics(written.decode())

    assert metrics.answers == {("/prediction", 200): 1, ("/prediction", 503): 1}
    assert metrics.durations == tuple((end, 1) for end in (*BUCKETS_S, math.inf))
    assert (metrics.rows, metrics.model) == (7, 'a "b".pkl')
    assert metrics.started_s == pytest.approx(meter.counters.record.since)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("<html>", id="a page"),
        pytest.param("process_start_time_seconds 1.0\ngo_goroutines 8\n", id="another program"),
        pytest.param(TEXT.replace('status="200"', 'status="ok"'), id="another status"),
        pytest.param(TEXT.replace("2.0", "two"), id="no number"),
    ],
)
def test_the_metrics_of_another_program_are_told(text: str) -> None:
    with pytest.raises(NoMetricsError, match="its metrics are not those of infer"):
        parse_metrics(text)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "it has no /metrics"), (500, "status 500 for /metrics"), (503, "status 503 for /metrics")],
)
def test_a_service_without_metrics_is_told(start_told: Callable[[], Told], status: int, reason: str) -> None:
    told = start_told()
    assert scrape(told.url, timeout_s=10) == parse_metrics(TEXT)

    told.status = status
    with pytest.raises(NoMetricsError) as raised:
        scrape(told.url, timeout_s=10)

    assert str(raised.value) == reason


def test_a_port_where_nothing_answers_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(NoMetricsError, match="nothing answers at its port"):
            scrape(f"http://127.0.0.1:{held.getsockname()[1]}", timeout_s=10)


def test_a_service_that_is_late_is_another_matter(start_told: Callable[[], Told]) -> None:
    told = start_told()
    told.may_answer.clear()

    with pytest.raises(TimeoutError):
        scrape(told.url, timeout_s=0.05)
