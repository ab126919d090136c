"""From what the user asks for to a complete plan: the base image and the packages are chosen here."""

from __future__ import annotations

import platform as machine
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infer_cli.assets import find_assets
from infer_cli.engine.base_images import base_image, can_run
from infer_cli.engine.connection import connect
from infer_cli.errors import NothingFits, UsageError
from infer_cli.image.base import PYTHONS, BaseImage, architecture_of, official_base, python_of_official
from infer_cli.packages.lock import check_lock, read_lock, write_lock
from infer_cli.packages.resolution import plan_resolution
from infer_cli.packages.wheels import cache_folder, packages_archive
from infer_cli.plan.build import plan_build
from infer_cli.plan.own_code import OwnCode

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.resolution import Resolution
    from infer_cli.plan.build import BuildPlan
    from infer_cli.terminal.progress import Progress

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class BuildRequest:
    """What the user asks for. None: infer chooses."""

    name: ImageName
    model: Inspection | None = None
    bake: bool = False
    base_image: str | None = None
    python: str | None = None
    platform: str | None = None
    added_requirements: tuple[str, ...] = ()
    code: OwnCode = field(default_factory=OwnCode)
    # What models of the image may name, besides the allow-list.
    trusted: tuple[str, ...] = ()
    lock_file: Path | None = None
    # Whether versions that the model leaves open are those of the current environment, if it is like that
    # of the model.
    use_environment: bool = True
    no_cache: bool = False


def prepare_build(request: BuildRequest, engine: Engine | None, progress: Progress) -> BuildPlan:
    """Choose everything that the request leaves open.

    Without an engine, an official base image is taken at its name's word. Raises `LockFailed`,
    `ImageNotFound` or `UsageError`.
    """
    assets = find_assets()
    wanted = plan_resolution(
        assets,
        request.model,
        added=request.added_requirements,
        own_modules=request.code.modules,
        use_environment=request.use_environment,
    )
    is_reused = request.lock_file is not None and request.lock_file.exists()
    base, lock = _choose(request, wanted, engine, progress)
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
    )
    sources = (
        dict.fromkeys(lock.pins, f"--lock {request.lock_file}") if is_reused else wanted.version_sources(lock)
    )
    return replace(plan, platform=request.platform, no_cache=request.no_cache, version_sources=sources)


def _choose(
    request: BuildRequest, wanted: Resolution, engine: Engine | None, progress: Progress
) -> tuple[BaseImage, Lock]:
    if request.lock_file is not None and request.lock_file.exists():
        return _reuse(request, request.lock_file, wanted, engine, progress)
    if wanted.environment is not None and wanted.preferred:
        progress.stage(f"Preferring the versions of {wanted.environment.folder}")
    if request.base_image or request.python:
        reference = request.base_image or official_base(str(request.python))
        base = _find_base(reference, request, engine, progress)
        lock = _resolve_for(base, wanted, progress)
    else:
        python, lock = _first_that_fits(request, wanted, engine, progress)
        base = _find_base(official_base(python), request, engine, progress)
    if request.lock_file is not None:
        write_lock(lock, request.lock_file)
    return base, lock


def _reuse(
    request: BuildRequest,
    path: Path,
    wanted: Resolution,
    engine: Engine | None,
    progress: Progress,
) -> tuple[BaseImage, Lock]:
    lock = read_lock(path)
    check_lock(lock, wanted.requirements, path=path)
    python = request.python or lock.python or PYTHONS[0]
    base = _find_base(request.base_image or official_base(python), request, engine, progress)
    if not lock.fits(base):
        raise UsageError(
            f"the lock {path} is for Python {lock.python} on {lock.platform}, "
            f"and the base image {base.reference} has Python {base.python} on {base.wheel_platform}",
            hint="choose a base image that fits, or remove the lock to have a new one made",
        )
    return base, lock


def _resolve_for(base: BaseImage, wanted: Resolution, progress: Progress) -> Lock:
    """The packages for a base image that the user chose; an error names the Python that would do."""
    progress.stage(f"Choosing packages for Python {base.python} on {base.architecture}")
    try:
        return wanted.resolve(base)
    except NothingFits as error:
        for python in wanted.pythons:
            other = replace(base, reference=official_base(python), python=python)
            if python != base.python and _fits(wanted, other):
                error.hint = (
                    f"Python {python} has them all: --base-image {other.reference}, or --python {python}"
                )
                break
        raise


def _first_that_fits(
    request: BuildRequest, wanted: Resolution, engine: Engine | None, progress: Progress
) -> tuple[str, Lock]:
    """The first Python for which there are wheels of everything."""
    architecture = _architecture(request.platform, engine)
    failures: list[NothingFits] = []
    for python in wanted.pythons:
        progress.stage(f"Choosing packages for Python {python} on {architecture}")
        try:
            return python, wanted.resolve(BaseImage(official_base(python), python, architecture))
        except NothingFits as error:
            failures.append(error)
    raise failures[0]


def _fits(wanted: Resolution, base: BaseImage) -> bool:
    try:
        wanted.resolve(base)
    except NothingFits:
        return False
    return True


def _find_base(reference: str, request: BuildRequest, engine: Engine | None, progress: Progress) -> BaseImage:
    promised = python_of_official(reference)
    if engine is None and promised is not None:
        base = BaseImage(reference, promised, _architecture(request.platform, engine))
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
    if platform is not None:
        return architecture_of(platform)
    if engine is not None:
        return engine.architecture
    own = machine.machine().lower()
    return _ARCHITECTURES.get(own, own)
