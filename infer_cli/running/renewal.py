"""Gives a running service another certificate, and waits until it has it."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import TYPE_CHECKING

from infer_cli import certificates
from infer_cli.client.connection import open_connection
from infer_cli.errors import InferError
from infer_cli.running.readiness import known_certificate, not_ready, require_url

if TYPE_CHECKING:
    from infer_cli.certificates import Pair
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

_POLL_S = 0.25
_TIMEOUT_S = 5.0
# Each connection comes to any of the workers.
_CONNECTIONS = 16


def renew_certificate(engine: Engine, service: Service, pair: Pair, *, timeout_s: float) -> None:
    """Give the service this pair, and wait until all of its connections have the certificate.

    Raises `InferError` if the service has no certificate from here, and `ContainerFailed` if it does not take
    this one.
    """
    known = known_certificate(service)
    if known is None or service.access is None:
        raise InferError(
            f"{service.name} has no certificate that is kept here",
            hint="start another one in its place, with --tls-cert, --tls-key and --replace",
        )
    if not engine.is_local:
        raise InferError(
            f"{service.name} runs on another machine, with a copy of its certificate",
            hint="start another one in its place, with --tls-cert, --tls-key and --replace",
        )
    url = require_url(engine, service)
    certificates.put(service.access, pair)
    wanted = ssl.PEM_cert_to_DER_cert(certificates.first_certificate(known.read_text()) or "")
    deadline = time.monotonic() + timeout_s
    in_a_row = 0
    while in_a_row < _CONNECTIONS:
        in_a_row = in_a_row + 1 if _certificate_of(url, service) == wanted else 0
        if time.monotonic() > deadline:
            raise not_ready(
                engine,
                service,
                f"{service.name} has not taken the certificate {pair.certificate} after {timeout_s:g} s",
                f"see why: `infer logs {service.name}`",
            )
        if not in_a_row:
            time.sleep(_POLL_S)


def _certificate_of(url: str, service: Service) -> bytes | None:
    """The certificate that a service shows on a new connection, in DER; None if it does not answer."""
    connection = open_connection(url, timeout_s=_TIMEOUT_S, known=known_certificate(service))
    try:
        connection.connect()
        shown = connection.sock
        return shown.getpeercert(binary_form=True) if isinstance(shown, ssl.SSLSocket) else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
