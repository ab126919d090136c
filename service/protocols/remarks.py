"""What an answer says beside the predictions: results that JSON cannot write, and doubts about the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.json_values import JsonValue, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.protocols.row_checks import RowChecks

MOST_NON_FINITE_LISTED = 1000


def encoded(answer: dict[str, JsonValue], checks: RowChecks | None = None, *, by_row: bool) -> bytes:
    """Write an answer with its remarks in JSON.

    `warnings` are those of the checks. `non_finite` lists the results that are NaN or an infinity, for which
    JSON has null. Both are there only if there is something to say. `by_row` says that each part of the
    answer has one element for each row.
    """
    if checks is not None and checks.warning_count:
        answer["warnings"] = checks.warnings
        if checks.warning_count > len(checks.warnings):
            answer["warning_count"] = checks.warning_count
    text = encode(answer)
    # An answer without null, which is nearly every answer, need not be searched.
    if b"null" not in text:
        return text
    found = _non_finite(answer, by_row=by_row)
    if not found:
        return text
    answer["non_finite"] = found[:MOST_NON_FINITE_LISTED]
    if len(found) > MOST_NON_FINITE_LISTED:
        answer["non_finite_count"] = len(found)
    return encode(answer)


def _non_finite(answer: dict[str, JsonValue], *, by_row: bool) -> list[JsonValue]:
    found: list[JsonValue] = []
    for name, part in answer.items():
        if name in ("inputs", "warnings"):
            continue
        field = "prediction" if name == "predictions" else name
        if not by_row:
            found += [{"field": place, "value": value} for place, value in _places(part, field)]
        elif isinstance(part, list):
            found += [
                {"row": row, "field": place, "value": value}
                for row, each in enumerate(part)
                for place, value in _places(each, field)
            ]
    return found


def _places(value: JsonValue, place: str) -> Iterator[tuple[str, str]]:
    """Give the place and the text of each NaN and each infinity in a value."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield place, str(value)
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from _places(element, f"{place}.{key}")
    elif isinstance(value, list):
        for at, element in enumerate(value):
            yield from _places(element, f"{place}[{at}]")
