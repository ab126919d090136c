"""`infer compile`: from a model to its own arithmetic, which is served without scikit-learn."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.commands.build import check_python, make_image
from infer_cli.errors import InferError, ModelNotFound, UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AddedPackages,
    AsJson,
    BaseImageName,
    ModelFile,
    NoEnvironment,
    OwnCodePaths,
    Trust,
    Verbose,
    examples_option,
    output_option,
    python_option,
    tag_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import difference_text, size_text

if TYPE_CHECKING:
    from infer_cli.building.compile import Parity, Report
    from infer_cli.building.prepare import BuildRequest
    from infer_cli.engine.connection import Engine
    from infer_cli.inspection import Inspection
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress

_SUFFIX = ".lean"
# In the model folder, where it does not make a second model of that folder.
_FOLDER = "compiled"
# What the image that a model is compiled in is called in its labels; it gets no name, and is not kept.
_WORKSHOP = "infer-compile"


def compile_(  # noqa: PLR0913 (each is an option of the command)
    what: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file, or the folder that holds one.")
    ],
    *,
    model_file: ModelFile = None,
    target: Annotated[
        Path | None,
        output_option(f"Where to write it.  [default: {_FOLDER}/NAME{_SUFFIX} beside the model]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    examples: Annotated[
        Path | None,
        examples_option(
            "Rows to compare the compiled model with the model on (.csv, .json, .jsonl, .parquet), besides "
            "the rows that infer generates; with --tag, the image is proved with them, as by build."
        ),
    ] = None,
    tag: Annotated[
        str | None, tag_option("Build an image of this name with the compiled model inside.")
    ] = None,
    base_image: BaseImageName = None,
    python: Annotated[str | None, python_option()] = None,
    no_environment: NoEnvironment = False,
    require: AddedPackages = None,
    code: OwnCodePaths = None,
    trust: Trust = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Make a model that is served without scikit-learn.

    A container without network loads the model, and writes its arithmetic as data if no label differs. The
    file is a model as any other: build, run and serve take it.
    """
    from infer_cli.building.prepare import BuildRequest  # noqa: PLC0415
    from infer_cli.building.verify import read_examples  # noqa: PLC0415
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.inspection import require_safe  # noqa: PLC0415
    from infer_cli.inspection.files.find import model_stem  # noqa: PLC0415
    from infer_cli.plan.own_code import collect_code  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.running.model_mount import mount_found  # noqa: PLC0415

    name = ImageName.parse(tag) if tag else None
    check_python(python)
    file = _file(what, model_file)
    written = target or file.parent / _FOLDER / f"{model_stem(file.name)}{_SUFFIX}"
    _check_target(written, force=force)
    was_there = written.exists()
    if examples is not None:
        # What is wrong with the file shows at once; whether its rows fit the model, in the container.
        read_examples(examples)
    own_code = collect_code(code or ())
    # Code that the user gives by hand is the user's own, and so trusted.
    trusted = tuple(sorted({*parse_trust(trust or ()), *own_code.modules}))
    mount, model = mount_found(file.parent, file.name)
    _check_model(model, file)
    require_safe(model, trusted)
    request = BuildRequest(
        name=ImageName.parse(_WORKSHOP),
        model=model,
        base_image=base_image,
        python=python,
        added_requirements=tuple(require or ()),
        code=own_code,
        use_environment=not no_environment,
        trusted=trusted,
    )
    with show_progress(verbose=verbose) as progress:
        engine = connect()
        report = _compile(engine, request, progress, mount=mount, examples=examples, target=written)
        mount, compiled = mount_found(written.parent, written.name, is_baked=True)
        text, record = _told(file, compiled, report)
        if name is not None:
            # It needs nothing of what the model needs.
            request = BuildRequest(
                name=name,
                model=compiled,
                bake=True,
                base_image=base_image,
                python=python,
                use_environment=not no_environment,
            )
            try:
                more, image = _image_of(engine, request, progress, mount=mount, examples=examples)
            except BaseException:
                if not was_there:
                    written.unlink(missing_ok=True)
                raise
            text, record = f"{text}\n{more}", {**record, "image": image}
    if name is None:
        text += f"\nBuild an image of it: infer build --tag NAME:TAG --bake {_options(written)}"
    output.show(text, record, as_json=as_json)


def _file(what: Path, name: str | None) -> Path:
    """The model that the user means."""
    from infer_cli.inspection import find_model  # noqa: PLC0415 (keeps `infer --help` quick)

    if what.is_dir():
        return find_model(what, name)
    if not what.exists():
        raise ModelNotFound(f"There is no {what}.", hint="Name a model file, or the folder that holds one.")
    if name is not None:
        raise UsageError("--model-file needs a folder", hint=f"leave it out, or name {what.parent}")
    return what


def _check_target(target: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written, before anything takes time."""
    if target.suffix.lower() != _SUFFIX:
        message = f"--output {target} is no name of a compiled model"
        raise UsageError(message, hint=f"let it end in {_SUFFIX}, for example {target.stem}{_SUFFIX}")
    if target.is_dir():
        raise InferError(f"{target} is a folder", hint="choose another file with --output")
    if target.exists() and not force:
        message = f"{target} exists already; nothing was done"
        raise InferError(
            message,
            hint="write over it with --force, choose another file with --output, or build an image of it: "
            f"`infer build --tag NAME:TAG --bake {_options(target)}`",
        )
    folder = next(folder for folder in target.absolute().parents if folder.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        message = f"nothing can be written into {folder}"
        raise InferError(message, hint="choose another file with --output")


def _check_model(model: Inspection, file: Path) -> None:
    """Refuse models that need no scikit-learn already."""
    if model.format in ("lean", "onnx"):
        what = (
            "compiled already"
            if model.format == "lean"
            else "an ONNX model, which is served without scikit-learn"
        )
        raise UsageError(f"{file} is {what}", hint=f"build it: `infer build --tag NAME:TAG {_options(file)}`")


def _compile(
    engine: Engine,
    request: BuildRequest,
    progress: Progress,
    *,
    mount: ModelMount,
    examples: Path | None,
    target: Path,
) -> Report:
    """Compile the model in an image that is not kept, and put the result in its place if it is good."""
    from infer_cli.building.compile import compile_in  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.building.prepare import prepare_build  # noqa: PLC0415
    from infer_cli.engine.builder import build_image, discard_image  # noqa: PLC0415
    from infer_cli.inspection import inspect_model  # noqa: PLC0415
    from infer_cli.running.model_mount import user_for  # noqa: PLC0415

    plan = prepare_build(request, engine, progress)
    progress.stage("Building the image to compile in, which is not kept")
    built = build_image(engine, plan, on_event=progress.on_event)
    try:
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / target.name
            progress.stage(f"Compiling {mount.file}")
            with draft.open("wb") as content:
                report = compile_in(
                    engine,
                    built.image_id,
                    model=mount,
                    user=user_for(mount, engine_is_local=engine.is_local),
                    trusted=request.trusted,
                    examples=examples,
                    target=content,
                )
            inspect_model(draft)
            _put(draft, target)
    finally:
        discard_image(engine, built)
    return report


def _put(draft: Path, target: Path) -> None:
    """Copy the file to its place, where it appears whole or not at all."""
    new = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(draft, new)
        new.replace(target)
    except OSError as error:
        message = f"{target} could not be written: {error.strerror or error}"
        raise InferError(message, hint="make room, or choose another file with --output") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _image_of(
    engine: Engine,
    request: BuildRequest,
    progress: Progress,
    *,
    mount: ModelMount,
    examples: Path | None,
) -> tuple[str, dict[str, object]]:
    """Build and prove the image with the compiled model inside; give the result as text and as a record."""
    from infer_cli.building.prepare import prepare_build  # noqa: PLC0415 (keeps `infer --help` quick)

    plan = prepare_build(request, engine, progress)
    built, proof = make_image(engine, plan, progress, mount=mount, bake=True, examples=examples)
    name, size = request.name, size_text(built.size_bytes)
    text = f"Built {name} ({size}, {built.image_id[:19]})\nProof: {proof}\nStart it: infer run {name}"
    return text, {"tag": str(name), "id": built.image_id, "size_bytes": built.size_bytes, "proof": proof}


def _told(file: Path, compiled: Inspection, report: Report) -> tuple[str, dict[str, object]]:
    """The result as text and as a record."""
    parities = {"generated": report.generated, "given": report.given}
    text = "\n".join(
        [
            f"Compiled {file} to {compiled.path} ({size_text(compiled.size_bytes)})",
            _table(parities, is_classifier=compiled.kind == "classifier"),
        ]
    )
    return text, {
        "model": str(file),
        "file": str(compiled.path),
        "size_bytes": compiled.size_bytes,
        "digest": f"sha256:{compiled.sha256}",
        "parity": {
            "generated": asdict(report.generated),
            "given": asdict(report.given) if report.given else None,
        },
    }


def _table(parities: dict[str, Parity | None], *, is_classifier: bool) -> str:
    """A line for each kind of rows: how far the compiled model is from the model."""
    header = ("ROWS", "COUNT", "OTHER LABELS", "LARGEST DIFFERENCE")
    lines = [
        (
            name,
            str(parity.rows),
            str(parity.different_labels) if is_classifier else "-",
            difference_text(max(parity.value_difference, parity.probability_difference)),
        )
        for name, parity in parities.items()
        if parity is not None
    ]
    return output.table(header, lines)


def _options(file: Path) -> str:
    """The options of a build that name the model."""
    from infer_cli.inspection.files.find import models_in  # noqa: PLC0415 (keeps `infer --help` quick)

    which = f" --model-file {file.name}" if len(models_in(file.parent)) > 1 else ""
    return f"--model-dir {file.parent}{which}"
