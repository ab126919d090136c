"""A service without a container: a process on this machine, in an environment with the image's packages."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from infer_cli.assets import find_assets
from infer_cli.cache import cache_folder
from infer_cli.errors import ContainerFailed, Interrupted
from infer_cli.inspection import (
    NOTHING_DECLARED,
    find_model,
    inspect_model,
    require_safe,
    saved_beside,
    schema_text,
)
from infer_cli.packages.local_environment import local_environment
from infer_cli.packages.resolution import plan_resolution
from infer_cli.plan.own_code import collect_code
from infer_cli.plan.trust import VARIABLE, trust_text
from infer_cli.running.ports import require_port

if TYPE_CHECKING:
    from infer_cli.inspection import Declared
    from infer_cli.terminal.progress import Progress

_END_TIMEOUT_S = 10


@dataclass(frozen=True)
class LocalService:
    """A service that can be started: its Python, its model file, and its settings (environment variables)."""

    python: Path
    file: Path
    settings: dict[str, str]

    def run(self) -> NoReturn:
        """Run the service until it ends or is interrupted; its log goes to stderr.

        Raises `Interrupted` after Ctrl-C, and `ContainerFailed` if the service ended by itself.
        """
        process = subprocess.Popen(
            [self.python, "-m", "service"],
            env={**os.environ, **self.settings},
            cwd=self.file.parent,
            stdout=sys.stderr,
            # In a session of its own, the process does not get Ctrl-C from the terminal a second time.
            start_new_session=True,
        )
        try:
            exit_code = process.wait()
        except KeyboardInterrupt:
            raise Interrupted from None
        finally:
            _end(process)
        raise ContainerFailed(
            f"the service ended by itself (exit code {exit_code})", hint="the reason is in the log above"
        )


def prepare_local_service(  # noqa: PLR0913 (the model, where to listen, and the settings)
    folder: Path,
    name: str | None,
    *,
    host: str,
    port: int,
    workers: int | None,
    trusted: tuple[str, ...],
    declared: Declared = NOTHING_DECLARED,
    progress: Progress,
) -> LocalService:
    """Check the model and the port, and install the packages that the model needs.

    Raises `ModelError` for a model that cannot be served, `PortTaken`, and `LockFailed`.
    """
    file = find_model(folder, name)
    model = inspect_model(file, declared)
    saved = saved_beside(file)
    own_code = collect_code([saved.code] if saved and saved.code else [])
    if saved is not None and saved.code is not None:
        progress.note(f"Using your own code in {saved.code}, which infer_cli.save wrote with the model")
    trusted = tuple(sorted({*trusted, *own_code.modules}))
    require_safe(model, trusted)
    require_port(host, port)
    assets = find_assets()
    progress.stage("Preparing the packages that the model needs")
    resolution = plan_resolution(assets, model, own_modules=own_code.modules, use_environment=False)
    python = local_environment(resolution.pinned_requirements if saved else resolution.requirements)
    paths = [assets.service.parent, *([saved.code.resolve()] if saved and saved.code else [])]
    settings = {
        "MODEL_FILE": str(file.resolve()),
        "PORT": str(port),
        "HOST": host,
        VARIABLE: trust_text(trusted),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONUNBUFFERED": "1",
    }
    if schema := schema_text(model.declared):
        settings["MODEL_SCHEMA"] = str(_schema_file(schema))
    if workers is not None:
        settings["WORKERS"] = str(workers)
    return LocalService(python, file, settings)


def _schema_file(schema: str) -> Path:
    """A file of the cache that holds a declared schema: each schema has its own, which stays."""
    file = cache_folder() / "schemas" / f"{hashlib.sha256(schema.encode()).hexdigest()[:32]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as draft:
        draft.write(schema)
    Path(draft.name).replace(file)
    return file


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process: with SIGTERM, and after 10 s with SIGKILL."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
