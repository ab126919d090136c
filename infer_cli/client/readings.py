"""Cells of a CSV, and words, that may stand for values of several types: `22` is a number, and a text.

`service/protocols/readings.py` has the same rules for the strings of a query.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from infer_cli.client.served_model import ServedFeature

# What any program may write for a number, 007 and +5 among them: such a text may also be a name.
NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
BOOLEAN = re.compile(r"\s*(true|false)\s*", re.ASCII | re.IGNORECASE)
# A whole number with a point: CatBoost takes 22 for the text "22", and "22.0" is another one.
WHOLE_WITH_POINT = re.compile(r"\s*[+-]?\d+\.0*\s*", re.ASCII)


def check_reading(name: str, cell: str, feature: ServedFeature | None) -> None:
    """Raise `InferError` for a cell that could be read in two ways, which may give different answers."""
    if feature is None:
        return
    if cell in feature.mixed and any(value in feature.mixed for value in _others(cell)):
        raise _ambiguous(
            name, cell, "another category", "give the rows as JSON Lines, where a value has a type"
        )
    if not feature.needs_types:
        return
    other = "a boolean" if BOOLEAN.fullmatch(cell) else "a number" if NUMBER.fullmatch(cell) else ""
    if feature.type == "text":
        if other == "a boolean":
            raise _ambiguous(name, cell, other, "write 1 or 0 for a boolean, or give the rows as JSON Lines")
        if WHOLE_WITH_POINT.fullmatch(cell):
            raise _ambiguous(
                name,
                cell,
                "a whole number",
                "write a whole number without a point, or give the rows as JSON Lines",
            )
    elif other:
        raise _ambiguous(
            name,
            cell,
            other,
            "give the rows as JSON Lines or Parquet, where a value has a type; or declare the type of the "
            "column when you build: infer build --examples, or infer.json beside the model",
        )


def _others(cell: str) -> list[object]:
    """Give the number or boolean that a cell also stands for."""
    if BOOLEAN.fullmatch(cell):
        return [cell.strip().lower() == "true"]
    return [float(cell)] if NUMBER.fullmatch(cell) else []


def _ambiguous(name: str, cell: str, other: str, hint: str) -> InferError:
    return InferError(f"{name} may be a text or {other}: {cell!r} does not tell which", hint=hint)
