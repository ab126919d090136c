"""`infer build`: makes an image for a model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.commands.built_image import describe_image, described, offer_examples
from infer_cli.errors import UsageError
from infer_cli.image.base import architecture_of, check_python
from infer_cli.image.name import ImageName
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    Accepted,
    AddedPackages,
    AsJson,
    BaseImageName,
    ClassLabels,
    FailOn,
    FeatureNames,
    Member,
    ModelFile,
    ModelFolder,
    ModelPath,
    NoEnvironment,
    OptionalFeatures,
    OwnCodePaths,
    Platform,
    Tracing,
    Trust,
    Verbose,
    examples_option,
    python_option,
    tag_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.building.naming import ModelPlace
    from infer_cli.packages.audit import Audit
    from infer_cli.packages.vulnerabilities import Severity, Tolerance
    from infer_cli.plan.build import BuildPlan
    from infer_cli.terminal.progress import Progress


def build(  # noqa: PLR0913 (each is an option of the command)
    model: ModelPath = None,
    *,
    tag: Annotated[
        str | None, tag_option("The name of the image.  [default: made from the model's path]")
    ] = None,
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
            help="Use the exact packages of this file; write the file if there is none.",
        ),
    ] = None,
    no_environment: NoEnvironment = False,
    require: AddedPackages = None,
    tracing: Tracing = False,
    code: OwnCodePaths = None,
    sbom: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the image's software bill of materials (CycloneDX) to this file.",
        ),
    ] = None,
    provenance: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write what the image was built from (SLSA provenance, without a signature) to this file.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        examples_option(
            "Rows to prove the image with (.csv, .json, .jsonl, .parquet); answers are compared with the "
            "columns prediction and probability_CLASS of the file, if there are any."
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Keep the image only if its service answers."),
    ] = True,
    fail_on: FailOn = None,
    accept: Accepted = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer again.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the image when it is built.")] = False,
    trust: Trust = None,
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Build an image that serves a model."""
    builds = not (eject or dry_run)
    has_model = (model or model_dir) is not None
    wanted = ImageName.parse(tag) if tag else None
    _check_unbuilt(eject, {"--push": push, "--provenance": provenance}, builds=builds)
    _check_options(has_model=has_model, bake=bake, builds=builds, examples=examples, verify=verify)
    _check_declared(features, optional, classes, member, has_model=has_model)
    _check_target(platform, python)
    tolerance = _tolerance(fail_on, accept)
    with show_progress(verbose=verbose) as progress:
        progress.stage(f"Inspecting {model or model_dir}" if has_model else "Choosing packages")
        from infer_cli.building.build import ProofRequest, make_image, write_sbom  # noqa: PLC0415
        from infer_cli.building.inputs import mount_safe_model, read_inputs  # noqa: PLC0415
        from infer_cli.building.naming import image_name_for, place_given  # noqa: PLC0415
        from infer_cli.building.prepare import prepare_build  # noqa: PLC0415
        from infer_cli.building.provenance import BuildRun, write_provenance  # noqa: PLC0415
        from infer_cli.building.request import BuildRequest  # noqa: PLC0415
        from infer_cli.engine.connection import connect  # noqa: PLC0415
        from infer_cli.inspection import declared_by_options  # noqa: PLC0415

        place = place_given(model, model_dir, model_file)
        declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
        folder, file = (place.folder, place.file) if place else (None, None)
        own_code, trusted, expected = read_inputs(folder, code, trust, examples, progress.note)
        mount = mount_safe_model(
            folder, file, declared, examples, is_baked=bake, trusted=trusted, note=progress.note
        )
        engine = connect() if builds else None
        name = image_name_for(engine, wanted, place)
        request = BuildRequest(
            name=name,
            model=mount.inspection if mount else None,
            bake=bake,
            base_image=base_image,
            python=python,
            platform=platform,
            added_requirements=tuple(require or ()),
            tracing=tracing,
            code=own_code,
            lock_file=lock,
            use_environment=not no_environment,
            trusted=trusted,
            no_cache=no_cache,
            tolerance=tolerance,
        )
        plan = prepare_build(request, engine, progress)
        _write(sbom, lambda path: write_sbom(plan, path), progress)
        proof = ProofRequest(mount, is_baked=bake, examples=expected, is_wanted=verify)
        if engine is None:
            text, record = _leave_unbuilt(plan, eject, progress)
        else:
            run = BuildRun(engine.version)
            image = make_image(engine, plan, proof, progress, push=push)
            _write(provenance, lambda path: write_provenance(path, image, request, plan, run), progress)
            text, record = describe_image(image)
            text += _called_after(place) if wanted is None else ""
            text += offer_examples(mount, examples) + ("" if push else _start_line(name, place, bake=bake))
    output.show(text, record, as_json=as_json)


def _check_unbuilt(eject: Path | None, for_images: dict[str, object], *, builds: bool) -> None:
    """Refuse options for an image where none is built, and to write a folder over what is there."""
    from infer_cli.building.build import require_empty_folder  # noqa: PLC0415 (keeps `infer --help` quick)

    for option in (name for name, value in for_images.items() if value and not builds):
        raise UsageError(f"{option} needs a build; it does not go with --eject or --dry-run")
    if eject is not None:
        require_empty_folder(eject)


def _check_options(
    *,
    has_model: bool,
    bake: bool,
    builds: bool,
    examples: Path | None,
    verify: bool,
) -> None:
    """Refuse options that contradict each other."""
    if bake and not has_model:
        raise UsageError("--bake needs the model", hint="say where it is: `infer build MODEL`")
    if examples and not (has_model and builds):
        raise UsageError(
            "--examples needs a build with a model", hint="say where the model is: `infer build MODEL`"
        )
    if examples and not verify:
        raise UsageError("--examples are for the proof, which --no-verify leaves out")


def _check_declared(*given: str | None, has_model: bool) -> None:
    """Refuse to be told something of a model that is not there."""
    if any(given) and not has_model:
        message = "--features, --optional, --classes and --member tell something of a model"
        raise UsageError(message, hint="say where it is: `infer build MODEL`")


def _check_target(platform: str | None, python: str | None) -> None:
    """Refuse a processor or a Python version that no image can have."""
    if platform:
        architecture_of(platform)
    check_python(python)


def _tolerance(fail_on: Severity | None, accept: list[str] | None) -> Tolerance:
    """Which known vulnerabilities the packages may have."""
    from infer_cli.packages.vulnerabilities import Tolerance  # noqa: PLC0415 (keeps `infer --help` quick)

    if accept and fail_on is None:
        raise UsageError(
            "--accept is for builds that --fail-on would end", hint="leave it out, or say --fail-on high"
        )
    return Tolerance(fail_on, tuple(accept or ()))


def _leave_unbuilt(plan: BuildPlan, eject: Path | None, progress: Progress) -> tuple[str, dict[str, object]]:
    """Write the folder for plain Docker, if wanted, and tell the plan."""
    from infer_cli.building.build import audit_plan, eject_plan  # noqa: PLC0415 (keeps `infer --help` quick)

    audit = audit_plan(plan, progress)
    if eject is not None:
        eject_plan(plan, eject)
    return _describe_plan(plan, eject, audit)


def _describe_plan(plan: BuildPlan, eject: Path | None, audit: Audit) -> tuple[str, dict[str, object]]:
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
        "vulnerabilities": audit.as_dict(),
    }
    if eject is not None:
        command = f"docker build --network none -t {plan.name} {eject}"
        text = f"Wrote {eject}\nBuild it with plain Docker:\n  {command}{described(audit)}"
        return text, {**record, "folder": str(eject)}
    packages = "\n".join(
        f"  {package}=={version}  ({plan.version_sources[package]})"
        for package, version in plan.lock.pins.items()
    )
    text = (
        f"Would build {plan.name} from {plan.base.reference} "
        f"(Python {plan.base.python}, {plan.base.architecture})\n"
        f"packages ({plan.lock.digest[:19]}):\n{packages}{described(audit)}\n"
        f"context: {len(plan.context.files)} files, {size_text(plan.context.size_bytes)}\n"
        f"Dockerfile:\n\n{plan.dockerfile}"
    )
    return text, record


def _write(path: Path | None, write: Callable[[Path], None], progress: Progress) -> None:
    """Write a file if one is wanted, and say so."""
    if path is not None:
        write(path)
        progress.note(f"Wrote {path}")


def _called_after(place: ModelPlace | None) -> str:
    """A line that says where the name of the image comes from."""
    return f"\nIt is called after {place.source}; --tag calls it otherwise." if place else ""


def _start_line(name: ImageName, place: ModelPlace | None, *, bake: bool) -> str:
    """A line with the command that starts a service of the image."""
    return f"\nStart it: {_run_command(name, place, bake=bake)}"


def _run_command(name: ImageName, place: ModelPlace | None, *, bake: bool) -> str:
    """The command that starts a service of the image."""
    if bake or place is None:
        return f"infer run {name}" if bake else f"infer run {name} --model-dir DIR"
    which = ["--model-file", place.file] if place.file else []
    return shlex.join(["infer", "run", str(name), "--model-dir", str(place.folder), *which])
