"""`infer restart`: restarts a service, with the model file as it is now."""

from __future__ import annotations

from infer_cli.commands.started import describe_started
from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson, ReadyTimeout
from infer_cli.terminal.progress import show_progress


def restart(name: AnyService = None, *, timeout: ReadyTimeout = 120, as_json: AsJson = False) -> None:
    """Restart a service, and load its model file anew.

    If the file has changed, the changed model is tried first: the old service stays if the new one does not
    become ready. Name, port and options stay the same.
    """
    with show_progress() as progress:
        progress.stage(f"Looking for {name or 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.services import find_service  # noqa: PLC0415
        from infer_cli.running.restart import restart_service  # noqa: PLC0415

        engine = connect()
        old = find_service(engine, name)
        service = restart_service(engine, old, timeout_s=timeout, progress=progress, note=progress.note)
    is_new = service.container_id != old.container_id
    state = "was restarted with the changed model, and is ready" if is_new else "was restarted, and is ready"
    text, record = describe_started(engine, service, state=state)
    output.show(text, {**record, "replaced": is_new}, as_json=as_json)
