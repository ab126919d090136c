"""The predictions for some rows, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from service.json_values import JsonValue


class Predictions(NamedTuple):
    """One value for each row, and its probabilities if the model has them.

    Both are of JSON's types, but a number may be NaN.
    """

    values: list[JsonValue]
    probabilities: list[JsonValue] | None
