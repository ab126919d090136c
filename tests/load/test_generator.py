"""The load generator against servers of known latency; no figure is compared with an upper limit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import PredictionFailed
from infer_cli.load.generator import run_load
from infer_cli.load.requests import prepare_requests
from infer_cli.load.result import LoadPlan, LoadResult

if TYPE_CHECKING:
    from collections.abc import Callable


def load(url: str, plan: LoadPlan) -> LoadResult:
    client = ServiceClient(url)
    requests = prepare_requests(client.model(), url, None, rows_each=1)
    client.close()
    return run_load(url, requests, plan)


def test_latencies_are_those_of_the_server(known_server: Callable[..., str]) -> None:
    result = load(known_server("--pause_ms", "10"), LoadPlan(100, 2))

    assert (result.requests, result.answered, result.errors) == (200, 200, 0)
    assert result.latencies.count == result.from_sending.count == 200
    assert 0.0099 <= result.from_sending.percentile(1) <= result.latencies.percentile(1)
    assert result.latencies.highest_s < 2, "the unit is a second"


def test_a_stall_is_in_p99_because_requests_are_sent_all_the_same(known_server: Callable[..., str]) -> None:
    """In the 500 ms of the stall, 100 of the 800 requests are due, with latencies from 500 ms to 0."""
    result = load(known_server("--stall_at", "200", "--stall_ms", "500"), LoadPlan(200, 4))

    slow = sum(count for upper, count in result.latencies.distribution(1000) if upper > 0.1)
    assert slow >= 80
    assert result.latencies.percentile(99) >= 0.45


def test_with_one_connection_only_the_count_from_the_due_moment_shows_the_stall(
    known_server: Callable[..., str],
) -> None:
    """A closed loop has one request in the stall; counted from sending, p98 does not know of it."""
    plan = LoadPlan(100, 4, connections=1)

    result = load(known_server("--stall_at", "100", "--stall_ms", "500"), plan)

    assert result.latencies.percentile(98) >= 0.4
    assert result.from_sending.percentile(98) < result.latencies.percentile(98) / 2
    assert result.waited_for_connection >= 40


def test_requests_of_the_warm_up_are_not_counted(known_server: Callable[..., str]) -> None:
    result = load(known_server("--stall_at", "1", "--stall_ms", "300"), LoadPlan(100, 1, warm_up_s=1))

    assert result.requests == result.latencies.count == 100
    assert result.latencies.percentile(50) < 0.3


@pytest.mark.parametrize(
    ("status", "kind"),
    [("503", {"busy": 20}), ("400", {"refused": {"HTTP 400": 20}}), ("500", {"failed": {"HTTP 500": 20}})],
)
def test_each_way_to_fail_is_counted_apart(
    known_server: Callable[..., str], status: str, kind: dict[str, object]
) -> None:
    result = load(known_server("--status", status, "--every", "5"), LoadPlan(100, 1))

    assert (result.requests, result.answered, result.latencies.count) == (100, 80, 80)
    for name in ("busy", "refused", "failed", "wrong", "timeouts"):
        assert getattr(result, name) == kind.get(name, type(getattr(result, name))()), name


def test_an_answer_that_differs_from_the_first_one_is_wrong(known_server: Callable[..., str]) -> None:
    result = load(known_server("--lie", "--every", "10"), LoadPlan(100, 1))

    assert (result.answered, result.wrong) == (90, 10)
    assert result.first_wrong == (
        'the same rows got {"predictions": [2]} before, and now {"predictions": [3]}'
    )


def test_a_timeout_counts_with_the_time_waited(known_server: Callable[..., str]) -> None:
    plan = LoadPlan(20, 1, timeout_s=0.5)

    result = load(known_server("--pause_ms", "60000"), plan)

    assert (result.requests, result.answered, result.timeouts) == (20, 0, 20)
    assert result.latencies.percentile(1) >= 0.499
    assert result.lost_after_s is None, "nothing says that the service is gone"


def test_a_server_that_ends_is_told(known_server: Callable[..., str]) -> None:
    result = load(known_server("--end_at", "100"), LoadPlan(100, 30))

    assert result.lost_after_s is not None
    assert result.lost_after_s >= 0.9
    assert result.answered == 99
    assert "connection refused" in result.failed
    assert result.requests < 3000, "the load ends before its time"


@pytest.mark.parametrize("option", ["--chunked", "--close"])
def test_answers_in_chunks_and_closed_connections_are_no_errors(
    known_server: Callable[..., str], option: str
) -> None:
    result = load(known_server(option), LoadPlan(100, 1, arrivals="poisson"))

    assert result.errors == 0
    assert result.answered == result.requests > 50


def test_lateness_of_the_load_generator_is_noticed(known_server: Callable[..., str]) -> None:
    """No interpreter sends a million requests a second."""
    result = load(known_server(), LoadPlan(1_000_000, 0.02))

    assert result.is_generator_busy
    assert result.is_generator_late


def test_nothing_that_answers_is_an_error() -> None:
    with pytest.raises(PredictionFailed, match=r"^nothing answers at .*: Connection refused$"):
        run_load("http://127.0.0.1:1", [], LoadPlan(1, 1))
