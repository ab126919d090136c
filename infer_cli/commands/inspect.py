"""`infer inspect`: the contents of a model file, without running it, or of an image."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan import labels
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AsJson,
    ClassLabels,
    FeatureNames,
    Member,
    ModelFile,
    NoEnvironment,
    OptionalFeatures,
    Trust,
)
from infer_cli.terminal.printable import printable
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import difference_text, size_text
from infer_cli.terminal.words import looks_like_file

if TYPE_CHECKING:
    from infer_cli.building.contents import ImageContents
    from infer_cli.inspection import CompiledFrom, Estimator, Feature, Inspection, Judgement
    from infer_cli.packages.training_environment import Environment
    from infer_cli.terminal.progress import Progress

_SHOWN_NAMES = 12
_SHOWN_FEATURES = 60


def inspect(  # noqa: PLR0913 (each is an option of the command)
    what: Annotated[
        str,
        typer.Argument(metavar="MODEL|IMAGE", help="A model file, the folder that holds one, or an image."),
    ],
    *,
    model_file: ModelFile = None,
    trust: Trust = None,
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
    no_environment: NoEnvironment = False,
    vulnerabilities: Annotated[
        bool,
        typer.Option("--vulnerabilities", help="Look up the known vulnerabilities of an image's packages."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what a model file or an image holds.

    No code of a model file is run. For an image, the sizes of packages and layers and the model inside are
    shown, and with --vulnerabilities what is known of its packages.
    """
    path = Path(what)
    with show_progress() as progress:
        progress.stage(f"Inspecting {what}")
        if not path.exists() and not looks_like_file(what):
            name = ImageName.parse(what, allow_digest=True)
            text, record = _read_image(name, progress, vulnerabilities=vulnerabilities)
        elif vulnerabilities:
            raise UsageError(
                "--vulnerabilities needs an image, whose packages are known",
                hint=f"for a model, plan an image: `infer build {shlex.quote(what)} --dry-run`",
            )
        else:
            from infer_cli.building.inputs import read_code_of  # noqa: PLC0415 (slow to import)
            from infer_cli.inspection import (  # noqa: PLC0415
                declared_by_options,
                find_model,
                inspect_model,
                judge_globals,
                within,
            )
            from infer_cli.packages.training_environment import training_environment  # noqa: PLC0415

            declared = declared_by_options(
                features=features, optional=optional, classes=classes, member=member
            )
            file = find_model(path, model_file) if path.is_dir() else within(path)
            model = inspect_model(file, declared)
            _, trusted = read_code_of(file, None, trust, progress.note)
            environment = None if no_environment else training_environment(model)
            text, record = _describe_file(model, judge_globals(model, trusted), environment)
    output.show(text, record, as_json=as_json)


def _read_image(
    name: ImageName, progress: Progress, *, vulnerabilities: bool
) -> tuple[str, dict[str, object]]:
    """What an image holds, and perhaps the known vulnerabilities of its packages."""
    from infer_cli.building.contents import audit_image, read_image  # noqa: PLC0415 (slow to import)
    from infer_cli.building.vulnerable import describe_audit, not_known  # noqa: PLC0415
    from infer_cli.engine.connection import connect  # noqa: PLC0415

    contents = read_image(connect(), name)
    text, record = _describe_image(name, contents)
    if vulnerabilities:
        progress.stage("Looking up the known vulnerabilities of the packages")
        audit = audit_image(contents)
        if line := not_known(audit):
            progress.note(line)
        if audit.found is not None:
            text += f"\nvulnerabilities: {describe_audit(audit) or 'none is known'}"
        record["vulnerabilities"] = audit.as_dict()
    return text, record


def _describe_file(
    model: Inspection, judged: tuple[Judgement, ...], environment: Environment | None
) -> tuple[str, dict[str, object]]:
    """The model in a file, and the verdict on each name that the file imports."""
    from infer_cli.inspection import advice  # noqa: PLC0415 (slow to import)
    from infer_cli.packages.version_sources import version_sources  # noqa: PLC0415 (keeps `infer --help` quick)

    record: dict[str, object] = {
        **model.as_dict(),
        "needs": [source.as_dict() for source in version_sources(model, environment)],
        "environment": str(environment.folder) if environment else None,
        "globals": [one.as_dict() for one in judged],
    }
    refused = [one for one in judged if not one.is_allowed]
    hint = f"\nhint: {advice(model, refused)}" if refused else ""
    return f"{_describe(model, environment)}\n{_imports(judged)}{hint}", record


def _describe_image(name: ImageName, contents: ImageContents) -> tuple[str, dict[str, object]]:
    """An image with the sizes of its parts, and the model inside."""
    image, sizes, model = contents.image, contents.sizes, contents.model
    width = output.terminal_width()
    traces = "opentelemetry-sdk" in image.labels.get(labels.REQUIREMENTS, "")
    lines = [
        f"{name}  ({size_text(image.size_bytes)}, {image.image_id[:19]}, {image.architecture})",
        *(["tracing:   it can send traces with OpenTelemetry"] if traces else []),
        "packages:",
        *(f"  {size_text(part.size_bytes):>8}  {part.name}" for part in sizes.packages),
        "layers:",
        *(
            output.shortened(f"  {size_text(part.size_bytes):>8}  {part.name}", width)
            for part in sizes.layers
        ),
    ]
    if model is not None:
        lines += ["model inside:", *(f"  {line}" for line in _describe(model).splitlines())]
    record: dict[str, object] = {
        "image": str(name),
        "id": image.image_id,
        "size_bytes": image.size_bytes,
        "architecture": image.architecture,
        "labels": image.labels,
        "tracing": traces,
        "packages": {part.name: part.size_bytes for part in sizes.packages},
        "layers": [{"made_by": part.name, "size_bytes": part.size_bytes} for part in sizes.layers],
        "model": model.as_dict() if model else None,
    }
    return "\n".join(lines), record


def _imports(judged: tuple[Judgement, ...]) -> str:
    """The number of names by verdict, and a line for each name that the service would not import."""
    lines = [f"imports:   {_counted(judged)}"]
    lines += [f"  {one.name}  ({one.verdict}: {one.reason})" for one in judged if not one.is_allowed]
    return "\n".join(lines)


def _counted(judged: tuple[Judgement, ...]) -> str:
    verdicts = [one.verdict for one in judged]
    counts = {verdict: verdicts.count(verdict) for verdict in ("safe", "trusted", "unknown", "dangerous")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing"


def _describe(model: Inspection, environment: Environment | None = None) -> str:
    from infer_cli.packages.version_sources import version_sources  # noqa: PLC0415 (keeps `infer --help` quick)

    wrapped = f", {model.compression}" if model.compression else ""
    lines = [
        f"{model.path}  ({model.format}{wrapped}, {size_text(model.size_bytes)})",
        f"digest:    sha256:{model.sha256}",
        *([] if model.member is None else [f"member:    {printable(model.member)}"]),
        f"kind:      {model.kind}",
        f"features:  {_features(model)}".replace("  \n", "\n"),
    ]
    if model.classes is not None:
        lines.append(f"classes:   {_names([str(value) for value in model.classes])}")
    lines += [f"note:      {printable(note)}" for note in model.notes]
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
    """The model that this model was compiled from, and the parity of the two."""
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
        return "".join(f"\n  {line}" for line in _feature_lines(model))
    if model.feature_names:
        return _names(list(model.feature_names))
    if model.feature_count is not None:
        return f"{model.feature_count} without names (x0 … x{model.feature_count - 1})"
    if model.unknown_entry is not None:
        return f"known to {printable(model.unknown_entry)} alone: name them with --features"
    return "not recorded"


def _feature_lines(model: Inspection) -> list[str]:
    """A line for each feature: its name, its column type, its categories, and whether it may be missing."""
    features = model.features or ()
    names = [printable(feature.name) for feature in features[: _at_most(_SHOWN_FEATURES)]]
    width = max(map(len, names), default=0)
    lines = [
        f"{name:<{width}}  {_column_type(feature)}" for name, feature in zip(names, features, strict=False)
    ]
    more = len(features) - len(names)
    return lines + ([f"… ({len(features)} in all)"] if more else [])


def _column_type(feature: Feature) -> str:
    text: str = feature.type
    if feature.categories:
        text += f": {_names([str(value) for value in feature.categories])}"
    if feature.categories is not None and feature.is_open:
        text += ", or another"
    if feature.nullable:
        return f"{text}; may be missing"
    return text if feature.required else f"{text}; may be left out"


def _names(names: list[str]) -> str:
    shown = [printable(name) for name in names[: _at_most(_SHOWN_NAMES)]]
    return ", ".join(shown) + ("" if len(shown) == len(names) else f", … ({len(names)} in all)")


def _at_most(count: int) -> int | None:
    """How many of many names are shown: a person gets the first ones, and a pipe gets all."""
    return count if output.terminal_width() is not None else None


def _tree(estimator: Estimator, depth: int) -> list[str]:
    name = f"{estimator.name}: " if estimator.name else ""
    lines = [f"{'  ' * depth}{name}{estimator.class_name}"]
    for step in estimator.steps:
        lines += _tree(step, depth + 1)
    return lines
