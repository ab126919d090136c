from __future__ import annotations

import os
import socket

import psutil
import pytest

from infer_cli.errors import InferError, PortTaken
from infer_cli.running.ports import process_on_port, require_port


def test_the_process_that_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = process_on_port(listener.getsockname()[1])

    assert found == f"the process {psutil.Process().name()} (pid {os.getpid()})"


def test_a_port_that_nobody_listens_on_has_no_process() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        assert process_on_port(bound.getsockname()[1]) is None


def test_a_process_of_another_user_may_have_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hidden = [entry._replace(pid=None) for entry in psutil.net_connections(kind="tcp")]
        monkeypatch.setattr(psutil, "net_connections", lambda **_: hidden)

        assert process_on_port(port) is None


@pytest.mark.parametrize("error", [psutil.AccessDenied, psutil.NoSuchProcess(1)])
def test_a_system_that_does_not_list_connections_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: type[psutil.Error] | psutil.Error
) -> None:
    def refuse(**_: object) -> None:
        raise error

    monkeypatch.setattr(psutil, "net_connections", refuse)

    assert process_on_port(5000) is None


def test_a_free_port_may_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    require_port("127.0.0.1", port)


def test_a_taken_port_names_its_holder_and_the_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as raised:
            require_port("127.0.0.1", port)

    holder = f"the process {psutil.Process().name()} (pid {os.getpid()})"
    assert raised.value.message == f"port {port} is taken by {holder}"
    assert raised.value.hint == "choose another with --port"


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_no_machine_of_ours_names_the_option(host: str) -> None:
    with pytest.raises(InferError, match=f"^cannot listen on {host}: .") as raised:
        require_port(host, 5000)

    assert raised.value.hint == "choose an address of this machine with --host"
