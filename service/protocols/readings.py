"""Strings of a query that may stand for values of several types: `22` is a number, and a text as well.

JSON tells them apart. A string of a query that is read in one way for sure is no concern of this module.
`infer_cli/client/readings.py` has the same rules for the cells of a CSV.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from service.schema.features import TEXT_OR_WHOLE, needs_types

if TYPE_CHECKING:
    from service.schema.features import Feature

# What any program may write for a number, 007 and +5 among them: such a text may also be a name.
NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
BOOLEAN = re.compile(r"\s*(true|false)\s*", re.ASCII | re.IGNORECASE)
# A whole number with a point: CatBoost takes 22 for the text "22", and "22.0" is another one.
WHOLE_WITH_POINT = re.compile(r"\s*[+-]?\d+\.0*\s*", re.ASCII)

UNKNOWN = (
    "send JSON, where a value has a type, or declare the type of the column, with --examples or in infer.json"
)


class TwoReadings(NamedTuple):
    """A string that could be read in two ways, which may give different answers; `reason` says which ways."""

    text: str
    reason: str


def two_readings(feature: Feature, text: str) -> str:
    """Say which ways there are to read a string of a query; an empty string if there is only one."""
    if not needs_types(feature):
        return ""
    other = "a boolean" if BOOLEAN.fullmatch(text) else "a number" if NUMBER.fullmatch(text) else ""
    if feature.dtype != TEXT_OR_WHOLE:
        return f"may be a text or {other}, and the model does not tell which: {UNKNOWN}" if other else ""
    if other == "a boolean":
        return (
            "may be a text or a boolean: write 1 or 0 for a boolean, or send JSON, where a value has a type"
        )
    if WHOLE_WITH_POINT.fullmatch(text):
        return "may be a text or a whole number: write the number without a point, or send the text in JSON"
    return ""
