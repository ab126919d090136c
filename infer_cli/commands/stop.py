"""`infer stop`: stops and removes a service."""

from __future__ import annotations

from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson
from infer_cli.terminal.progress import show_progress


def stop(name: AnyService = None, *, as_json: AsJson = False) -> None:
    """Stop a service, letting it finish its requests, and remove it."""
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Stopping {name or 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.containers import remove_service  # noqa: PLC0415
        from infer_cli.engine.services import find_service  # noqa: PLC0415

        engine = connect()
        service = find_service(engine, name)
        remove_service(engine, service)
    output.show(
        f"Stopped {service.name}", {"name": service.name, "id": service.container_id}, as_json=as_json
    )
