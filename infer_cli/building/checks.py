"""Checks that everything a first build needs is there: engine, disk, cache, base image and package index."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.cache import cache_folder
from infer_cli.engine.connection import connect, data_folder
from infer_cli.engine.images import find_image, registry_knows
from infer_cli.errors import EngineError, InferError
from infer_cli.image.base import (
    BASE_IMAGE_VARIABLE,
    DEFAULT_PYTHON,
    LOCAL_BASE_NAME,
    BaseImage,
    official_base,
)
from infer_cli.packages.lock import resolve_lock
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine

# A first build writes about 2 GB into the engine's folder, and half of that into the package cache.
_NEEDED_BYTES = 2_000_000_000
# A small package that every image needs.
_PROBE_PACKAGE = "joblib"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Each line of `advice` is one thing to know or to do. `value` is what a script can use, such as the name of
    the base image.
    """

    check: str
    is_well: bool
    message: str
    advice: str | None = None
    value: str | None = None


def run_checks() -> Iterator[Finding]:
    """Run every check; the engine's disk and the base image are checked only if an engine answers."""
    try:
        engine = connect()
    except InferError as error:
        yield Finding("engine", is_well=False, message=error.message, advice=_advice(error))
    else:
        yield Finding("engine", is_well=True, message=f"{engine.version} at {engine.endpoint.url}")
        yield _check_engine_disk(engine)
        yield _check_base(engine)
    yield _check_cache()
    yield _check_index()


def _check_engine_disk(engine: Engine) -> Finding:
    folder = data_folder(engine)
    if not engine.is_local or folder is None or not folder.exists():
        return Finding("engine's disk", is_well=True, message="on another machine, not looked at")
    return _disk("engine's disk", folder, "free some: `docker system df`, then `docker system prune`")


def _check_cache() -> Finding:
    """Write a file into the package cache, as a build does, and check the free space there."""
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
    free_bytes = status.f_bavail * status.f_frsize
    is_well = free_bytes >= _NEEDED_BYTES
    message = f"{size_text(free_bytes)} free at {folder}"
    return Finding(check, is_well, message, None if is_well else advice)


def _check_base(engine: Engine) -> Finding:
    """Find the base image on the engine or in its registry, else the base image that `infer base` makes."""
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
        f"{reference} can be pulled"
        if is_known
        else f"{reference} must be pulled; the engine cannot check that it can be"
    )
    return Finding("base image", is_well=True, message=message, value=reference)


def _check_index() -> Finding:
    """Resolve one package with an empty cache, so that the package index itself must answer."""
    base = BaseImage(official_base(DEFAULT_PYTHON), DEFAULT_PYTHON, "amd64")
    try:
        with tempfile.TemporaryDirectory() as cache:
            lock = resolve_lock((_PROBE_PACKAGE,), base, cache=Path(cache))
    except InferError as error:
        return Finding("package index", is_well=False, message=error.message, advice=_advice(error))
    version = lock.pins[_PROBE_PACKAGE]
    return Finding("package index", is_well=True, message=f"answers ({_PROBE_PACKAGE} {version})")


def _advice(error: InferError) -> str:
    return "\n".join(part for part in (error.detail, error.hint) if part)
