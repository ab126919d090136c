"""The sockets that the service listens on, one for each worker.

They are opened by the first process, before anything is loaded, and every process that follows has them. So
connections that wait for a worker are still there for the worker that takes its place.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress

from service.errors import CannotListen

# Connections that wait until a worker takes them, for each worker.
BACKLOG = 1024


def bind_listeners(host: str, port: int, workers: int) -> list[socket.socket]:
    """Bind a socket for each worker, which the kernel spreads new connections over; raise `CannotListen`.

    Nobody can connect before `listen`. Only Linux spreads connections: elsewhere the list is empty, and the
    server opens one socket for all workers.
    """
    check_address(host, port)
    if sys.platform != "linux":
        return []
    try:
        return [_bound(host, port) for _ in range(workers)]
    except OSError as error:
        raise CannotListen(_explain_address(host, port, error)) from error


def listen(listener: socket.socket) -> None:
    """Let clients connect, also after `refuse`."""
    listener.setblocking(False)  # noqa: FBT003 (its only argument)
    listener.listen(BACKLOG)


def refuse(listener: socket.socket) -> None:
    """Let nobody connect here for now, so that all come to the sockets of other workers."""
    with suppress(OSError):  # It does not listen.
        listener.shutdown(socket.SHUT_RD)


def spare_listener() -> socket.socket:
    """Give a socket that listens where nobody connects: see `handover`."""
    spare = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The system gives it a name of its own (unix(7)).
    spare.bind("")
    spare.listen(1)
    spare.setblocking(False)  # noqa: FBT003 (its only argument)
    return spare


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    return listener


def check_address(host: str, port: int) -> None:
    """Raise `CannotListen`, with the reason and advice, if the address cannot be listened on.

    Without this check the server shows a traceback. It shows no error at all if another service of infer has
    the port: workers share a port with SO_REUSEPORT, and so two services would share it, and each would
    answer half of the requests.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotListen(_explain_address(host, port, error)) from error


def _explain_address(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use. Stop what uses it, or set PORT to another."
    if error.errno == errno.EACCES:
        return f"user id {os.geteuid()} may not listen on port {port}. Set PORT to one above 1023."
    return f"cannot listen on {host}: {error.strerror}. Set HOST to an address of this machine."
