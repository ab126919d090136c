from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import sys

import pytest

from service.workers import leaving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker just ends")


def end_of(child: int) -> int:
    """Give the signal that ended a child."""
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def test_connections_wait_for_others_once_this_process_takes_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, select.epoll() as epoll:
        port = listener.getsockname()[1]
        assert not leaving.is_accepting(port)
        epoll.register(listener.fileno(), select.EPOLLIN)
        assert leaving.is_accepting(port)
        assert not leaving.is_accepting(port + 1)

        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            leaving.leave(port)
        assert end_of(child) == signal.SIGTERM

        # The epoll instance is the same one, as the child was forked: it tells of the listener no more.
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"x")
            assert epoll.poll(0.5) == []
            assert not leaving.is_accepting(port)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(1) == b"x"


def test_a_process_leaves_once_its_last_connection_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        child = os.fork()
        if child == 0:
            client.close()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            leaving.leave(listener.getsockname()[1])
        accepted.close()
        # It looks ten times a second, and would have left after three looks.
        client.settimeout(1)
        with pytest.raises(OSError, match="timed out"):
            client.recv(1)
        assert os.waitpid(child, os.WNOHANG) == (0, 0)

        # Nobody in that process answers a usual end.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

        assert end_of(child) == signal.SIGTERM


def test_a_process_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "LEAVE_S", 0.2)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.enter_context(socket.create_connection(listener.getsockname()))
        stack.enter_context(listener.accept()[0])
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            leaving.leave(listener.getsockname()[1])

        assert end_of(child) == signal.SIGTERM
