"""Ports of this machine: whether one is free, and which process listens on it."""

from __future__ import annotations

import errno
import socket

from infer_cli.errors import InferError, PortTaken

# Lower ports are for root.
_FIRST_OPEN_PORT = 1024


def require_port(host: str, port: int) -> None:
    """Raise an error that names the option to change, if no service could listen on `port` of `host`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # A port is free right after its process ended, while the system still keeps old connections.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            holder = process_on_port(port)
            message = f"port {port} is taken{f' by {holder}' if holder else ''}"
            raise PortTaken(message, hint="choose another with --port") from error
        if error.errno == errno.EACCES:
            message = f"you may not listen on port {port}"
            raise InferError(message, hint=f"choose one from {_FIRST_OPEN_PORT} with --port") from error
        message = f"cannot listen on {host}: {error.strerror}"
        raise InferError(message, hint="choose an address of this machine with --host") from error


def process_on_port(port: int) -> str | None:
    """The name and pid of the process that listens on a TCP port, or None if the system does not tell."""
    import psutil  # noqa: PLC0415 (only after a port was refused)

    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return None
                return f"the process {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return None
    return None
