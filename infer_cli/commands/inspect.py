"""`infer inspect`: what a model file holds, without running it, or what an image does."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import InferError
from infer_cli.image.name import ImageName
from infer_cli.plan.layout import BAKED_FOLDER
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, ModelFile, NoEnvironment, Trust
from infer_cli.terminal.printable import printable
from infer_cli.terminal.units import difference_text, size_text

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts
    from infer_cli.inspection import CompiledFrom, Estimator, Feature, Inspection, Judgement
    from infer_cli.packages.training_environment import Environment

_SHOWN_NAMES = 12
_SHOWN_FEATURES = 60
_LAYER_WIDTH = 90
_MODEL_ENDINGS = (
    ".pkl",
    ".pickle",
    ".joblib",
    ".skops",
    ".onnx",
    ".lean",
    ".gz",
    ".bz2",
    ".xz",
    ".z",
    ".lzma",
    ".lz4",
)


def inspect(
    what: Annotated[
        str,
        typer.Argument(metavar="MODEL|IMAGE", help="A model file, the folder that holds one, or an image."),
    ],
    *,
    model_file: ModelFile = None,
    trust: Trust = None,
    no_environment: NoEnvironment = False,
    as_json: AsJson = False,
) -> None:
    """Tell what a model file or an image holds.

    Of a model file no code is run. Of an image it tells what each package and layer weighs, and the model
    inside.
    """
    from infer_cli.inspection import find_model, inspect_model  # noqa: PLC0415
    from infer_cli.packages.training_environment import training_environment  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.plan.trust import parse_trust  # noqa: PLC0415

    trusted = parse_trust(trust or ())
    path = Path(what)
    if not path.exists() and not _looks_like_file(what):
        _inspect_image(ImageName.parse(what, allow_digest=True), as_json=as_json)
        return
    found = inspect_model(find_model(path, model_file) if path.is_dir() else path)
    text, record = _judged(found, trusted, None if no_environment else training_environment(found))
    output.show(text, record, as_json=as_json)


def _judged(
    model: Inspection, trusted: tuple[str, ...], environment: Environment | None
) -> tuple[str, dict[str, object]]:
    """What a model file holds, and what is thought of each name in it, as text and as a record."""
    from infer_cli.inspection import judge_globals  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.packages.version_sources import version_sources  # noqa: PLC0415

    judged = judge_globals(model, trusted)
    record: dict[str, object] = {
        **model.as_dict(),
        "needs": [source.as_dict() for source in version_sources(model, environment)],
        "environment": str(environment.folder) if environment else None,
        "globals": [one.as_dict() for one in judged],
    }
    return f"{_describe(model, environment)}\n{_imports(judged)}", record


def _imports(judged: tuple[Judgement, ...]) -> str:
    """Tell how many names are safe, and each that is not."""
    lines = [f"imports:   {_counted(judged)}"]
    lines += [f"  {one.name}  ({one.verdict}: {one.reason})" for one in judged if not one.is_allowed]
    return "\n".join(lines)


def _counted(judged: tuple[Judgement, ...]) -> str:
    verdicts = [one.verdict for one in judged]
    counts = {verdict: verdicts.count(verdict) for verdict in ("safe", "trusted", "unknown", "dangerous")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing"


def _looks_like_file(text: str) -> bool:
    """Whether a name that does not exist was meant as a file: then its absence is what is to be told."""
    return text.startswith(("/", ".", "~")) or text.endswith(_MODEL_ENDINGS)


def _inspect_image(name: ImageName, *, as_json: bool) -> None:
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.image_sizes import measure_image  # noqa: PLC0415
    from infer_cli.engine.images import require_image  # noqa: PLC0415

    engine = connect()
    image = require_image(engine, name)
    if not image.is_service:
        raise InferError(f"the image {name} was not made by infer", hint="infer weighs only its own images")
    weight = measure_image(engine, image.image_id)
    model = _baked_model(engine, image)
    lines = [
        f"{name}  ({size_text(image.size_bytes)}, {image.image_id[:19]}, {image.architecture})",
        "packages:",
        *(f"  {size_text(part.size_bytes):>8}  {part.name}" for part in weight.packages),
        "layers:",
        *(f"  {size_text(part.size_bytes):>8}  {part.name[:_LAYER_WIDTH]}" for part in weight.layers),
    ]
    if model is not None:
        lines += ["model inside:", *(f"  {line}" for line in _describe(model).splitlines())]
    record: dict[str, object] = {
        "image": str(name),
        "id": image.image_id,
        "size_bytes": image.size_bytes,
        "architecture": image.architecture,
        "labels": image.labels,
        "packages": {part.name: part.size_bytes for part in weight.packages},
        "layers": [{"made_by": part.name, "size_bytes": part.size_bytes} for part in weight.layers],
        "model": model.as_dict() if model else None,
    }
    output.show("\n".join(lines), record, as_json=as_json)


def _baked_model(engine: Engine, image: ImageFacts) -> Inspection | None:
    """The inspection of the model inside, or None if there is none."""
    from infer_cli.engine.containers import copy_from_image  # noqa: PLC0415 (see above)
    from infer_cli.inspection import inspect_model  # noqa: PLC0415

    inside = PurePosixPath(image.environment.get("MODEL_FILE", ""))
    if not inside.is_relative_to(BAKED_FOLDER):
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / inside.name
        copy_from_image(engine, image.image_id, inside, copy)
        return replace(inspect_model(copy), path=Path(inside))


def _describe(model: Inspection, environment: Environment | None = None) -> str:
    from infer_cli.packages.version_sources import version_sources  # noqa: PLC0415 (see above)

    wrapped = f", {model.compression}" if model.compression else ""
    lines = [
        f"{model.path}  ({model.format}{wrapped}, {size_text(model.size_bytes)})",
        f"digest:    sha256:{model.sha256}",
        f"kind:      {model.kind}",
        f"features:  {_features(model)}".replace("  \n", "\n"),
    ]
    if model.classes is not None:
        lines.append(f"classes:   {_names([str(value) for value in model.classes])}")
    if model.compiled_from is not None:
        lines += _origin(model.compiled_from)
    if model.estimator is not None:
        lines += ["estimator:", *_tree(model.estimator, 1)]
    lines.append("needs:")
    lines += [f"  {source}" for source in version_sources(model, environment)]
    if environment is not None:
        lines.append(f"current environment: {environment.folder} (Python {environment.python})")
    return "\n".join(lines)


def _origin(origin: CompiledFrom) -> list[str]:
    """What the model was compiled from, and how far its answers are from that one's."""
    versions = ", ".join(f"{one.package} {one.version}" for one in origin.packages if one.package != "python")
    given = f" and {origin.given_rows} given" if origin.given_rows else ""
    rows = f"{origin.generated_rows} generated{given} rows"
    most = difference_text(origin.largest_difference)
    return [
        f"compiled from: {printable(origin.file)}  ({printable(origin.digest)})",
        f"  {printable(origin.estimator)}, loaded with {printable(versions)}",
        f"  {rows}: no label differs, no number by more than {most}",
    ]


def _features(model: Inspection) -> str:
    if any(feature.type != "number" for feature in model.features or ()):
        return "".join(f"\n  {line}" for line in _kinds(model))
    if model.feature_names:
        return _names(list(model.feature_names))
    if model.feature_count is not None:
        return f"{model.feature_count} without names (x0 … x{model.feature_count - 1})"
    return "not recorded"


def _kinds(model: Inspection) -> list[str]:
    """A line for each feature: its name, and what it takes."""
    features = model.features or ()
    names = [printable(feature.name) for feature in features[:_SHOWN_FEATURES]]
    width = max(map(len, names), default=0)
    lines = [f"{name:<{width}}  {_kind(feature)}" for name, feature in zip(names, features, strict=False)]
    more = len(features) - len(names)
    return lines + ([f"… ({len(features)} in all)"] if more else [])


def _kind(feature: Feature) -> str:
    text: str = feature.type
    if feature.categories:
        text += f": {_names([str(value) for value in feature.categories])}"
    if feature.categories is not None and feature.is_open:
        text += ", or another"
    return f"{text}; may be missing" if feature.nullable else text


def _names(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown}, … ({len(names)} in all)"


def _tree(estimator: Estimator, depth: int) -> list[str]:
    name = f"{estimator.name}: " if estimator.name else ""
    lines = [f"{'  ' * depth}{name}{estimator.class_name}"]
    for step in estimator.steps:
        lines += _tree(step, depth + 1)
    return lines
