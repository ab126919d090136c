"""How a service is reached: in plain HTTP, or by TLS, as its URL says.

By TLS, a service is believed if its certificate leads to an authority that this machine knows, and bears the
name in the URL: as in a browser. Where the certificate of the service itself is known, that one alone is
taken, whoever signed it, and under any name.
"""

from __future__ import annotations

import http.client
import os
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

PORTS = {"http": 80, "https": 443}
# By these, OpenSSL finds the authorities; they are part of what a context is made of.
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def address_of(url: str) -> tuple[str, int]:
    """The host and the port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or PORTS[parts.scheme]


def open_connection(url: str, *, timeout_s: float, known: Path | None = None) -> http.client.HTTPConnection:
    """A connection that is opened with its first request.

    `known` is a file of certificates in PEM, one of which the service has; it is read each time.
    """
    host, port = address_of(url)
    context = tls_context(url, known)
    if context is None:
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)


def tls_context(url: str, known: Path | None = None) -> ssl.SSLContext | None:
    """What a client needs for TLS; None for plain HTTP."""
    if urlsplit(url).scheme != "https":
        return None
    if known is None:
        return _usual_context(tuple(map(os.environ.get, _AUTHORITIES)))
    return _exact_context(known.read_text())


# Reading the authorities of a system takes 20 ms.
@lru_cache(maxsize=1)
def _usual_context(_: tuple[str | None, ...]) -> ssl.SSLContext:
    return ssl.create_default_context()


@lru_cache(maxsize=8)
def _exact_context(certificates: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The service is published under names of this machine, which its certificate need not bear.
    context.check_hostname = False
    # Without this flag, only the certificate of an authority could be believed.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificates)
    return context
