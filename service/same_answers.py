"""Whether two answers to a row are the same; only the standard library is used.

An answer is a dictionary with `prediction` and perhaps `probabilities`. The model's own answer has NaN and
infinities as Python's JSON reads them; the service's answer has null there.
"""

from __future__ import annotations

import math
from typing import Any

PARTS = ("prediction", "probabilities")


def is_same(own: dict[str, Any], served: dict[str, Any], tolerance: float) -> bool:
    """Tell whether the service's answer is the model's own; floats may differ by `tolerance`.

    The difference counts relative to the number, or as it is below 1.
    """
    return all(_is_same_value(own.get(part), served.get(part), tolerance) for part in PARTS)


def _is_same_value(own: object, served: object, tolerance: float) -> bool:
    one, other = _values(own), _values(served)
    if isinstance(one, list) or isinstance(other, list):
        # A model may give each prediction as a list of one.
        mine = one if isinstance(one, list) else [one]
        theirs = other if isinstance(other, list) else [other]
        return len(mine) == len(theirs) and all(
            _is_same_value(value, served_value, tolerance) for value, served_value in zip(mine, theirs)
        )
    if isinstance(one, float) and not math.isfinite(one):
        return other is None
    if isinstance(one, float) or isinstance(other, float):
        return _is_close(one, other, tolerance)
    # True is no 1, though Python calls them equal; whole numbers and texts are exact.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _values(value: object) -> object:
    """Give the probabilities by class as a list, in the order of the classes."""
    return list(value.values()) if isinstance(value, dict) else value


def _is_close(one: object, other: object, tolerance: float) -> bool:
    return (
        isinstance(one, (int, float))
        and isinstance(other, (int, float))
        and not isinstance(one, bool)
        and not isinstance(other, bool)
        and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    )
