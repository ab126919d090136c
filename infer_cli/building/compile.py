"""Compiles a model: into a file, and into an image with the file inside if one is wanted."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.building.build import ProofRequest, make_image
from infer_cli.building.compile_task import compile_in
from infer_cli.building.prepare import prepare_build
from infer_cli.building.sample import declared_with_sample
from infer_cli.engine.builder import build_image, discard_image
from infer_cli.errors import InferError, ModelNotFound, UsageError
from infer_cli.inspection import (
    NOTHING_DECLARED,
    find_model,
    inspect_model,
    is_unpacked,
    require_safe,
    within,
)
from infer_cli.inspection.files.find import model_stem
from infer_cli.plan.own_code import OwnCode
from infer_cli.running.model_mount import mount_found, user_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.building.build import MadeImage
    from infer_cli.building.compile_task import Report
    from infer_cli.building.request import BuildRequest
    from infer_cli.engine.connection import Engine
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Declared, Inspection
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress

SUFFIX = ".lean"
# A folder beside the model: a second model in the model folder itself would have to be chosen by name.
FOLDER = "compiled"


@dataclass(frozen=True)
class CompileRequest:
    """A model to compile. `target` is the file to write, `examples` a file of rows to compare on.

    `build` describes the image to compile in, which is not kept. With an `image_name`, an image with the
    compiled model inside is built as well, on the same base image.
    """

    mount: ModelMount
    target: Path
    build: BuildRequest
    examples: Path | None = None
    image_name: ImageName | None = None


@dataclass(frozen=True)
class CompiledModel:
    """A compiled model: the inspection of its file, its parity with the model, and the image, if any."""

    inspection: Inspection
    report: Report
    image: MadeImage | None = None


def find_source(path: Path, name: str | None) -> Path:
    """The model file that the user means: `path`, or the file called `name` in the folder `path`.

    Raises `ModelNotFound`, and `UsageError` for a name of a file in a file.
    """
    if path.is_dir():
        return find_model(path, name)
    if not path.exists():
        raise ModelNotFound(f"There is no {path}.", hint="Name a model file, or the folder that holds one.")
    if name is not None:
        raise UsageError("--model-file needs a folder", hint=f"leave it out, or name {path.parent}")
    return within(path)


def default_target(source: Path) -> Path:
    """The place of the compiled model if the user chooses none: `compiled/NAME.lean` beside the model.

    A model from an archive lies in the cache folder: then it is in the current folder.
    """
    folder = Path() if is_unpacked(source) else source.parent
    return folder / FOLDER / f"{model_stem(source.name)}{SUFFIX}"


def check_target(target: Path, *, force: bool) -> None:
    """Raise `InferError` or `UsageError` for a file that cannot be written, before anything takes time.

    With `force`, a file that exists may be replaced.
    """
    if target.suffix.lower() != SUFFIX:
        message = f"--output {target} is no name of a compiled model"
        raise UsageError(message, hint=f"let it end in {SUFFIX}, for example {target.stem}{SUFFIX}")
    if target.is_dir():
        raise InferError(f"{target} is a folder", hint="choose another file with --output")
    if target.exists() and not force:
        message = f"{target} exists already; nothing was done"
        raise InferError(
            message,
            hint="write over it with --force, choose another file with --output, or build an image of it: "
            f"`infer build {shlex.quote(str(target))} --bake`",
        )
    folder = next(folder for folder in target.absolute().parents if folder.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        message = f"nothing can be written into {folder}"
        raise InferError(message, hint="choose another file with --output")


def mount_source(
    source: Path,
    trusted: tuple[str, ...],
    declared: Declared = NOTHING_DECLARED,
    examples: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> ModelMount:
    """Inspect the model file to compile, for the container to read.

    `declared` is what the user says of the model, and `examples` a file of rows that tells more;
    `note` gets what was taken from it.

    Raises `UsageError` for a model that is served without scikit-learn anyway, and `ModelError` for a model
    that cannot be loaded safely.
    """
    declared = declared_with_sample(source, examples, declared, note)
    mount, model = mount_found(source.parent, source.name, declared=declared)
    if model.format in ("lean", "onnx"):
        what = (
            "compiled already"
            if model.format == "lean"
            else "an ONNX model, which is served without scikit-learn"
        )
        raise UsageError(f"{source} is {what}", hint=f"build it: `infer build {shlex.quote(str(source))}`")
    require_safe(model, trusted)
    return mount


def compile_model(engine: Engine, request: CompileRequest, progress: Progress) -> CompiledModel:
    """Compile the model, write the file, and build the image if one is wanted.

    If the image fails, a file that was not there before is removed again. Raises `NotCompiled` if the model
    cannot be compiled or a label differs, and `BuildFailed` or `VerificationFailed` for the image.
    """
    target = request.target
    was_there = target.exists()
    report = _compile(engine, request, progress)
    mount, inspection = mount_found(target.parent, target.name, is_baked=True)
    if request.image_name is None:
        return CompiledModel(inspection, report)
    # The compiled model needs neither the code nor the packages of the model that it was made from.
    build = replace(
        request.build,
        name=request.image_name,
        model=inspection,
        bake=True,
        added_requirements=(),
        code=OwnCode(),
        trusted=(),
    )
    try:
        plan = prepare_build(build, engine, progress)
        proof = ProofRequest(mount, is_baked=True, examples=request.examples)
        return CompiledModel(inspection, report, make_image(engine, plan, proof, progress))
    except BaseException:
        if not was_there:
            target.unlink(missing_ok=True)
        raise


def _compile(engine: Engine, request: CompileRequest, progress: Progress) -> Report:
    """Compile in a container, and put the file in its place once its inspection has succeeded."""
    plan = prepare_build(request.build, engine, progress)
    progress.stage("Building the image to compile in, which is not kept")
    built = build_image(engine, plan, on_event=progress.on_event)
    try:
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / request.target.name
            progress.stage(f"Compiling {request.mount.file}")
            with draft.open("wb") as content:
                report = compile_in(
                    engine,
                    built.image_id,
                    model=request.mount,
                    user=user_for(request.mount, engine_is_local=engine.is_local),
                    trusted=request.build.trusted,
                    examples=request.examples,
                    target=content,
                )
            inspect_model(draft)
            put_file(draft, request.target)
    finally:
        discard_image(engine, built)
    return report


def put_file(draft: Path, target: Path) -> None:
    """Copy a file to its place, where it appears whole or not at all; raises `InferError`."""
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
