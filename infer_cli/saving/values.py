"""Values of tables and of answers in JSON's types, without NumPy and pandas."""

from __future__ import annotations

import math
from datetime import datetime

from infer_cli.saving.failure import SaveFailed

# A missing value of pandas, which is equal to nothing and has no truth value.
_PANDAS_MISSING = ("NAType", "NaTType")


def is_missing(value: object) -> bool:
    """Tell whether a value of a table stands for a missing one."""
    if value is None or type(value).__name__ in _PANDAS_MISSING:
        return True
    return isinstance(value, float) and math.isnan(value)


def is_finite(row: dict[str, object]) -> bool:
    """Tell whether JSON has every value of the row."""
    return not any(isinstance(value, float) and not math.isfinite(value) for value in row.values())


def plain(value: object, name: str) -> bool | int | float | str | None:
    """Give a value in JSON's types; raise `SaveFailed` for a value that no request can hold."""
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(value, (bool, int, float, str)):
        value = item()
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return value
    for kind in (int, float, str):
        # NumPy's scalars of 64 bits and of text are subclasses.
        if isinstance(value, kind):
            return kind(value)
    message = f"the column {name} holds {type(value).__name__}, which no request can hold"
    raise SaveFailed(message, hint="turn it into text or a number before the model, in X and in the service")


def items_of(values: object) -> list[object]:
    """Give the values of an array, a column or a list as a list of Python's values."""
    for method in ("tolist", "to_list"):
        convert = getattr(values, method, None)
        if callable(convert):
            return list(convert())
    return list(values)  # type: ignore[call-overload,no-any-return]


def answer_value(value: object) -> object:
    """Give a part of an answer in JSON's types; `inf`, `-inf` and `nan` are texts, as in a CSV."""
    if isinstance(value, (list, tuple)):
        return [answer_value(part) for part in value]
    item = getattr(value, "item", None)
    if callable(item) and not isinstance(value, (bool, int, float, str)):
        value = item()
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
