"""Predictions, as plain data."""

from __future__ import annotations

from typing import Any, NamedTuple


class Predictions(NamedTuple):
    """One value a row and, if the model has them, its probabilities, in JSON's types but for NaN."""

    values: list[Any]
    probabilities: list[Any] | None
