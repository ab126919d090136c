from __future__ import annotations

from dataclasses import replace

import pytest

from infer_cli.errors import ContainerFailed, PredictionFailed, ProgramNotRun
from infer_cli.running import readiness
from infer_cli.running.readiness import require_url, service_url, wait_until_ready
from tests.running.conftest import HERE, THERE, TUNNEL, make_engine, make_service


@pytest.mark.parametrize(
    ("engine_url", "host_ip", "expected"),
    [
        pytest.param(HERE, "127.0.0.1", "http://localhost:5001", id="here, for this machine"),
        pytest.param(HERE, "0.0.0.0", "http://localhost:5001", id="here, for all"),  # noqa: S104 (not bound)
        pytest.param(HERE, None, "http://localhost:5001", id="here, not said"),
        pytest.param(HERE, "192.0.2.7", "http://192.0.2.7:5001", id="here, on one address"),
        pytest.param(HERE, "::", "http://localhost:5001", id="here, for all of IPv6"),
        pytest.param(HERE, "::1", "http://localhost:5001", id="here, IPv6 loopback"),
        pytest.param(HERE, "2001:db8::7", "http://[2001:db8::7]:5001", id="here, on one IPv6 address"),
        pytest.param(TUNNEL, "127.0.0.1", "http://localhost:5001", id="through a port of this machine"),
        pytest.param(THERE, "127.0.0.1", None, id="elsewhere, for that machine"),
        pytest.param(THERE, "::1", None, id="elsewhere, for that machine in IPv6"),
        pytest.param(THERE, "0.0.0.0", "http://big.example:5001", id="elsewhere, for all"),  # noqa: S104 (not bound)
        pytest.param(THERE, "192.0.2.7", "http://192.0.2.7:5001", id="elsewhere, on one address"),
    ],
)
def test_a_service_is_reached_where_it_is_published(
    engine_url: str, host_ip: str | None, expected: str | None
) -> None:
    assert service_url(make_engine(engine_url), make_service(host_ip, 5001)) == expected


def test_the_url_says_that_a_service_speaks_tls() -> None:
    service = replace(make_service("127.0.0.1", 5001), has_tls=True)

    assert service_url(make_engine(HERE), service) == "https://localhost:5001"


def test_a_service_without_a_port_is_not_reached() -> None:
    assert service_url(make_engine(HERE), make_service("127.0.0.1", None)) is None


def test_a_url_that_is_needed_is_that_of_the_service() -> None:
    assert require_url(make_engine(HERE), make_service(None, 5001)) == "http://localhost:5001"


@pytest.mark.parametrize(
    ("engine_url", "state", "message"),
    [
        pytest.param(HERE, "exited", r"the service iris is not running \(exited\)", id="not running"),
        pytest.param(THERE, "running", "the service iris is not reachable from here", id="not reachable"),
    ],
)
def test_a_url_that_is_needed_and_missing_is_an_error(engine_url: str, state: str, message: str) -> None:
    with pytest.raises(PredictionFailed, match=f"^{message}$"):
        require_url(make_engine(engine_url), make_service("127.0.0.1", 5001, state))


@pytest.mark.parametrize(
    ("states", "expected", "message"),
    [
        pytest.param(["running", "exited", "exited"], ContainerFailed, "ended while starting", id="it ended"),
        pytest.param(["running", "running"], ProgramNotRun, "no Python", id="it cannot be asked"),
    ],
)
def test_a_container_that_ends_while_it_is_asked_is_told_as_ended(
    states: list[str], expected: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = iter(states)

    def ask(*_: object, **__: object) -> int:
        raise ProgramNotRun("no Python")

    monkeypatch.setattr(readiness, "exec_in_service", ask)
    monkeypatch.setattr(
        readiness, "inspect_service", lambda *_: make_service("127.0.0.1", None, next(following))
    )
    monkeypatch.setattr(readiness, "ended", lambda *_: ContainerFailed("ended while starting"))

    with pytest.raises(expected, match=message):
        wait_until_ready(make_engine(HERE), make_service("127.0.0.1", None), timeout_s=30)
