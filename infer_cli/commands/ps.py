"""`infer ps`: the services on the engine."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson

if TYPE_CHECKING:
    from infer_cli.engine.services import Service

_SECONDS_A_MINUTE, _SECONDS_AN_HOUR, _SECONDS_A_DAY = 60, 3600, 86400


def ps(*, as_json: AsJson = False) -> None:
    """List the services: URL, health, model and age.

    Says so if the model of one has changed on disk, which is served after a restart.
    """
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.services import list_services  # noqa: PLC0415
    from infer_cli.running.model_mount import model_on_disk  # noqa: PLC0415
    from infer_cli.running.readiness import service_url  # noqa: PLC0415

    engine = connect()
    now = datetime.now(UTC)
    records: list[dict[str, object]] = []
    rows, notes = [], []
    for service in list_services(engine):
        url = service_url(engine, service) if service.is_running else None
        age = now - service.started_at if service.started_at and service.is_running else None
        health = _health(service, url)
        on_disk = model_on_disk(service, engine_is_local=engine.is_local) if service.is_running else None
        records.append(
            {
                "name": service.name,
                "url": url,
                "state": service.state,
                "health": health,
                "model": service.model,
                "model_on_disk": on_disk,
                "image": service.image,
                "age_s": round(age.total_seconds()) if age else None,
                "id": service.container_id,
            }
        )
        model = service.model or "-"
        if on_disk in ("changed", "missing"):
            model = f"{model} ({on_disk})"
            notes.append(_note(service, on_disk))
        rows.append((service.name, url or "-", health, model, service.image, age_text(age)))
    text = output.table(("NAME", "URL", "HEALTH", "MODEL", "IMAGE", "AGE"), rows) if rows else "No services."
    output.show("\n".join([text, *notes]), {"services": records}, as_json=as_json)


def _note(service: Service, on_disk: str) -> str:
    """What became of the model file, and how to serve what is there now."""
    file = f"{service.model_folder}/{service.model}"
    if on_disk == "missing":
        return f"{service.name}: {file} is gone; a restart would not find it"
    words = ["infer", "run", service.image, "--model-dir", str(service.model_folder)]
    words += ["--model-file", str(service.model), "--name", service.name]
    words += ["--port", str(service.host_port)] if service.host_port else []
    command = f"infer stop {service.name} && {shlex.join([*words, '-d'])}"
    return f"{service.name}: {file} changed on disk; restart to serve it:\n  {command}"


def _health(service: Service, url: str | None) -> str:
    """The engine's last check; before its first one, which it makes late, our own."""
    from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415 (keeps `infer --help` quick)

    if not service.is_running:
        return service.state
    if service.health == "starting" and url and ServiceClient(url).is_ready():
        return "healthy"
    return service.health or "unknown"


def age_text(age: timedelta | None) -> str:
    """An age in its largest unit."""
    if age is None:
        return "-"
    # The engine's clock may be ahead of ours.
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", _SECONDS_A_DAY), ("h", _SECONDS_AN_HOUR), ("min", _SECONDS_A_MINUTE)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
