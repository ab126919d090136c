from __future__ import annotations

import os
import socket

import psutil
import pytest

from infer_cli.ports import process_on_port


def test_the_process_that_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = process_on_port(listener.getsockname()[1])

    assert found == f"the process {psutil.Process().name()} (pid {os.getpid()})"


def test_a_port_that_nobody_listens_on_has_no_process() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        assert process_on_port(bound.getsockname()[1]) is None


def test_a_process_that_is_not_ours_to_see_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hidden = [entry._replace(pid=None) for entry in psutil.net_connections(kind="tcp")]
        monkeypatch.setattr(psutil, "net_connections", lambda **_: hidden)

        assert process_on_port(port) is None


@pytest.mark.parametrize("error", [psutil.AccessDenied, psutil.NoSuchProcess(1)])
def test_a_system_that_does_not_tell_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: type[psutil.Error] | psutil.Error
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(psutil, "net_connections", refuse)

    assert process_on_port(5000) is None
