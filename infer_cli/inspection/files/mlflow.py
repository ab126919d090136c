"""Model folders of MLflow: which file is the model, and what `MLmodel` says of it. All of it is data.

The format is what `mlflow.models.Model.to_dict` writes: YAML with the flavours, the signature and the name of
the input example. A flavour is a way to load the model; infer takes those of libraries that it serves.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NoReturn, cast

import yaml

from infer_cli.errors import ModelUnreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "MLmodel"
# What MLflow writes has some kilobytes: a signature lists each column.
BYTES_MAX = 8 * 2**20
# The flavours that are served, in the order of preference, each with the key that names the model file.
FLAVORS = {"sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data", "catboost": "data"}
# Where a flavour records the version of its package.
_VERSIONS = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "catboost": ("catboost", "catboost_version"),
}
# The column types of infer, by the types of a signature. A category is a string there, too.
_TYPES = {
    "boolean": "boolean",
    "datetime": "date",
    "double": "number",
    "float": "number",
    "integer": "number",
    "long": "number",
    "string": "text",
}
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([0-9][0-9A-Za-z.]*)")
_PYTHON = re.compile(r"python:\s*['\"]?(3\.\d+)")
_HINT = "Save the model again with mlflow.sklearn.save_model, or name the model file with --model-file."


@dataclass(frozen=True)
class Column:
    """A column of a signature: its name, its column type (None if infer has none), and if it is required."""

    name: str
    type: str | None
    is_required: bool


@dataclass(frozen=True)
class MlflowFolder:
    """What a model folder of MLflow tells.

    `packages` are the versions of the training environment, by package, and `python` its Python as X.Y.
    `code` is the folder of the user's own modules, `examples` a file of rows.
    """

    file: Path
    flavor: str
    columns: tuple[Column, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    code: Path | None = None
    examples: Path | None = None


def read_mlflow(folder: Path) -> MlflowFolder | None:
    """Read a model folder of MLflow; None if the folder is none.

    Raises `ModelUnreadable` for a folder that MLflow did not write, or without a flavour that is served.
    """
    if not (folder / FILE_NAME).is_file():
        return None
    document = _document(folder / FILE_NAME)
    flavors = document.get("flavors")
    if not isinstance(flavors, dict):
        _refuse(folder, "names no flavours")
    flavor = next((name for name in FLAVORS if isinstance(flavors.get(name), dict)), None)
    if flavor is None:
        _refuse_flavors(folder, [str(name) for name in flavors])
    described = cast("dict[str, object]", flavors[flavor])
    file = _inside(folder, described.get(FLAVORS[flavor]))
    if file is None:
        _refuse(folder, f"names no file of the flavour {flavor} that is in the folder")
    package, key = _VERSIONS[flavor]
    version = described.get(key)
    recorded = {package: version} if isinstance(version, str) else {}
    return MlflowFolder(
        file=file,
        flavor=flavor,
        columns=_columns(document.get("signature")),
        packages={**_pins(folder), **recorded},
        python=_python(folder),
        code=_inside(folder, described.get("code"), is_folder=True),
        examples=_examples(folder, document.get("saved_input_example_info")),
    )


class _Loader(yaml.SafeLoader):
    """A loader of plain values; a file with aliases may expand without end, and is refused."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Give the next node; raise `YAMLError` for an alias."""
        if self.check_event(yaml.AliasEvent):
            message = "it uses an alias"
            raise yaml.YAMLError(message)
        return super().compose_node(parent, index)


def _document(file: Path) -> dict[str, object]:
    try:
        if file.stat().st_size > BYTES_MAX:
            _refuse(file.parent, f"is larger than {BYTES_MAX} bytes")
        found: object = yaml.load(file.read_bytes(), _Loader)  # noqa: S506 (it is a SafeLoader)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}."
        raise ModelUnreadable(message) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        _refuse(file.parent, f"is not the YAML that MLflow writes: {' '.join(str(error).split())[:200]}")
    if not isinstance(found, dict):
        _refuse(file.parent, "is not the YAML that MLflow writes")
    return {str(key): value for key, value in found.items()}


def _refuse(folder: Path, reason: str) -> NoReturn:
    message = f"{folder / FILE_NAME} {reason}."
    raise ModelUnreadable(message, hint=_HINT)


def _refuse_flavors(folder: Path, names: list[str]) -> NoReturn:
    if set(names) <= {"python_function"}:
        message = (
            f"{folder} has only the flavour python_function: its model is code of the user's own that MLflow "
            "would run, and infer runs no code that a model file brings."
        )
        hint = (
            "Log the fitted estimator itself, which the code calls: mlflow.sklearn.log_model(model), or "
            "mlflow.xgboost, mlflow.lightgbm, mlflow.catboost."
        )
        raise ModelUnreadable(message, hint=hint)
    others = ", ".join(sorted(set(names) - {"python_function"}))[:200]
    message = f"{folder} has the flavour {others}; infer serves {', '.join(FLAVORS)}."
    raise ModelUnreadable(message, hint="Convert the model to ONNX, if a converter for its library is there.")


def _inside(folder: Path, name: object, *, is_folder: bool = False) -> Path | None:
    """Give a file or folder that lies in the model folder; None for any other, and for a link out of it."""
    if not isinstance(name, str) or not name:
        return None
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        return None
    path = folder.joinpath(*parts)
    is_there = path.is_dir() if is_folder else path.is_file()
    return path if is_there and path.resolve().is_relative_to(folder.resolve()) else None


def _examples(folder: Path, described: object) -> Path | None:
    """Give the input example, if it is a table with names; an array has none."""
    if not isinstance(described, dict) or described.get("pandas_orient") != "split":
        return None
    return _inside(folder, described.get("artifact_path"))


def _columns(signature: object) -> tuple[Column, ...]:
    """Give the columns of the inputs of a signature; () for tensors, which have no names."""
    inputs = signature.get("inputs") if isinstance(signature, dict) else None
    try:
        listed: object = json.loads(inputs) if isinstance(inputs, str) else None
    except (ValueError, RecursionError):
        return ()
    found = []
    for column in listed if isinstance(listed, list) else []:
        name = column.get("name") if isinstance(column, dict) else None
        if not isinstance(name, str) or not name:
            return ()
        is_required = column.get("required", True) is not False and not column.get("optional")
        found.append(Column(name, _TYPES.get(str(column.get("type"))), is_required))
    return tuple(found) if len({column.name for column in found}) == len(found) else ()


def _pins(folder: Path) -> dict[str, str]:
    """Give the versions that `requirements.txt` pins, by package."""
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in _lines(folder, "requirements.txt"))
    matches = (_PIN.fullmatch(line.replace(" ", "")) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in matches if match}


def _python(folder: Path) -> str | None:
    matches = (_PYTHON.match(line) for line in _lines(folder, "python_env.yaml"))
    return next((match[1] for match in matches if match), None)


def _lines(folder: Path, name: str) -> list[str]:
    """Give the lines of a small file of the folder; none if it is not there."""
    file = _inside(folder, name)
    try:
        if file is None or file.stat().st_size > BYTES_MAX:
            return []
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
