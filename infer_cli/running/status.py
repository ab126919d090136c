"""The state of every service on the engine: where it answers, its health, its model file and its age."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from infer_cli.engine.services import list_services
from infer_cli.errors import PredictionFailed
from infer_cli.running.model_mount import model_on_disk
from infer_cli.running.readiness import client_of, is_ready, service_url

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.running.model_mount import OnDisk

# A list of services does not wait longer for one of them.
_PATIENCE_S = 2.0


@dataclass(frozen=True)
class ServiceStatus:
    """The status of a service; `url`, `model_on_disk` and `age` are None if the service is not running."""

    service: Service
    url: str | None
    health: str
    model_on_disk: OnDisk | None
    age: timedelta | None
    # Why the model file that was written last is not served, if the service says so.
    refusal: str | None = None


def service_statuses(engine: Engine, *, now: datetime) -> tuple[ServiceStatus, ...]:
    """The status of each service, sorted by name; ages are counted until `now`."""
    return tuple(_status(engine, service, now) for service in list_services(engine))


def _status(engine: Engine, service: Service, now: datetime) -> ServiceStatus:
    if not service.is_running:
        return ServiceStatus(service, url=None, health=service.state, model_on_disk=None, age=None)
    url = service_url(engine, service)
    found = model_on_disk(
        service, engine_is_local=engine.is_local, served_digest=partial(_served_digest, engine, service)
    )
    return ServiceStatus(
        service,
        url=url,
        health=service_health(service, url),
        model_on_disk=found,
        age=now - service.started_at if service.started_at else None,
        refusal=client_of(engine, service).refused_model() if url and found == "changed" else None,
    )


def _served_digest(engine: Engine, service: Service) -> str:
    """The digest of the model that is served now; empty if the service does not say it."""
    try:
        client = client_of(engine, service)
        client.timeout_s, client.busy_for_s = _PATIENCE_S, 0
        return client.model().digest
    except PredictionFailed:
        return ""


def service_health(service: Service, url: str | None) -> str:
    """The engine's word for the health of a running service.

    The engine first looks some time after the start. Until then, the service itself is asked.
    """
    if service.health == "starting" and url and is_ready(service, url):
        return "healthy"
    return service.health or "unknown"
