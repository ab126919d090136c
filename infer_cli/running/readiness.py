"""Where a running service answers, and whether it is ready to predict."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from infer_cli import certificates, tokens
from infer_cli.client.service_client import ServiceClient
from infer_cli.engine.exec import exec_in_service
from infer_cli.engine.services import inspect_service, log_tail
from infer_cli.errors import ContainerFailed, EngineError, PredictionFailed
from infer_cli.running.endings import ended, shown_log

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

# A command in the container costs much more than a request to its port, so it is run less often.
_POLL_S = 0.05
_SLOW_POLL_S = 0.5
# So long after the programs in a container have ended, the engine may still call the container running.
_NEWS_S = 3.0
_HEALTH_COMMAND = ("python3", "-m", "service.health")
_ANY_ADDRESS = {None, "", "0.0.0.0", "::"}  # noqa: S104 (compared, not bound)


def service_url(engine: Engine, service: Service) -> str | None:
    """The URL at which this machine reaches the service, or None if its port is not published to here."""
    if service.host_port is None:
        return None
    host: str | None
    if service.host_ip in _ANY_ADDRESS:
        host = "localhost" if engine.endpoint.published_host else engine.endpoint.engine_host
    elif str(service.host_ip).startswith("127.") or service.host_ip == "::1":
        host = "localhost" if engine.endpoint.published_host else None
    else:
        host = service.host_ip
    if not host:
        return None
    scheme = "https" if service.has_tls else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{service.host_port}"


def require_url(engine: Engine, service: Service) -> str:
    """The URL at which this machine reaches the service; raises `PredictionFailed` if there is none."""
    url = service_url(engine, service) if service.is_running else None
    if url is None:
        state = "is not reachable from here" if service.is_running else f"is not running ({service.state})"
        raise PredictionFailed(
            f"the service {service.name} {state}", hint="`infer ps` shows where services answer"
        )
    return url


def client_of(engine: Engine, service: Service) -> ServiceClient:
    """A client of a service, with its token if it needs one; raises `PredictionFailed` as `require_url`."""
    return ServiceClient(
        require_url(engine, service), token=tokens.token_of(service.access), known=known_certificate(service)
    )


def known_certificate(service: Service) -> Path | None:
    """The file of certificates, one of which a service was given; None if that is not known here."""
    return certificates.known_file(service.access) if service.has_certificate else None


def is_ready(service: Service, url: str) -> bool:
    """Whether the service at this URL of it can predict now; False if nothing answers."""
    return ServiceClient(url, known=known_certificate(service)).is_ready()


def wait_until_ready(engine: Engine, service: Service, *, timeout_s: float) -> None:
    """Wait until the service is ready.

    A service whose port this machine cannot reach is asked by a command in its container. Raises
    `ContainerFailed` if the service ends first, with the line that it wrote of its end, or is not ready after
    `timeout_s`, with the end of its log.
    """
    url = service_url(engine, service)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        now = inspect_service(engine, service.container_id)
        if not now.is_running or now.restart_count:
            raise ended(engine, now, "while starting")
        if is_ready(now, url) if url is not None else _says_ready(engine, now):
            return
        time.sleep(_POLL_S if url else _SLOW_POLL_S)
    reason = f"the service {service.name} was not ready after {timeout_s:g} s"
    raise not_ready(engine, service, reason, "give a large model more time with --timeout")


def _says_ready(engine: Engine, service: Service) -> bool:
    """Ask a service by a command in its container; a container that has just ended is not ready."""
    try:
        return exec_in_service(engine, service, _HEALTH_COMMAND, on_output=lambda *_: None, stdin=b"") == 0
    except EngineError:
        # The caller looks at the container again, and tells how it ended.
        if inspect_service(engine, service.container_id).is_running:
            raise
        return False


def require_running(engine: Engine, service: Service) -> None:
    """Raise `ContainerFailed` with the end of the log if the service has ended, or is just ending."""
    deadline = time.monotonic() + _NEWS_S
    while time.monotonic() < deadline:
        now = inspect_service(engine, service.container_id)
        if not now.is_running:
            raise ended(engine, now, "while starting")
        time.sleep(_POLL_S)


def not_ready(engine: Engine, service: Service, reason: str, hint: str | None = None) -> ContainerFailed:
    """The error of a service that runs and is not ready, with the end of its log."""
    return ContainerFailed(reason, detail=shown_log(log_tail(engine, service)), hint=hint)
