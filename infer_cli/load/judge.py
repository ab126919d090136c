"""Judges the answers under load: the same rows must get the same answer each time."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.load.requests import PreparedRequest

# Sums in another order, as threads may make them, differ in the last of 16 digits.
_TOLERANCE = 1e-9


class Judge:
    """Knows the first answer to each request, and compares the later ones with it."""

    def __init__(self, requests: Sequence[PreparedRequest]) -> None:
        self._counts = [len(request.rows) for request in requests]
        self._first: list[bytes | None] = [None] * len(self._counts)
        self.first_wrong: str | None = None

    def is_right(self, at: int, body: bytes) -> bool:
        """Whether a body answers the request at this place; the first wrong one is kept in words."""
        known = self._first[at]
        if body == known:
            return True
        reason = self._fault(body, self._counts[at]) if known is None else _difference(known, body)
        if reason is None:
            self._first[at] = known or body
        elif self.first_wrong is None:
            self.first_wrong = reason
        return reason is None

    @staticmethod
    def _fault(body: bytes, count: int) -> str | None:
        """What is wrong with a first answer; None if it has a prediction for each row."""
        try:
            answer = json.loads(body)
        except ValueError:
            return f"it is no JSON: {body[:60]!r}"
        predictions = answer.get("predictions") if isinstance(answer, dict) else None
        if not isinstance(predictions, list):
            return f"it has no predictions: {body[:60]!r}"
        return None if len(predictions) == count else f"{len(predictions)} predictions for {count} rows"


def _difference(known: bytes, body: bytes) -> str | None:
    try:
        same = _is_same(json.loads(known), json.loads(body))
    except ValueError:
        same = False
    return None if same else f"the same rows got {_cut(known)} before, and now {_cut(body)}"


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return type(one) is type(other) and one == other


def _cut(body: bytes) -> str:
    text = body.decode(errors="replace")
    return text if len(text) <= 100 else f"{text[:100]}…"  # noqa: PLR2004
