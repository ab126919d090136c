"""`infer build`: from a model to an image."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import InferError, UsageError
from infer_cli.image.base import architecture_of
from infer_cli.image.name import ImageName
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AddedPackages,
    AsJson,
    BaseImageName,
    ModelFile,
    ModelFolder,
    NoEnvironment,
    OwnCodePaths,
    Platform,
    Trust,
    Verbose,
    examples_option,
    python_option,
    tag_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from infer_cli.engine.builder import BuiltImage
    from infer_cli.engine.connection import Engine
    from infer_cli.plan.build import BuildPlan
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress


def build(  # noqa: PLR0913 (each is an option of the command)
    *,
    tag: Annotated[str, tag_option("The name of the image.")],
    model_dir: ModelFolder = None,
    model_file: ModelFile = None,
    bake: Annotated[bool, typer.Option("--bake", help="Put the model inside the image.")] = False,
    base_image: BaseImageName = None,
    python: Annotated[str | None, python_option()] = None,
    platform: Platform = None,
    eject: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a folder for plain `docker build`, and build nothing.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and the Dockerfile; build nothing.")
    ] = False,
    lock: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Use the exact packages of this file; write it if it is new.",
        ),
    ] = None,
    no_environment: NoEnvironment = False,
    require: AddedPackages = None,
    code: OwnCodePaths = None,
    sbom: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the bill of materials (CycloneDX) that is in the image.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        examples_option(
            "Rows to prove the image with (.csv, .json, .jsonl, .parquet); answers are compared with its "
            "columns prediction and probability_CLASS, if it has them."
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Let the built service answer before the image is kept."),
    ] = True,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer again.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the image when it is built.")] = False,
    trust: Trust = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Build an image that serves a model."""
    from infer_cli.building.prepare import BuildRequest, prepare_build  # noqa: PLC0415
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.engine.registry import push_image  # noqa: PLC0415
    from infer_cli.inspection import require_safe  # noqa: PLC0415
    from infer_cli.plan.own_code import collect_code  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.running.model_mount import mount_model  # noqa: PLC0415

    name = ImageName.parse(tag)
    builds = not (eject or dry_run)
    _check_wishes(
        has_model=model_dir is not None,
        bake=bake,
        builds=builds,
        push=push,
        examples=examples,
        verify=verify,
    )
    _check_target(python, platform, eject)
    own_code = collect_code(code or ())
    # Code that the user gives by hand is the user's own, and so trusted.
    trusted = tuple(sorted({*parse_trust(trust or ()), *own_code.modules}))
    mount = mount_model(model_dir, model_file, writable=False, is_baked=bake)
    model = mount.inspection if mount else None
    if model is not None:
        require_safe(model, trusted)
    request = BuildRequest(
        name=name,
        model=model,
        bake=bake,
        base_image=base_image,
        python=python,
        platform=platform,
        added_requirements=tuple(require or ()),
        code=own_code,
        lock_file=lock,
        use_environment=not no_environment,
        trusted=trusted,
        no_cache=no_cache,
    )
    is_new_lock = lock is not None and not lock.exists()
    with show_progress(verbose=verbose) as progress:
        engine = connect() if builds else None
        plan = prepare_build(request, engine, progress)
        if is_new_lock:
            output.note(f"Wrote {lock}")
        if sbom is not None:
            _write(sbom, plan.sbom)
            output.note(f"Wrote {sbom}")
        if engine is not None:
            built, proof = make_image(
                engine, plan, progress, mount=mount if verify else None, bake=bake, examples=examples
            )
            pushed = None
            if push:
                progress.stage(f"Pushing {name}")
                pushed = push_image(engine, name, on_event=progress.on_event)
    if engine is None:
        _show_plan(plan, eject, as_json=as_json)
        return
    proof = proof or _why_not_proved(plan, mount)
    text = f"Built {name} ({size_text(built.size_bytes)}, {built.image_id[:19]})\nProof: {proof}"
    record: dict[str, object] = {
        "tag": str(name),
        "id": built.image_id,
        "size_bytes": built.size_bytes,
        "proof": proof,
    }
    if pushed:
        text += f"\nPushed {pushed.reference}"
        record["digest"] = pushed.digest
    else:
        text += f"\nStart it: {_run_command(name, model_dir, model_file, bake=bake)}"
    output.show(text, record, as_json=as_json)


def make_image(
    engine: Engine,
    plan: BuildPlan,
    progress: Progress,
    *,
    mount: ModelMount | None,
    bake: bool,
    examples: Path | None,
) -> tuple[BuiltImage, str | None]:
    """Build the image, prove it with the model of `mount` if there is one, and only then name it."""
    from infer_cli.engine.builder import build_image, discard_image, name_image  # noqa: PLC0415 (see above)

    progress.stage(f"Building {plan.name}")
    built = build_image(engine, plan, on_event=progress.on_event)
    proof = None
    try:
        if mount is not None and plan.can_run:
            proof = _prove(engine, built, mount, progress, bake=bake, examples=examples)
    except BaseException:
        discard_image(engine, built)
        raise
    name_image(engine, built, plan.name)
    return built, proof


def _check_wishes(
    *, has_model: bool, bake: bool, builds: bool, push: bool, examples: Path | None, verify: bool
) -> None:
    """Refuse options that contradict each other, before anything is looked at."""
    if bake and not has_model:
        raise UsageError("--bake needs the model", hint="say where it is: --model-dir DIR")
    if push and not builds:
        raise UsageError("--push needs a build; it does not go with --eject or --dry-run")
    if examples and not (has_model and builds):
        raise UsageError(
            "--examples needs a build with a model", hint="say where the model is: --model-dir DIR"
        )
    if examples and not verify:
        raise UsageError("--examples are for the proof, which --no-verify leaves out")


def _check_target(python: str | None, platform: str | None, eject: Path | None) -> None:
    """Refuse what no image can be made for, and a folder that has something in it."""
    if platform:
        architecture_of(platform)
    check_python(python)
    if eject is not None and eject.exists() and (not eject.is_dir() or any(eject.iterdir())):
        raise InferError(
            f"{eject} exists and is not an empty folder; nothing was written", hint="choose a new folder"
        )


def _why_not_proved(plan: BuildPlan, mount: ModelMount | None) -> str:
    if mount is None:
        return "none, as no model was given (--model-dir DIR)"
    if not plan.can_run:
        return f"none, as this engine cannot run programs for {plan.base.architecture}"
    return "none (--no-verify)"


def _prove(
    engine: Engine,
    built: BuiltImage,
    mount: ModelMount,
    progress: Progress,
    *,
    bake: bool,
    examples: Path | None,
) -> str:
    """Let a service of the image answer, unless just that was proved before; says what was found."""
    from infer_cli.building.verify import fingerprint, verify_image  # noqa: PLC0415
    from infer_cli.packages.wheels import cache_folder  # noqa: PLC0415
    from infer_cli.running.model_mount import user_for  # noqa: PLC0415 (keeps `infer --help` quick)

    proof = cache_folder() / "verified" / fingerprint(built.image_id, mount.digest, examples)
    if proof.exists():
        return "unchanged since it answered before"
    progress.stage("Letting the built service answer")
    verified = verify_image(
        engine,
        built.image_id,
        model=None if bake else mount,
        user=None if bake else user_for(mount, engine_is_local=engine.is_local),
        examples=examples,
        is_single=mount.inspection is not None and mount.inspection.format == "onnx",
    )
    compared = f", {verified.compared} answers as expected" if verified.compared else ""
    proof.parent.mkdir(parents=True, exist_ok=True)
    proof.touch()
    return f"it answered {verified.rows} rows{compared}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InferError(f"cannot write {path}: {error.strerror}") from error


def check_python(python: str | None) -> None:
    """Refuse what is no version of Python 3."""
    major, dot, minor = (python or "3.11").partition(".")
    if not (major == "3" and dot and minor.isdecimal()):
        raise UsageError(f"--python {python} is not a version", hint="write it as X.Y, for example 3.11")


def _show_plan(plan: BuildPlan, eject: Path | None, *, as_json: bool) -> None:
    record: dict[str, object] = {
        "tag": str(plan.name),
        "base_image": plan.base.reference,
        "python": plan.base.python,
        "architecture": plan.base.architecture,
        "requirements": list(plan.lock.requirements),
        "sources": plan.version_sources,
        "lock_digest": plan.lock.digest,
        "labels": plan.labels,
        "context": {str(file.path): file.size_bytes for file in plan.context.files},
        "dockerfile": plan.dockerfile,
    }
    if eject is not None:
        _eject(plan, eject)
        command = f"docker build --network none -t {plan.name} {eject}"
        text = f"Wrote {eject}\nBuild it with plain Docker:\n  {command}"
        output.show(text, {**record, "folder": str(eject)}, as_json=as_json)
        return
    packages = "\n".join(
        f"  {package}=={version}  ({plan.version_sources[package]})"
        for package, version in plan.lock.pins.items()
    )
    text = (
        f"Would build {plan.name} from {plan.base.reference} "
        f"(Python {plan.base.python}, {plan.base.architecture})\n"
        f"packages ({plan.lock.digest[:19]}):\n{packages}\n"
        f"context: {len(plan.context.files)} files, {size_text(plan.context.size_bytes)}\n"
        f"Dockerfile:\n\n{plan.dockerfile}"
    )
    output.show(text, record, as_json=as_json)


def _eject(plan: BuildPlan, folder: Path) -> None:
    """Write the context to `folder`, whole or not at all."""
    try:
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, ignore_cleanup_errors=True) as name:
            whole = Path(name) / "context"
            whole.mkdir()
            plan.context.write_folder(whole)
            whole.replace(folder)
    except OSError as error:
        raise InferError(f"cannot write {folder}: {error.strerror}") from error


def _run_command(name: ImageName, model_dir: Path | None, model_file: str | None, *, bake: bool) -> str:
    if bake:
        return f"infer run {name}"
    which = f" --model-file {model_file}" if model_file else ""
    return f"infer run {name} --model-dir {model_dir or 'DIR'}{which}"
