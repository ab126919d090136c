from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infer_cli.client.service_client import ServiceClient
from infer_cli.running import status
from infer_cli.running.status import ServiceStatus, service_statuses
from tests.running.conftest import HERE, make_engine, make_service

STARTED = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NOW = STARTED + timedelta(minutes=3)
SERVICE = replace(make_service("127.0.0.1", 5000), started_at=STARTED)


def status_of(monkeypatch: pytest.MonkeyPatch, health: str | None, *, is_ready: bool) -> ServiceStatus:
    monkeypatch.setattr(status, "list_services", lambda _: (replace(SERVICE, health=health),))
    monkeypatch.setattr(ServiceClient, "is_ready", lambda _: is_ready)
    [found] = service_statuses(make_engine(HERE), now=NOW)
    return found


@pytest.mark.parametrize(
    ("health", "is_ready", "expected"),
    [
        pytest.param("healthy", False, "healthy", id="the engine looked"),
        pytest.param("unhealthy", True, "unhealthy", id="the engine looked, and it was ill"),
        pytest.param("starting", True, "healthy", id="before the engine looks, it is ready"),
        pytest.param("starting", False, "starting", id="before the engine looks, it is not ready"),
        pytest.param(None, True, "unknown", id="no health check"),
    ],
)
def test_the_health_of_a_running_service(
    *, monkeypatch: pytest.MonkeyPatch, health: str | None, is_ready: bool, expected: str
) -> None:
    found = status_of(monkeypatch, health, is_ready=is_ready)

    assert found.health == expected
    assert (found.url, found.age) == ("http://localhost:5000", timedelta(minutes=3))


def test_a_service_that_ended_has_its_state_for_health(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = replace(SERVICE, state="exited", health="unhealthy")
    monkeypatch.setattr(status, "list_services", lambda _: (ended,))

    assert service_statuses(make_engine(HERE), now=NOW) == (ServiceStatus(ended, None, "exited", None, None),)
