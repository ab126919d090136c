"""`infer reload`: lets a service load its model file again, without a dropped request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from infer_cli.engine.services import Service
    from infer_cli.running.reload import Reloaded

# Of a digest in a line of text.
_SHOWN = len("sha256:") + 12


def reload(
    name: AnyService = None,
    *,
    any_inputs: Annotated[
        bool,
        typer.Option("--any-inputs", help="Serve the model whatever its inputs are."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the model file as it is now, without a dropped request.

    The model is loaded beside the one that is served. If it is refused, or takes other inputs, that one is
    served on. A service does this by itself within seconds after its model file was written.
    """
    _show(*_ask(name, any_inputs=any_inputs, rolls_back=False), as_json=as_json)


def rollback(name: AnyService = None, *, as_json: AsJson = False) -> None:
    """Serve the model again that was served before the last reload.

    The model file on disk stays as it is; it is served again after `infer reload`, or once it is written.
    """
    _show(*_ask(name, any_inputs=False, rolls_back=True), as_json=as_json)


def _ask(name: str | None, *, any_inputs: bool, rolls_back: bool) -> tuple[Service, Reloaded]:
    with show_progress() as progress:
        progress.stage(f"Looking for {name or 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.running.program import find_running_service  # noqa: PLC0415
        from infer_cli.running.reload import reload_model  # noqa: PLC0415

        engine = connect()
        service = find_running_service(engine, name)
        progress.stage(f"Loading the model{' before' if rolls_back else ''} beside the one that is served")
        return service, reload_model(engine, service, takes_any_inputs=any_inputs, rolls_back=rolls_back)


def _show(service: Service, found: Reloaded, *, as_json: bool) -> None:
    now, before = found.digest[:_SHOWN], (found.before or "")[:_SHOWN]
    if found.outcome == "unchanged":
        text = f"{service.name} serves this model already: {now}"
    else:
        text = f"{service.name} serves {now} in the place of {before}"
        if found.outcome == "served":
            text += f"\nBack to the model before: infer rollback {service.name}"
    record = {
        "name": service.name,
        "outcome": found.outcome,
        "digest": found.digest,
        "digest_before": found.before,
    }
    output.show(text, record, as_json=as_json)
