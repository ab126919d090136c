"""Who holds a port of this machine."""

from __future__ import annotations


def process_on_port(port: int) -> str | None:
    """The process that listens on TCP `port` here, described, or None where the system does not tell."""
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
