"""How a worker leaves when another process has taken its place, so that no client notices.

Both listen on the same socket, where connections wait for the one that takes them. So the worker takes no
more of them, answers on those that it has, each answer being the last of its connection, and ends when it has
none left.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from service.workers.tcp_sockets import TcpSockets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Tells a worker to leave.
LEAVE = signal.SIGUSR1

# After this time, idle connections are closed. One with a request that is being answered gets the time that
# the server gives it at SIGTERM.
LEAVE_S = 30.0
_LOOK_S = 0.1
_START_LOOK_S = 0.02
# A connection that was taken in the last moment is seen by the second look.
_QUIET_LOOKS = 3
_OWN = Path("/proc/self")
_EPOLL = "anon_inode:[eventpoll]"


def load_and_tell(load: Callable[[int], Any], port: int, pipe: int, index: int) -> Any:  # noqa: ANN401 (what `load` gives)
    """Load the application of a worker, and write a byte to the pipe once the server takes connections."""
    door = load(index)
    threading.Thread(target=_tell, args=(port, pipe), name="start", daemon=True).start()
    return door


def _tell(port: int, pipe: int) -> None:
    while not is_accepting(port):
        time.sleep(_START_LOOK_S)
    with suppress(OSError):
        os.write(pipe, b"1")
        os.close(pipe)


class _LastAnswers:
    """A WSGI application before another one, each answer of which is the last of its connection."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: object) -> object:
            return start_response(status, [*headers, ("Connection", "close")], *more)  # type: ignore[arg-type]  # as it came

        return self._application(environ, start)  # type: ignore[arg-type]  # it does what the other does


def leave_at_signal(door: Any, port: int) -> None:  # noqa: ANN401 (an application that can be exchanged)
    """Let this worker leave when it is told so; its application is that of the door."""

    def begin(*_: object) -> None:
        door.application = _LastAnswers(door.application)
        threading.Thread(target=leave, args=(port,), name="leaving", daemon=True).start()

    signal.signal(LEAVE, begin)


def is_accepting(port: int) -> bool:
    """Tell whether the server in this process waits for connections to the port; True if that is unknown."""
    return sys.platform != "linux" or any(_waiting_for(port))


def leave(port: int) -> None:
    """End this process once all of its connections to the port are used up, or after `LEAVE_S`."""
    if sys.platform == "linux":
        _stop_accepting(port)
        sockets, quiet, end = TcpSockets(port), 0, time.monotonic() + LEAVE_S
        while quiet < _QUIET_LOOKS and time.monotonic() < end:
            time.sleep(_LOOK_S)
            quiet = 0 if any(True for _ in sockets.look()) else quiet + 1
    os.kill(os.getpid(), signal.SIGTERM)


def _stop_accepting(port: int) -> None:
    """Let the server wait no longer for connections to the port.

    The socket itself stays as it is: to close it, or to shut it down, would end the connections that wait
    there, also for the other process.
    """
    for epoll, listener in _waiting_for(port):
        # The object closes its descriptor; the copy is the same to the kernel.
        with select.epoll.fromfd(os.dup(epoll)) as copy, suppress(OSError):
            copy.unregister(listener)


def _waiting_for(port: int) -> Iterator[tuple[int, int]]:
    """Give the descriptors by which this process waits for connections: of epoll(7), and of the listener."""
    for name in os.listdir(_OWN / "fd"):  # noqa: PTH208 (names are enough)
        with suppress(OSError):
            if os.readlink(_OWN / "fd" / name) != _EPOLL:  # noqa: PTH115 (no path)
                continue
            for line in (_OWN / "fdinfo" / name).read_text().splitlines():
                if line.startswith("tfd:") and _is_listener(found := int(line.split()[1]), port):
                    yield int(name), found


def _is_listener(descriptor: int, port: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            is_tcp = copy.family in (socket.AF_INET, socket.AF_INET6)
            return (
                is_tcp
                and bool(copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
                and copy.getsockname()[1] == port
            )
    except OSError:
        return False
