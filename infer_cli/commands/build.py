"""`infer build`: from a model to an image."""

from __future__ import annotations

import platform as machine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli import output
from infer_cli.base import BASE_IMAGE_VARIABLE, DEFAULT_PYTHON, BaseImage, official_base, python_of_official
from infer_cli.errors import InferError, UsageError
from infer_cli.image import ImageName
from infer_cli.options import AsJson, ModelFile, ModelFolder, Trust, Verbose
from infer_cli.trust import parse_trust

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.inspection import Inspection
    from infer_cli.output import Progress
    from infer_cli.plan import BuildPlan

_PLATFORMS = ("linux/amd64", "linux/arm64")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def build(  # noqa: PLR0913 (each is an option of the command)
    *,
    tag: Annotated[str, typer.Option("--tag", "-t", metavar="NAME[:TAG]", help="What to call the image.")],
    model_dir: ModelFolder = None,
    model_file: ModelFile = None,
    bake: Annotated[bool, typer.Option("--bake", help="Put the model inside the image.")] = False,
    base_image: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            envvar=BASE_IMAGE_VARIABLE,
            help=f"What the image starts from.  [default: {official_base('X.Y')}]",
            show_default=False,
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="X.Y", help=f"The Python of the image.  [default: {DEFAULT_PYTHON}]", show_default=False
        ),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            metavar="OS/ARCH", help="linux/amd64 or linux/arm64.  [default: the engine's]", show_default=False
        ),
    ] = None,
    eject: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a folder for plain `docker build`, and build nothing.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and the Dockerfile; build nothing.")
    ] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer again.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the image when it is built.")] = False,
    trust: Trust = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Build an image that serves a model."""
    from infer_cli.engine.builder import build_image  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.engine.registry import push_image  # noqa: PLC0415

    name = ImageName.parse(tag)
    request = _BaseRequest(base_image, python, platform)
    _check(request, model_dir=model_dir, bake=bake, eject=eject, only_plans=dry_run, push=push)
    trusted = parse_trust(trust or ())
    model = _inspect(model_dir, model_file, trusted)
    with output.progress(verbose=verbose) as progress:
        engine = None if eject or dry_run else connect()
        base = _find_base(request, engine, progress)
        plan = _prepare(name, base, model, progress, bake=bake, trusted=trusted)
        plan = replace(plan, platform=platform, no_cache=no_cache)
        if engine is not None:
            progress.stage(f"Building {name}")
            built = build_image(engine, plan, on_event=progress.on_event)
            pushed = None
            if push:
                progress.stage(f"Pushing {name}")
                pushed = push_image(engine, name, on_event=progress.on_event)
    if engine is None:
        _show_plan(plan, eject, as_json=as_json)
        return
    text = f"Built {name} ({output.size_text(built.size_bytes)}, {built.image_id[:19]})"
    record: dict[str, object] = {"tag": built.tag, "id": built.image_id, "size_bytes": built.size_bytes}
    if pushed:
        text += f"\nPushed {pushed.reference}"
        record["digest"] = pushed.digest
    else:
        text += f"\nStart it: {_run_command(name, model_dir, bake=bake)}"
    output.show(text, record, as_json=as_json)


@dataclass(frozen=True)
class _BaseRequest:
    """What the user said of the base image."""

    image: str | None
    python: str | None
    platform: str | None

    @property
    def reference(self) -> str:
        return self.image or official_base(self.python or DEFAULT_PYTHON)


def _check(
    request: _BaseRequest,
    *,
    model_dir: Path | None,
    bake: bool,
    eject: Path | None,
    only_plans: bool,
    push: bool,
) -> None:
    if bake and model_dir is None:
        raise UsageError("--bake needs the model", hint="say where it is: --model-dir DIR")
    if push and (eject or only_plans):
        raise UsageError("--push needs a build; it does not go with --eject or --dry-run")
    if request.platform and request.platform not in _PLATFORMS:
        message = f"--platform {request.platform} is not one that wheels are built for"
        raise UsageError(message, hint=f"choose {' or '.join(_PLATFORMS)}")
    if request.python and not _is_python(request.python):
        raise UsageError(
            f"--python {request.python} is not a version", hint="write it as X.Y, for example 3.11"
        )
    if eject is not None and eject.exists() and (not eject.is_dir() or any(eject.iterdir())):
        raise InferError(
            f"{eject} exists and is not an empty folder; nothing was written", hint="choose a new folder"
        )


def _is_python(text: str) -> bool:
    major, dot, minor = text.partition(".")
    return major == "3" and bool(dot) and minor.isdecimal()


def _inspect(folder: Path | None, name: str | None, trusted: tuple[str, ...]) -> Inspection | None:
    """The model; one that would run what no known model does is refused."""
    from infer_cli.inspection import (  # noqa: PLC0415 (keeps `infer --help` quick)
        find_model,
        inspect_model,
        require_safe,
    )

    if folder is None:
        if name is not None:
            raise UsageError("--model-file needs --model-dir", hint="say which folder the model is in")
        return None
    model = inspect_model(find_model(folder, name))
    require_safe(model, trusted)
    return model


def _find_base(request: _BaseRequest, engine: Engine | None, progress: Progress) -> BaseImage:
    """The base image; without an engine, an official one is taken at its name's word."""
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.images import base_image  # noqa: PLC0415

    promised = python_of_official(request.reference)
    if engine is None and promised is not None:
        architecture = _architecture(request.platform)
        base = BaseImage(request.reference, promised, architecture)
    else:
        progress.stage(f"Looking at the base image {request.reference}")
        base = base_image(
            engine or connect(), request.reference, platform=request.platform, on_event=progress.on_event
        )
    if request.python and base.python != request.python:
        message = f"the base image {base.reference} has Python {base.python}, not {request.python}"
        raise UsageError(message, hint="leave out --python, or choose another --base-image")
    return base


def _architecture(platform: str | None) -> str:
    if platform is not None:
        return platform.split("/")[1]
    own = machine.machine().lower()
    return _ARCHITECTURES.get(own, own)


def _prepare(
    name: ImageName,
    base: BaseImage,
    model: Inspection | None,
    progress: Progress,
    *,
    bake: bool,
    trusted: tuple[str, ...],
) -> BuildPlan:
    from infer_cli.assets import find_assets  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.lock import resolve_lock  # noqa: PLC0415
    from infer_cli.packages import cache_folder, packages_archive  # noqa: PLC0415
    from infer_cli.plan import plan_build  # noqa: PLC0415
    from infer_cli.requirements import image_requirements  # noqa: PLC0415

    assets = find_assets()
    progress.stage(f"Choosing packages for Python {base.python} on {base.architecture}")
    lock = resolve_lock(image_requirements(assets, model), base)
    progress.stage(f"Fetching {len(lock.pins)} packages")
    packages = packages_archive(lock, base, cache=cache_folder())
    return plan_build(
        name,
        base=base,
        lock=lock,
        packages=packages,
        assets=assets,
        model=model,
        baked=bake,
        trusted=trusted,
    )


def _show_plan(plan: BuildPlan, eject: Path | None, *, as_json: bool) -> None:
    record: dict[str, object] = {
        "tag": str(plan.name),
        "base_image": plan.base.reference,
        "python": plan.base.python,
        "architecture": plan.base.architecture,
        "requirements": list(plan.lock.requirements),
        "lock_digest": plan.lock.digest,
        "labels": plan.labels,
        "context": {str(file.path): file.size_bytes for file in plan.context.files},
        "dockerfile": plan.dockerfile,
    }
    if eject is not None:
        plan.context.write_folder(eject)
        command = f"docker build --network none -t {plan.name} {eject}"
        text = f"Wrote {eject}\nBuild it with plain Docker:\n  {command}"
        output.show(text, {**record, "folder": str(eject)}, as_json=as_json)
        return
    packages = "\n".join(f"  {requirement}" for requirement in plan.lock.requirements)
    text = (
        f"Would build {plan.name} from {plan.base.reference} "
        f"(Python {plan.base.python}, {plan.base.architecture})\n"
        f"packages ({plan.lock.digest[:19]}):\n{packages}\n"
        f"context: {len(plan.context.files)} files, {output.size_text(plan.context.size_bytes)}\n"
        f"Dockerfile:\n\n{plan.dockerfile}"
    )
    output.show(text, record, as_json=as_json)


def _run_command(name: ImageName, model_dir: Path | None, *, bake: bool) -> str:
    return f"infer run {name}" + ("" if bake else f" --model-dir {model_dir or 'DIR'}")
