"""A service without a container: a process on this machine, in an environment with the image's packages."""

from __future__ import annotations

import compileall
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
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
from infer_cli.plan.code_imports import with_code_imports
from infer_cli.plan.own_code import collect_code
from infer_cli.plan.run import is_loopback
from infer_cli.plan.settings import ALLOWED_HOSTS, TOKENS_FILE
from infer_cli.plan.trust import VARIABLE, trust_text
from infer_cli.running.endings import ERROR_START, LOG_HINT, said_errors
from infer_cli.running.ports import require_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infer_cli.inspection import Declared
    from infer_cli.plan.own_code import OwnCode
    from infer_cli.terminal.progress import Progress

_END_TIMEOUT_S = 10
# The variables of this machine that reach the service: languages and folders, and those settings that give no
# rights. Others can hold secrets, and a container would get none of them.
_PASSED_ON = {
    *("PATH", "HOME", "USER", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("LOG_FORMAT", "LOG_LEVEL", "WORKERS", "THREADS", "MAX_BODY_BYTES", "MAX_ROWS", "VERSION_MISMATCH"),
    *("MAX_LOAD_SECONDS", "MAX_LOAD_BYTES", "MODEL_SCHEMA", "OPTIONAL_FEATURES", "UNKNOWN_CATEGORIES"),
    *("MODEL_NAME", "PREDICT_ROUTE", "HEALTH_ROUTE", "REQUEST_LOG", "WATCHDOG_SECONDS", "DRAIN_SECONDS"),
    *("DRIFT", "REQUEST_SECONDS", "RELOAD", "RELOAD_INPUTS"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"),
}


@dataclass(frozen=True)
class LocalService:
    """A service that can be started: its Python, its model file, and its settings (environment variables)."""

    python: Path
    file: Path
    settings: dict[str, str]

    def with_tokens(self, file: Path) -> LocalService:
        """The same service, which asks for one of the tokens of a file."""
        return replace(self, settings={**self.settings, TOKENS_FILE: str(file)})

    def run(self) -> NoReturn:
        """Run the service until it ends or is interrupted; its log goes to stderr.

        Raises `Interrupted` after Ctrl-C, and `ContainerFailed` if the service ended by itself: with the line
        that the service wrote of its end.
        """
        with tempfile.TemporaryDirectory(prefix="infer-", ignore_cleanup_errors=True) as scratch:
            self._run({"SCRATCH": scratch, "TMPDIR": scratch})

    def _run(self, folders: dict[str, str]) -> NoReturn:
        errors: list[str] = []
        process = log = None
        try:
            process = subprocess.Popen(
                # -P: modules that lie beside the model are not imported.
                [self.python, "-P", "-m", "service"],
                env={**passed_on(os.environ), **folders, **self.settings},
                cwd=self.file.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # In a session of its own, the process does not get Ctrl-C from the terminal a second time.
                start_new_session=True,
            )
            log = threading.Thread(target=_show_log, args=(process, errors), daemon=True)
            log.start()
            exit_code = process.wait()
        except KeyboardInterrupt:
            raise Interrupted from None
        finally:
            if process is not None:
                _end(process)
            # An interrupt may come before the thread has started.
            if log is not None and log.is_alive():
                # A process that the service left behind may keep the pipe open.
                log.join(_END_TIMEOUT_S)
        raise _ended(exit_code, errors)


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of this machine that a service gets."""
    return {
        name: value for name, value in environment.items() if name in _PASSED_ON or name.startswith("LC_")
    }


def prepare_local_service(  # noqa: PLR0913 (the model, where to listen, and the settings)
    folder: Path,
    name: str | None,
    *,
    host: str,
    port: int,
    workers: int | None,
    trusted: tuple[str, ...],
    code: Sequence[Path] = (),
    tracing: bool = False,
    environment: Mapping[str, str] = MappingProxyType({}),
    reads_folder: bool = False,
    declared: Declared = NOTHING_DECLARED,
    progress: Progress,
) -> LocalService:
    """Check the model and the port, and install the packages that the model needs.

    `code` are paths of the user's own code, and `environment` holds variables for the service. The service
    reads the model file alone, or with `reads_folder` all of the folder.

    Raises `ModelError` for a model that cannot be served, `PortTaken`, and `LockFailed`.
    """
    file = find_model(folder, name)
    model = inspect_model(file, declared)
    saved = saved_beside(file)
    own_code = collect_code([*([saved.code] if saved and saved.code else []), *code])
    if saved is not None and saved.code is not None:
        progress.note(f"Using your own code in {saved.code}, which infer_cli.save wrote with the model")
    trusted = tuple(sorted({*trusted, *own_code.modules}))
    require_safe(model, trusted)
    require_port(host, port)
    assets = find_assets()
    progress.stage("Preparing the packages that the model needs")
    # What `infer_cli.save` wrote names the packages of its code.
    needs = with_code_imports(model, own_code) if code else model
    resolution = plan_resolution(
        assets, needs, own_modules=own_code.modules, use_environment=False, tracing=tracing
    )
    python = local_environment(resolution.pinned_requirements if saved else resolution.requirements)
    code_folders = [_code_folder(own_code)] if own_code.files else []
    for sources in (assets.service, *code_folders):
        # The service itself could not write its bytecode. Its Python is of the same version as this one.
        compileall.compile_dir(sources, quiet=2)
    settings = {
        "MODEL_FILE": str(file.resolve()),
        "PORT": str(port),
        "HOST": host,
        VARIABLE: trust_text(trusted),
        "PYTHONPATH": os.pathsep.join(map(str, [assets.service.parent, *code_folders])),
        "PYTHONUNBUFFERED": "1",
        **({ALLOWED_HOSTS: "localhost"} if is_loopback(host) else {}),
        # What a container says by its file system: see `service.confinement`.
        "FILES": "own",
        "READS": str(file.resolve().parent) if reads_folder else "",
    }
    if schema := schema_text(model.declared):
        settings["MODEL_SCHEMA"] = str(_schema_file(schema))
    if workers is not None:
        settings["WORKERS"] = str(workers)
    return LocalService(python, file, {**settings, **environment})


def _code_folder(code: OwnCode) -> Path:
    """A folder of the cache with a copy of the user's own code, and nothing else of where it is from."""
    contents = [(str(target), source.read_bytes()) for target, source in code.files]
    digest = hashlib.sha256(repr(contents).encode()).hexdigest()[:32]
    folder = cache_folder() / "code" / digest
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent))
        for target, content in contents:
            (draft / target).parent.mkdir(parents=True, exist_ok=True)
            (draft / target).write_bytes(content)
        # Another start may have made it meanwhile.
        with suppress(OSError):
            draft.rename(folder)
    return folder


def _schema_file(schema: str) -> Path:
    """A file of the cache that holds a declared schema: each schema has its own, which stays."""
    file = cache_folder() / "schemas" / f"{hashlib.sha256(schema.encode()).hexdigest()[:32]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as draft:
        draft.write(schema)
    Path(draft.name).replace(file)
    return file


def _show_log(process: subprocess.Popen[bytes], errors: list[str]) -> None:
    """Copy the log to stderr, but for the lines that say why the service ended, which go into `errors`."""
    if process.stdout is None:
        return
    with process.stdout as log:
        for line in log:
            text = line.decode(errors="replace")
            if text.startswith(ERROR_START):
                errors += said_errors(text)
            else:
                sys.stderr.write(text)
                sys.stderr.flush()


def _ended(exit_code: int, errors: list[str]) -> ContainerFailed:
    if len(errors) == 1:
        return ContainerFailed(f"the service ended by itself: {errors[0]}")
    detail = "\n".join(f"  {line}" for line in errors) or None
    # The process that was started gives no signal of its own as its end, unless it was killed.
    code = (
        f"exit code {exit_code}" if exit_code >= 0 else f"it was ended by {signal.Signals(-exit_code).name}"
    )
    return ContainerFailed(
        f"the service ended by itself ({code})", detail=detail, hint=None if detail else LOG_HINT
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process: with SIGTERM, and after 10 s with SIGKILL."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
