"""`infer doctor`: whether everything that infer needs is there, and what to do if not."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from infer_cli.errors import EngineError, InferError
from infer_cli.image.base import (
    BASE_IMAGE_VARIABLE,
    DEFAULT_PYTHON,
    LOCAL_BASE_NAME,
    BaseImage,
    official_base,
)
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine

# A first build needs about this much on the engine, and half of it in the cache of packages.
_NEEDED_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Each line of `advice` says one thing to know or to do; `value` is what was found for a script to use.
    """

    check: str
    is_well: bool
    message: str
    advice: str | None = None
    value: str | None = None


def doctor(*, as_json: AsJson = False) -> None:
    """Check the engine, disk, cache, base image and package index.

    Says what to do about each that is not well.
    """
    findings = list(_findings())
    is_well = all(finding.is_well for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.check}: {finding.message}")
        lines += [f"      {line}" for line in (finding.advice or "").splitlines()]
    record = {"ok": is_well, "checks": [asdict(finding) for finding in findings]}
    output.show("\n".join(lines), record, as_json=as_json)
    raise typer.Exit(0 if is_well else 1)


def _findings() -> Iterator[Finding]:
    engine: Engine | None = None
    try:
        engine = _connect()
    except InferError as error:
        yield Finding("engine", is_well=False, message=error.message, advice=_advice(error))
    else:
        yield Finding("engine", is_well=True, message=f"{engine.version} at {engine.endpoint.url}")
        yield _check_engine_disk(engine)
        yield _check_base(engine)
    yield _check_cache()
    yield _check_index()


def _connect() -> Engine:
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)

    return connect()


def _check_engine_disk(engine: Engine) -> Finding:
    from infer_cli.engine.connection import data_folder  # noqa: PLC0415 (see above)

    folder = data_folder(engine)
    if not engine.is_local or folder is None or not folder.exists():
        return Finding("engine's disk", is_well=True, message="on another machine, not looked at")
    return _disk("engine's disk", folder, "free some: `docker system df`, then `docker system prune`")


def _check_cache() -> Finding:
    """Write into the cache, as a build does, and look at the space there."""
    from infer_cli.packages.wheels import cache_folder  # noqa: PLC0415 (see above)

    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
    except OSError as error:
        message = f"cannot write into {folder}: {error.strerror or error}"
        advice = "let yourself write there, or choose another place with INFER_CACHE_DIR"
        return Finding("package cache", is_well=False, message=message, advice=advice)
    return _disk("package cache", folder, "free some, or choose another place with INFER_CACHE_DIR")


def _disk(check: str, folder: Path, advice: str) -> Finding:
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    is_well = free >= _NEEDED_BYTES
    message = f"{size_text(free)} free at {folder}"
    return Finding(check, is_well, message, None if is_well else advice)


def _check_base(engine: Engine) -> Finding:
    from infer_cli.engine.images import find_image, registry_knows  # noqa: PLC0415 (see above)

    reference = os.environ.get(BASE_IMAGE_VARIABLE) or official_base(DEFAULT_PYTHON)
    if find_image(engine, reference):
        return Finding("base image", is_well=True, message=f"{reference} is on the engine", value=reference)
    try:
        is_known = registry_knows(engine, reference)
    except EngineError as error:
        local = f"{LOCAL_BASE_NAME}:{DEFAULT_PYTHON}"
        if not find_image(engine, local):
            return Finding(
                "base image", is_well=False, message=error.message, advice="make one: `infer base`"
            )
        return Finding(
            "base image",
            is_well=True,
            message=f"{local} is on the engine; {reference} cannot be pulled",
            advice=f"build with --base-image {local}, or export {BASE_IMAGE_VARIABLE}={local}",
            value=local,
        )
    message = (
        f"{reference} can be pulled" if is_known else f"{reference} is to be pulled; the engine cannot tell"
    )
    return Finding("base image", is_well=True, message=message, value=reference)


def _check_index() -> Finding:
    from infer_cli.packages.lock import resolve_lock  # noqa: PLC0415 (see above)

    base = BaseImage(official_base(DEFAULT_PYTHON), DEFAULT_PYTHON, "amd64")
    try:
        with tempfile.TemporaryDirectory() as cache:
            lock = resolve_lock(("joblib",), base, cache=Path(cache))
    except InferError as error:
        return Finding("package index", is_well=False, message=error.message, advice=_advice(error))
    return Finding("package index", is_well=True, message=f"answers (joblib {lock.pins['joblib']})")


def _advice(error: InferError) -> str:
    return "\n".join(part for part in (error.detail, error.hint) if part)
