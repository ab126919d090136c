from __future__ import annotations

import signal
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import requests
from docker import APIClient

from infer_cli.engine import outages
from infer_cli.engine.endpoints import Endpoint
from infer_cli.engine.outages import interrupt_if_hung, reason_of, survive_restarts
from infer_cli.errors import EngineUnavailable
from tests.test_interrupted import deaf_engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Give the signal its handler again."""
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)


def test_a_command_that_waits_for_an_engine_that_hangs_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outages, "_PERIOD_S", 0.1)
    monkeypatch.setattr(outages, "_SIGN_TIMEOUT_S", 0.2)
    with deaf_engine() as (url, _), closing(APIClient(base_url=url, version="1.41", timeout=600)) as api:
        survive_restarts(api)
        interrupt_if_hung(api, Endpoint(url, "DOCKER_HOST", is_chosen=True))

        with pytest.raises(EngineUnavailable, match="has not answered for"):
            api.version()

        # What is done then to clean up has a limit of its own.
        monkeypatch.setattr(api, "timeout", 0.2)
        with pytest.raises(requests.exceptions.RequestException):
            api.version()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "('Connection aborted.', RemoteDisconnected('Remote end closed connection'))",
            "it closed the connection",
        ),
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", "no such socket"),
        ("('Connection aborted.', ConnectionRefusedError(111, 'Connection refused'))", "connection refused"),
        ("Read timed out. (read timeout=5)", "no answer in time"),
        ("odd\nand more", "odd"),
    ],
)
def test_the_reason_of_an_outage_is_a_few_words(text: str, reason: str) -> None:
    assert reason_of(requests.exceptions.ConnectionError(text)) == reason
