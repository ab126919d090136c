"""The step that gets the rows first: a service gives own code a table of pandas or an array, nothing else."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from infer_cli.saving.answers import ask
from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.fresh_check import difference
from infer_cli.saving.own_modules import own_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.saving.table import Table


def check_first_step(
    model: object, table: Table, rows: Sequence[int], answers: dict[str, list[object]]
) -> None:
    """Raise `SaveFailed` if own code gets the rows first, and in a form that no service gives it."""
    name = _own_name(_first_of(model))
    if name is None:
        return
    if table.is_texts or table.is_records:
        what = "texts" if table.is_texts else "dictionaries"
        message = f"{name} gets the rows first, as {what}; a service gives your own code a table"
        hint = "let it take a DataFrame with named columns, such as X[['text']], and train again with that"
        raise SaveFailed(message, hint=hint)
    if table.zoned:
        message = f"{name} gets the rows first, with the time zone of {table.zoned[0]}; a service has none"
        column = f"X[{table.zoned[0]!r}]"
        hint = f"train with {column}.dt.tz_convert('UTC').dt.tz_localize(None), and send times in UTC"
        raise SaveFailed(message, hint=hint)
    if not table.is_polars:
        return
    try:
        given = importlib.import_module("pandas").DataFrame(table.records(rows))
        reason = difference(ask(model, given), answers)
    except (ImportError, SaveFailed) as error:
        reason = getattr(error, "message", str(error))
    if reason:
        message = (
            f"{name} gets the rows first, as a table of Polars; a service gives it one of pandas: {reason}"
        )
        hint = (
            "let it take both, such as with X = pl.DataFrame(X) or pl.from_pandas(X) first, and train again"
        )
        raise SaveFailed(message, hint=hint)


def _first_of(model: Any) -> Any:  # noqa: ANN401 (any library's)
    """Give the innermost part that gets the rows unchanged, as far as pipelines and searches go."""
    for _ in range(20):
        steps = getattr(model, "steps", None)
        inner = getattr(model, "best_estimator_", None)
        if inner is None and isinstance(steps, list) and steps:
            inner = next((step for _, step in steps if step not in (None, "passthrough")), None)
        if inner is None:
            break
        model = inner
    return model


def _own_name(part: Any) -> str | None:  # noqa: ANN401 (any library's)
    """Name the own class or function that a part is or calls; None if it is of an installed package."""
    for code in (type(part), getattr(part, "func", None)):
        module = getattr(code, "__module__", None)
        if isinstance(module, str) and (module == "__main__" or own_source(module.partition(".")[0])):
            return str(getattr(code, "__qualname__", code))
    return None
