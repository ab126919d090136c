"""`infer inspect`: what a model file holds, without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli import output
from infer_cli.options import AsJson, ModelFile, Trust

if TYPE_CHECKING:
    from infer_cli.inspection import Estimator, Inspection, Judged

_SHOWN_NAMES = 12


def inspect(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model file, or the folder that holds one.")
    ],
    *,
    model_file: ModelFile = None,
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a model file holds, without running any of its code."""
    from infer_cli.inspection import (  # noqa: PLC0415 (keeps `infer --help` quick)
        find_model,
        inspect_model,
        judge_globals,
    )
    from infer_cli.trust import parse_trust  # noqa: PLC0415

    trusted = parse_trust(trust or ())
    found = inspect_model(find_model(model, model_file) if model.is_dir() else model)
    judged = judge_globals(found, trusted)
    record = {**found.as_dict(), "globals": [one.as_dict() for one in judged]}
    output.show(f"{_describe(found)}\n{_imports(judged)}", record, as_json=as_json)


def _imports(judged: tuple[Judged, ...]) -> str:
    """Tell how many names are safe, and each that is not."""
    lines = [f"imports:   {_counted(judged)}"]
    lines += [f"  {one.name}  ({one.verdict}: {one.reason})" for one in judged if not one.is_allowed]
    return "\n".join(lines)


def _counted(judged: tuple[Judged, ...]) -> str:
    verdicts = [one.verdict for one in judged]
    counts = {verdict: verdicts.count(verdict) for verdict in ("safe", "trusted", "unknown", "dangerous")}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing"


def _describe(model: Inspection) -> str:
    from infer_cli.inspection import requirements_of  # noqa: PLC0415 (see above)

    wrapped = f", {model.compression}" if model.compression else ""
    lines = [
        f"{model.path}  ({model.format}{wrapped}, {output.size_text(model.size_bytes)})",
        f"digest:    sha256:{model.sha256}",
        f"kind:      {model.kind}",
        f"features:  {_features(model)}",
    ]
    if model.classes is not None:
        lines.append(f"classes:   {_names([str(value) for value in model.classes])}")
    if model.estimator is not None:
        lines += ["estimator:", *_tree(model.estimator, 1)]
    lines.append("needs:")
    lines += [f"  {need.name}{need.specifier}  ({need.reason})" for need in requirements_of(model)]
    return "\n".join(lines)


def _features(model: Inspection) -> str:
    if model.feature_names:
        return _names(list(model.feature_names))
    if model.feature_count is not None:
        return f"{model.feature_count} without names (x0 … x{model.feature_count - 1})"
    return "not recorded"


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
