from __future__ import annotations

import os
import socket

import pytest

from service.errors import NoRegion
from service.telemetry.shared_file import SharedFile
from service.workers.tcp_sockets import TcpSockets

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")  # noqa: PTH112 (short)


def can_claim(file: SharedFile) -> bool:
    """Tell whether another process can have the only region of a file."""
    child = os.fork()
    if child == 0:
        try:
            file.claim(1)
        except NoRegion:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_looking_at_connections_keeps_the_locks_of_this_process() -> None:
    file = SharedFile("test-region", 8)
    file.claim(1)
    assert not can_claim(file)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        sockets = TcpSockets(listener.getsockname()[1])
        with socket.create_connection(listener.getsockname()) as client:
            accepted, _ = listener.accept()
            with accepted:
                client.sendall(b"x")
                found = [one for _ in range(3) for one in [*sockets.look()]]
                sockets.end(found[0], socket.SHUT_RDWR)

    assert [one.descriptor for one in found] == 3 * [found[0].descriptor]
    assert not can_claim(file)
