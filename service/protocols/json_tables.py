"""Results as JSON with an element for each row, as most wire formats write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.json_values import JsonValue, encode
from service.prediction.exchange import Answer
from service.protocols.remarks import encoded

if TYPE_CHECKING:
    from service.protocols.outputs import Results
    from service.protocols.row_checks import RowChecks


def by_row(results: Results) -> list[JsonValue]:
    """Give an element for each row: the result itself, or an object of several results by name."""
    if len(results) == 1:
        return next(iter(results.values()))
    return [dict(zip(results, row)) for row in zip(*results.values())]


def answer_json(value: JsonValue, checks: RowChecks | None = None, rows: int = 0) -> Answer:
    """Write JSON; an object also gets the remarks, such as warnings and results that are no numbers."""
    if isinstance(value, dict) and checks is not None:
        return Answer(encoded(value, checks, by_row=True), rows)
    return Answer(encode(value), rows)
