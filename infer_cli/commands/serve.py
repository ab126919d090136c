"""`infer serve`: the same service without a container, for development."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

from infer_cli.errors import ContainerFailed, Interrupted
from infer_cli.plan.trust import VARIABLE, parse_trust, trust_text
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    ModelFile,
    RequiredModelFolder,
    Trust,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress


def serve(
    *,
    model_dir: RequiredModelFolder,
    model_file: ModelFile = None,
    port: Annotated[int, port_option()] = 5000,
    host: Annotated[str, host_option("The address to listen on.")] = "127.0.0.1",
    workers: Workers = None,
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
