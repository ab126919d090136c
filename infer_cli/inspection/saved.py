"""What `infer_cli.save` wrote beside a model besides its schema: versions, own code, and examples."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.declared import FILE_NAME
from infer_cli.inspection.files.mlflow import read_mlflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Saved:
    """What belongs to a model that `infer_cli.save` wrote.

    `python` is the Python version of the training environment as X.Y, and `packages` the versions of its
    packages. `code` is the folder of the user's own code that the model needs, and `requires` are the
    packages that the code imports. `examples` is a file of rows with the model's own answers. `writer` is
    what wrote the folder: `infer_cli.save`, or MLflow, whose example has no answers.
    """

    python: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    code: Path | None = None
    examples: Path | None = None
    writer: str = "infer_cli.save"

    @property
    def has_answers(self) -> bool:
        """Whether the examples hold the model's own answers."""
        return self.writer == "infer_cli.save"


def saved_beside(model: Path) -> Saved | None:
    """What belongs to a model file; None if neither `infer_cli.save` nor MLflow wrote its folder.

    Whether the file beside the model is a declared schema at all is checked where the schema is read.
    """
    try:
        document = json.loads((model.parent / FILE_NAME).read_bytes())
        record = document["saved"]
        packages = {str(name): str(version) for name, version in record.get("packages", {}).items()}
        requires = tuple(str(name) for name in record.get("requires", ()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _of_mlflow(model)
    code, examples = (_within(model.parent, record.get(key)) for key in ("code", "examples"))
    return Saved(str(record.get("python") or "") or None, packages, requires, code, examples)


def _of_mlflow(model: Path) -> Saved | None:
    """What MLflow wrote beside a model. Its code is not trusted unasked: others may have logged the model."""
    mlflow = read_mlflow(model.parent)
    if mlflow is None or mlflow.file != model:
        return None
    return Saved(mlflow.python, mlflow.packages, examples=mlflow.examples, writer="MLflow")


def _within(folder: Path, name: object) -> Path | None:
    """A file or folder directly in the model folder; a schema cannot name any other."""
    if not isinstance(name, str) or "/" in name or "\\" in name or name in ("", ".", ".."):
        return None
    path = folder / name
    return path if path.exists() and not path.is_symlink() else None
