from __future__ import annotations

import socket
import sys

import pytest

from service.errors import CannotListen
from service.workers.listeners import bind_listeners, check_address, listen, refuse


def test_a_free_port_can_be_listened_on(free_port: int) -> None:
    check_address("127.0.0.1", free_port)


@pytest.mark.parametrize(
    ("host", "problem"),
    [("192.0.2.1", "cannot listen on 192.0.2.1: "), ("no such host", "cannot listen on no such host: ")],
)
def test_an_address_that_is_not_of_this_machine(host: str, problem: str, free_port: int) -> None:
    with pytest.raises(CannotListen, match=problem):
        check_address(host, free_port)


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotListen, match=f"port {port} is in use. Stop what uses it, or set PORT"):
            check_address("127.0.0.1", port)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the server opens its own socket")
def test_nobody_connects_before_a_listener_listens_and_while_it_refuses(free_port: int) -> None:
    (listener,) = bind_listeners("127.0.0.1", free_port, 1)
    with listener:
        for _ in range(2):
            refuse(listener)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", free_port))
            listen(listener)
            socket.create_connection(("127.0.0.1", free_port)).close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the server opens its own socket")
def test_while_one_listener_refuses_all_connections_come_to_the_other(free_port: int) -> None:
    first, second = bind_listeners("127.0.0.1", free_port, 2)
    with first, second:
        listen(first)
        listen(second)
        refuse(first)

        for _ in range(20):
            with socket.create_connection(("127.0.0.1", free_port)):
                second.setblocking(True)  # noqa: FBT003 (its only argument)
                second.accept()[0].close()
