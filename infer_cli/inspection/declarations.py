"""What is declared of a model beside it, and what is declared of it in an image."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection.facts.declared import (
    FILE_NAME,
    NOTHING_DECLARED,
    Declared,
    DeclaredFeature,
    parse_declared,
)
from infer_cli.inspection.files.mlflow import read_mlflow

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection.facts.features import ColumnType

# A schema with some thousand features and their categories is far smaller.
BYTES_MAX = 64 * 2**20
HINT = "Write the file again with infer_cli.save, or remove it."


def declared_for(model: Path, given: Declared = NOTHING_DECLARED) -> Declared:
    """Give what is declared of a model file: what is `given`, and where that is silent a file beside it.

    Raises `ModelUnreadable` if the file beside the model is no declared schema.
    """
    beside = model.parent / FILE_NAME
    return given.over(read_declared(beside)) if beside.is_file() else given


def signature_of(model: Path) -> Declared:
    """Give what the signature of MLflow beside a model declares of its columns; nothing without one."""
    mlflow = read_mlflow(model.parent)
    if mlflow is None or mlflow.file != model:
        return NOTHING_DECLARED
    return Declared(
        features=tuple(
            DeclaredFeature(column.name, type=cast("ColumnType | None", column.type))
            for column in mlflow.columns
        ),
        optional=tuple(column.name for column in mlflow.columns if not column.is_required),
    )


def schema_text(declared: Declared) -> str | None:
    """The file of a declared schema for an image or a service; None if nothing is declared.

    It is for any model file: a folder may get a newer model while its image stays. Equal schemas give equal
    texts.
    """
    document = replace(declared, digest=None).as_dict()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n" if document else None


def read_declared(file: Path) -> Declared:
    """Read a file of a declared schema; raise `ModelUnreadable` if it is none."""
    try:
        if file.stat().st_size > BYTES_MAX:
            message = f"{file} is larger than {BYTES_MAX} bytes, and no declared schema."
            raise ModelUnreadable(message, hint=HINT)
        return parse_declared(json.loads(file.read_bytes()))
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}."
        raise ModelUnreadable(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{file} is no declared schema: {error}."
        raise ModelUnreadable(message, hint=HINT) from error
