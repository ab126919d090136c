"""Whether a URL leads to this machine: a load on another one may hurt somebody."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from infer_cli.client.connection import PORTS
from infer_cli.errors import InferError, UsageError


def check_url(url: str) -> str:
    """The URL without a slash at its end; raises `UsageError` if it is not `http(s)://HOST[:PORT]`."""
    parts = urlsplit(url)
    try:
        has_host = parts.hostname is not None and (parts.port or PORTS["http"]) > 0
    except ValueError:
        has_host = False
    if (
        parts.scheme not in ("http", "https")
        or not has_host
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise UsageError(
            f"{url} is not the URL of a service",
            hint="write it as http://HOST:PORT or https://HOST:PORT, without a path",
        )
    return url.rstrip("/")


def require_local(url: str) -> None:
    """Raise `UsageError` if the URL leads to another machine, and `InferError` if its name is unknown."""
    host = urlsplit(url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise InferError(f"there is no machine called {host}: {error.strerror}") from error
    if not all(_is_own(family, address[:2]) for family, _, _, _, address in found):
        raise UsageError(
            f"{url} is on another machine, and a load like this can stop a service for everyone who uses it",
            hint="if it is yours to load, say so with --remote",
        )


def _is_own(family: int, address: tuple[object, ...]) -> bool:
    """Whether the address is one of this machine: only then can a socket be bound to it."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address[0], 0))
        except OSError:
            return False
    return True
