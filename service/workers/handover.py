"""How the workers of a generation hand over to those of the next one.

The listening sockets are the same in both generations. A worker that is to end cannot close its own: the
server would go on to take connections from it as long as another process has it. So another socket, which
listens where nobody connects, takes its descriptor. From then on the worker waits until its connections have
ended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from service.workers.tcp_sockets import TcpSockets

if TYPE_CHECKING:
    import socket


class Handover:
    """The connections of one worker to a port, when it is to end."""

    def __init__(self, port: int, spare: socket.socket) -> None:
        """`spare` listens where nobody connects."""
        self._sockets = TcpSockets(port)
        self._spare = spare

    def take_no_more(self) -> None:
        """Take no further connection; other processes take them on the same sockets."""
        for descriptor in self._sockets.listening():
            with suppress(OSError):
                os.dup2(self._spare.fileno(), descriptor, inheritable=False)

    def count_open(self) -> int:
        """Count the connections that clients have not ended."""
        return sum(1 for _ in self._sockets.look())
