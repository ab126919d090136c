"""`infer serve`: the same service without a container, for development."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from infer_cli.errors import ContainerFailed, Interrupted
from infer_cli.plan.trust import VARIABLE, parse_trust, trust_text
from infer_cli.terminal import output
from infer_cli.terminal.options import ModelFile, Trust
from infer_cli.terminal.progress import show_progress


def serve(
    *,
    model_dir: Annotated[
        Path, typer.Option("--model-dir", metavar="DIR", help="The folder that holds the model.")
    ],
    model_file: ModelFile = None,
    port: Annotated[
        int, typer.Option("--port", "-p", metavar="PORT", min=1, max=65535, help="The port on this machine.")
    ] = 5000,
    host: Annotated[str, typer.Option(metavar="IP", help="The address to listen on.")] = "127.0.0.1",
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Worker processes.  [default: one a processor]", show_default=False
        ),
    ] = None,
    trust: Trust = None,
) -> None:
    """Serve a model on this machine, without a container.

    This loads the model file, which runs code of the packages that it names; they are those of an image.
    """
    from infer_cli.assets import find_assets  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.inspection import find_model, inspect_model, require_safe  # noqa: PLC0415
    from infer_cli.packages.local_environment import local_environment  # noqa: PLC0415
    from infer_cli.packages.requirements import image_requirements  # noqa: PLC0415
    from infer_cli.running.ports import require_port  # noqa: PLC0415

    trusted = parse_trust(trust or ())
    file = find_model(model_dir, model_file)
    model = inspect_model(file)
    require_safe(model, trusted)
    require_port(host, port)
    assets = find_assets()
    with show_progress() as progress:
        progress.stage("Preparing the packages that the model needs")
        python = local_environment(image_requirements(assets, model))
    settings = {"MODEL_FILE": str(file.resolve()), "PORT": str(port), "HOST": host}
    settings[VARIABLE] = trust_text(trusted)
    if workers is not None:
        settings["WORKERS"] = str(workers)
    output.note(f"Serving {file} on http://localhost:{port} (Ctrl-C ends it)")
    # Its own session: Ctrl-C reaches it through us, once.
    service = subprocess.Popen(
        [python, "-m", "service"],
        env={**os.environ, **settings, "PYTHONPATH": str(assets.service.parent), "PYTHONUNBUFFERED": "1"},
        cwd=file.parent,
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        exit_code = service.wait()
    except KeyboardInterrupt:
        raise Interrupted from None
    finally:
        _end(service)
    raise ContainerFailed(
        f"the service ended by itself (exit code {exit_code})", hint="the reason is in the log above"
    )


def _end(service: subprocess.Popen[bytes]) -> None:
    if service.poll() is None:
        service.terminate()
        try:
            service.wait(timeout=10)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
