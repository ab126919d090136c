"""What has to be known of a model before it is served: which columns it takes, and their values."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection.facts.declared import must_declare

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import Inspection


def require_columns(model: Inspection) -> None:
    """Raise `ModelUnreadable`, with the ways to tell them, if the columns of a model are not known."""
    if model.unknown_entry is not None:
        file = (
            f"--model-dir {shlex.quote(str(model.path.parent))} --model-file {shlex.quote(model.path.name)}"
        )
        message = (
            f"{model.path} does not tell which columns it takes: its first step, {model.unknown_entry}, "
            "keeps no list of them"
        )
        hint = (
            f"Name the columns in their order: infer build {file} --features first,second. Or give rows of "
            f"training data: infer build {file} --examples rows.csv. Or save the model with "
            "infer_cli.save(model, folder, X, y)."
        )
        raise ModelUnreadable(f"{message}.", hint=hint)
    reason, hint = must_declare(model.features or ())
    if reason:
        message = f"{model.path} {reason}."
        raise ModelUnreadable(message, hint=f"{hint}.")
