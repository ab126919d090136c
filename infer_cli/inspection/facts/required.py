"""What has to be known of a model before it is served: which columns it takes, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection.facts.advice import build_command, code_options
from infer_cli.inspection.facts.declared import must_declare
from infer_cli.inspection.facts.requirements import DISTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from infer_cli.inspection.facts.model import Inspection


def require_columns(model: Inspection, own: Collection[str] = ()) -> None:
    """Raise `ModelUnreadable`, with the ways to tell them, if the columns of a model are not known.

    `own` are the trusted modules and packages that the model needs, which the commands name again.
    """
    if model.unknown_entry is not None:
        modules = [module for module in own if module not in DISTRIBUTIONS]
        packages = sorted(module for module in own if module in DISTRIBUTIONS)
        code = f" {code_options(modules, model.path)}" if modules else ""
        code += "".join(f" --trust {package}" for package in packages)
        message = (
            f"{model.path} does not tell which columns it takes: its first step, {model.unknown_entry}, "
            "keeps no list of them"
        )
        hint = (
            "Name the columns in their order:\n"
            f"  {build_command(model, f'--features first,second{code}')}\n"
            "or give rows of training data, without the column that is predicted:\n"
            f"  {build_command(model, f'--examples rows.csv{code}')}\n"
            "or save the model with infer_cli.save(model, folder, X, y)."
        )
        raise ModelUnreadable(f"{message}.", hint=hint)
    reason, hint = must_declare(model.features or ())
    if reason:
        message = f"{model.path} {reason}."
        raise ModelUnreadable(message, hint=f"{hint}.")
