"""Prepares a build: chooses the base image and the packages, and makes the plan."""

from __future__ import annotations

import platform as machine
from dataclasses import replace
from typing import TYPE_CHECKING

from infer_cli.assets import find_assets
from infer_cli.building.fitting import inputs_digest
from infer_cli.cache import cache_folder
from infer_cli.engine.base_images import base_image, can_run
from infer_cli.engine.connection import connect
from infer_cli.errors import NothingFits, UsageError
from infer_cli.image.base import PYTHONS, BaseImage, architecture_of, official_base, python_of_official
from infer_cli.packages.lock import check_lock, read_lock, write_lock
from infer_cli.packages.resolution import plan_resolution
from infer_cli.packages.version_sources import LOCKED
from infer_cli.packages.wheels import packages_archive
from infer_cli.plan.build import plan_build
from infer_cli.plan.code_imports import with_code_imports

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.assets import Assets
    from infer_cli.building.request import BuildRequest
    from infer_cli.engine.connection import Engine
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.resolution import Resolution
    from infer_cli.plan.build import BuildPlan
    from infer_cli.terminal.progress import Progress

# The engine's names of processors, by those of `uname -m`.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def prepare_build(request: BuildRequest, engine: Engine | None, progress: Progress) -> BuildPlan:
    """Choose everything that the request leaves open, fetch the packages, and plan the build.

    Without an engine, the Python version of an official base image is read from its name. Raises
    `LockFailed`, `ImageNotFound` or `UsageError`.
    """
    for note in request.model.notes if request.model else ():
        progress.note(note)
    assets = find_assets()
    resolution = resolution_for(request, assets)
    inputs = inputs_of(request, resolution, assets, engine)
    is_reused = request.lock_file is not None and request.lock_file.exists()
    base, lock = _choose(request, resolution, engine, progress)
    progress.stage(f"Fetching {len(lock.pins)} packages")
    runs = engine is None or can_run(engine, base)
    packages = packages_archive(lock, base, cache=cache_folder(), with_bytecode=not runs)
    plan = plan_build(
        request.name,
        base=base,
        lock=lock,
        packages=packages,
        assets=assets,
        model=request.model,
        baked=request.bake,
        code=request.code,
        can_run=runs,
        trusted=request.trusted,
        inputs=inputs,
    )
    sources = (
        dict.fromkeys(lock.pins, f"{LOCKED}{request.lock_file}")
        if is_reused
        else resolution.version_sources(lock)
    )
    return replace(
        plan,
        platform=request.platform,
        no_cache=request.no_cache,
        version_sources=sources,
        tolerance=request.tolerance,
    )


def resolution_for(request: BuildRequest, assets: Assets) -> Resolution:
    """The requirements of the image, and the versions to prefer; raises `ModelUnreadable`."""
    return plan_resolution(
        assets,
        with_code_imports(request.model, request.code),
        added=request.added_requirements,
        own_modules=request.code.modules,
        use_environment=request.use_environment,
        tracing=request.tracing,
    )


def inputs_of(request: BuildRequest, resolution: Resolution, assets: Assets, engine: Engine | None) -> str:
    """The digest of all that decides what is inside the image; see `inputs_digest`."""
    base = BaseImage(official_base(PYTHONS[0]), PYTHONS[0], _architecture(request.platform, engine))
    return inputs_digest(request, resolution, assets, base.machine)


def _choose(
    request: BuildRequest, resolution: Resolution, engine: Engine | None, progress: Progress
) -> tuple[BaseImage, Lock]:
    """The base image and the packages: from the lock file, or for the base image, or for the first Python."""
    if request.lock_file is not None and request.lock_file.exists():
        return _from_lock(request, request.lock_file, resolution, engine, progress)
    if resolution.environment is not None and resolution.preferred:
        progress.stage(f"Preferring the versions of {resolution.environment.folder}")
    if request.base_image or request.python:
        reference = request.base_image or official_base(str(request.python))
        base = _find_base(reference, request, engine, progress)
        lock = _resolve_for(base, resolution, progress)
    else:
        python, lock = _first_that_fits(request, resolution, engine, progress)
        base = _find_base(official_base(python), request, engine, progress)
    if request.lock_file is not None:
        write_lock(lock, request.lock_file)
        progress.note(f"Wrote {request.lock_file}")
    return base, lock


def _from_lock(
    request: BuildRequest,
    path: Path,
    resolution: Resolution,
    engine: Engine | None,
    progress: Progress,
) -> tuple[BaseImage, Lock]:
    """The packages of a lock file, and a base image with the Python and the platform of the lock."""
    lock = read_lock(path)
    check_lock(lock, resolution.requirements, path=path)
    python = request.python or lock.python or PYTHONS[0]
    base = _find_base(request.base_image or official_base(python), request, engine, progress)
    if not lock.fits(base):
        raise UsageError(
            f"the lock {path} is for Python {lock.python} on {lock.platform}, "
            f"and the base image {base.reference} has Python {base.python} on {base.wheel_platform}",
            hint="choose a base image that fits, or remove the lock to have a new one made",
        )
    return base, lock


def _resolve_for(base: BaseImage, resolution: Resolution, progress: Progress) -> Lock:
    """The packages for a base image that the user chose; an error names a Python version that would do."""
    progress.stage(f"Choosing packages for Python {base.python} on {base.architecture}")
    try:
        return resolution.resolve(base)
    except NothingFits as error:
        for python in resolution.pythons:
            other = replace(base, reference=official_base(python), python=python)
            if python != base.python and _fits(resolution, other):
                error.hint = (
                    f"Python {python} has them all: --base-image {other.reference}, or --python {python}"
                )
                break
        raise


def _first_that_fits(
    request: BuildRequest, resolution: Resolution, engine: Engine | None, progress: Progress
) -> tuple[str, Lock]:
    """The first Python version for which every package has a wheel; raises the first `NothingFits`."""
    architecture = _architecture(request.platform, engine)
    failures: list[NothingFits] = []
    for python in resolution.pythons:
        progress.stage(f"Choosing packages for Python {python} on {architecture}")
        try:
            return python, resolution.resolve(BaseImage(official_base(python), python, architecture))
        except NothingFits as error:
            failures.append(error)
    raise failures[0]


def _fits(resolution: Resolution, base: BaseImage) -> bool:
    try:
        resolution.resolve(base)
    except NothingFits:
        return False
    return True


def _find_base(reference: str, request: BuildRequest, engine: Engine | None, progress: Progress) -> BaseImage:
    """The base image with this name; without an engine, an official one is not looked at."""
    python = python_of_official(reference)
    if engine is None and python is not None:
        base = BaseImage(reference, python, _architecture(request.platform, engine))
    else:
        progress.stage(f"Looking at the base image {reference}")
        base = base_image(
            engine or connect(), reference, platform=request.platform, on_event=progress.on_event
        )
    if request.python and base.python != request.python:
        message = f"the base image {base.reference} has Python {base.python}, not {request.python}"
        raise UsageError(message, hint="leave out --python, or choose another --base-image")
    return base


def _architecture(platform: str | None, engine: Engine | None) -> str:
    """The processor of the image, as the engine names it: the chosen one, the engine's, or this machine's."""
    if platform is not None:
        return architecture_of(platform)
    if engine is not None:
        return engine.architecture
    own = machine.machine().lower()
    return _ARCHITECTURES.get(own, own)
