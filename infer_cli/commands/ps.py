"""`infer ps`: the services on the engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import age_text

if TYPE_CHECKING:
    from infer_cli.running.status import ServiceStatus


def ps(*, as_json: AsJson = False) -> None:
    """List the services: URL, health, model and age.

    A service whose model file changed, and which does not serve it, is marked; a line below says why.
    """
    with show_progress(in_pipe=False) as progress:
        progress.stage("Looking for services")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.running.status import service_statuses  # noqa: PLC0415

        statuses = service_statuses(connect(), now=datetime.now(UTC))
    lines = [_table(statuses) if statuses else "No services.", *filter(None, map(_note, statuses))]
    output.show("\n".join(lines), {"services": [_record(one) for one in statuses]}, as_json=as_json)


def _record(status: ServiceStatus) -> dict[str, object]:
    service = status.service
    return {
        "name": service.name,
        "url": status.url,
        "state": service.state,
        "health": status.health,
        "model": service.model,
        "model_on_disk": status.model_on_disk,
        "model_refused": status.refusal,
        "image": service.image,
        "age_s": round(status.age.total_seconds()) if status.age else None,
        "id": service.container_id,
    }


def _table(statuses: tuple[ServiceStatus, ...]) -> str:
    rows = []
    for status in statuses:
        service, model = status.service, status.service.model or "-"
        if status.model_on_disk in ("changed", "missing"):
            model = f"{model} ({status.model_on_disk})"
        rows.append(
            (service.name, status.url or "-", status.health, model, service.image, age_text(status.age))
        )
    # A name and a URL that are cut are of no use: they are there to be copied.
    header = ("NAME", "URL", "HEALTH", "MODEL", "IMAGE", "AGE")
    return output.table(header, rows, kept=("NAME", "URL"))


def _note(status: ServiceStatus) -> str | None:
    """For a model file that changed or is missing: why it is not served, or the command for it."""
    service = status.service
    file = f"{service.model_folder}/{service.model}"
    if status.model_on_disk == "missing":
        return f"{service.name}: {file} is gone; a restart would not find it"
    if status.model_on_disk == "changed":
        if status.refusal is not None:
            return f"{service.name}: {file} changed on disk, and is not served: {status.refusal}"
        return f"{service.name}: {file} changed on disk; to serve it now:\n  infer reload {service.name}"
    return None
