"""`infer inspect`: what a model file holds, without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli import output
from infer_cli.options import AsJson, ModelFile

if TYPE_CHECKING:
    from infer_cli.inspection import Estimator, Feature, Inspection

_SHOWN_NAMES = 12
_SHOWN_FEATURES = 60


def inspect(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file, or the folder that holds one.")
    ],
    *,
    model_file: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a model file holds, without running any of its code."""
    from infer_cli.inspection import find_model, inspect_model  # noqa: PLC0415 (keeps `infer --help` quick)

    found = inspect_model(find_model(model, model_file) if model.is_dir() else model)
    output.show(_describe(found), found.as_dict(), as_json=as_json)


def _describe(model: Inspection) -> str:
    from infer_cli.inspection import requirements_of  # noqa: PLC0415 (see above)

    wrapped = f", {model.compression}" if model.compression else ""
    lines = [
        f"{model.path}  ({model.format}{wrapped}, {output.size_text(model.size_bytes)})",
        f"digest:    sha256:{model.sha256}",
        f"kind:      {model.kind}",
        f"features:  {_features(model)}".replace("  \n", "\n"),
    ]
    if model.classes is not None:
        lines.append(f"classes:   {_names([str(value) for value in model.classes])}")
    if model.estimator is not None:
        lines += ["estimator:", *_tree(model.estimator, 1)]
    lines.append("needs:")
    lines += [f"  {need.name}{need.specifier}  ({need.reason})" for need in requirements_of(model)]
    return "\n".join(lines)


def _features(model: Inspection) -> str:
    if any(feature.kind != "number" for feature in model.features or ()):
        return "".join(f"\n  {line}" for line in _kinds(model))
    if model.feature_names:
        return _names(list(model.feature_names))
    if model.feature_count is not None:
        return f"{model.feature_count} without names (x0 … x{model.feature_count - 1})"
    return "not recorded"


def _kinds(model: Inspection) -> list[str]:
    """A line for each feature: its name, and what it takes."""
    features = model.features or ()
    names = [_printable(feature.name) for feature in features[:_SHOWN_FEATURES]]
    width = max(map(len, names), default=0)
    lines = [f"{name:<{width}}  {_kind(feature)}" for name, feature in zip(names, features, strict=False)]
    more = len(features) - len(names)
    return lines + ([f"… ({len(features)} in all)"] if more else [])


def _kind(feature: Feature) -> str:
    text: str = feature.kind
    if feature.categories:
        text += f": {_names([str(value) for value in feature.categories])}"
    if feature.categories is not None and feature.accepts_others:
        text += ", or another"
    return f"{text}; may be missing" if feature.nullable else text


def _names(names: list[str]) -> str:
    shown = ", ".join(_printable(name) for name in names[:_SHOWN_NAMES])
    return shown if len(names) <= _SHOWN_NAMES else f"{shown}, … ({len(names)} in all)"


def _printable(name: str) -> str:
    """A text of the file without what would change the terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in name
    )


def _tree(estimator: Estimator, depth: int) -> list[str]:
    name = f"{estimator.name}: " if estimator.name else ""
    lines = [f"{'  ' * depth}{name}{estimator.class_name}"]
    for step in estimator.steps:
        lines += _tree(step, depth + 1)
    return lines
