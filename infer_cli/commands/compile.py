"""`infer compile`: from a model to a compiled model, which is served without scikit-learn."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.commands.built_image import describe_image
from infer_cli.image.base import check_python
from infer_cli.image.name import ImageName
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AddedPackages,
    AsJson,
    BaseImageName,
    ClassLabels,
    FeatureNames,
    Member,
    ModelFile,
    NoEnvironment,
    OptionalFeatures,
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
    from infer_cli.building.compile import CompiledModel
    from infer_cli.building.compile_task import Parity

# The title, in the labels, of the image that a model is compiled in. The image is not kept and has no name.
_COMPILER_IMAGE = "infer-compile"


def compile_(  # noqa: PLR0913 (each is an option of the command)
    path: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file, or the folder that holds one.")
    ],
    *,
    model_file: ModelFile = None,
    target: Annotated[
        Path | None,
        output_option("Where to write the compiled model.  [default: compiled/NAME.lean beside the model]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    examples: Annotated[
        Path | None,
        examples_option(
            "Rows to compare the compiled model with the model on (.csv, .json, .jsonl, .parquet), besides "
            "the rows that infer generates; with --tag, the image is proved with the same rows."
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
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Make a model that is served without scikit-learn.

    A container without network loads the model and compiles it. The compiled model is written only if its
    labels are the model's. `infer build`, `run` and `serve` take it as any other model.
    """
    from infer_cli.building.compile import (  # noqa: PLC0415 (keeps `infer --help` quick)
        CompileRequest,
        check_target,
        compile_model,
        default_target,
        find_source,
        mount_source,
    )
    from infer_cli.building.examples import check_examples  # noqa: PLC0415
    from infer_cli.building.inputs import read_code_of  # noqa: PLC0415
    from infer_cli.building.request import BuildRequest  # noqa: PLC0415
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.inspection import declared_by_options  # noqa: PLC0415

    name = ImageName.parse(tag) if tag else None
    check_python(python)
    source = find_source(path, model_file)
    written = target or default_target(source)
    check_target(written, force=force)
    if examples is not None:
        # A wrong file is an error at once. Only the container can tell whether its rows fit the model.
        check_examples(examples)
    own_code, trusted = read_code_of(source, code, trust, output.note)
    declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
    mount = mount_source(source, trusted, declared, examples, output.note)
    build = BuildRequest(
        name=ImageName.parse(_COMPILER_IMAGE),
        model=mount.inspection,
        base_image=base_image,
        python=python,
        added_requirements=tuple(require or ()),
        code=own_code,
        use_environment=not no_environment,
        trusted=trusted,
    )
    request = CompileRequest(mount, written, build, examples=examples, image_name=name)
    with show_progress(verbose=verbose) as progress:
        compiled = compile_model(connect(), request, progress)
    text, record = _describe(source, compiled)
    if compiled.image is not None:
        image_text, record["image"] = describe_image(compiled.image)
        text += f"\n{image_text}\nStart it: infer run {compiled.image.name}"
    else:
        text += f"\nBuild an image of it: infer build {shlex.quote(str(written))} --bake"
    output.show(text, record, as_json=as_json)


def _describe(source: Path, compiled: CompiledModel) -> tuple[str, dict[str, object]]:
    """The compiled model and its parity with the model, as text and as a record."""
    inspection, report = compiled.inspection, compiled.report
    parities = {"generated": report.generated, "given": report.given}
    text = "\n".join(
        [
            f"Compiled {source} to {inspection.path} ({size_text(inspection.size_bytes)})",
            _table(parities, is_classifier=inspection.kind == "classifier"),
        ]
    )
    return text, {
        "model": str(source),
        "file": str(inspection.path),
        "size_bytes": inspection.size_bytes,
        "digest": f"sha256:{inspection.sha256}",
        "parity": {
            "generated": asdict(report.generated),
            "given": asdict(report.given) if report.given else None,
        },
    }


def _table(parities: dict[str, Parity | None], *, is_classifier: bool) -> str:
    """How far the compiled model is from the model: a line for the generated rows, one for the given rows."""
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
