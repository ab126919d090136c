"""Parameters with which a model would compute without end for a single row: the limits of `parameters.txt`.

The twin `infer_cli/inspection/facts/parameters.py` has the same limits on the host.
"""

from __future__ import annotations

import math
import numbers
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import Forbidden
from service.loading.patterns import is_quick

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).resolve().parents[1] / "parameters.txt"
# Of more columns and more powers than these, more columns are made than any limit: a sum or product of fewer
# numbers tells that.
POWERS_MAX = 64


@lru_cache(maxsize=1)
def limits() -> dict[str, dict[str, int]]:
    """Read `parameters.txt`: the largest number for each name of each class."""
    found: dict[str, dict[str, int]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            cls, _, entry = line.partition(": ")
            name, number = entry.split()
            found.setdefault(cls, {})[name] = int(number)
    return found


def check_parameters(cls: str, attributes: Mapping[str, object]) -> None:
    """Raise `Forbidden` for a number of this class that is larger than any model's."""
    pattern = attributes.get("token_pattern")
    if isinstance(pattern, str) and not is_quick(pattern):
        kind = cls.rpartition(".")[2]
        raise Forbidden(f"holds a {kind} with a token_pattern that takes too long to compile or to match")
    for name, limit in (limits()["*"] | limits().get(cls, {})).items():
        value = _outputs(attributes) if name == "outputs" else attributes.get(name)
        if name == "ngram_range":
            value = _largest(value)
        if _is_beyond(value, limit):
            kind = cls.rpartition(".")[2]
            if name == "outputs":
                raise Forbidden(f"holds a {kind} that makes more than {limit} columns of a row")
            raise Forbidden(f"holds a {kind} whose {name} is more than {limit}")


def _is_beyond(value: Any, limit: int) -> bool:  # noqa: ANN401 (anything in a model)
    is_number = isinstance(value, (numbers.Real, np.number)) and not isinstance(value, np.complexfloating)
    return is_number and bool(value > limit or value < -limit)


def _largest(pair: Any) -> Any:  # noqa: ANN401 (anything in a model, and a number of any type)
    """Give the largest number of a pair, in whatever holds it; None for what holds no numbers."""
    if isinstance(pair, np.ndarray):
        pair = pair.ravel().tolist()
    listed = pair if isinstance(pair, (tuple, list, set, frozenset, dict, deque, range)) else ()
    return max(
        (one for one in listed if isinstance(one, (int, float, np.integer, np.floating))), default=None
    )


def _outputs(attributes: Mapping[str, object]) -> int | None:
    """Give how many columns polynomial features have; more than any limit, if that takes long to tell."""
    count, degree = attributes.get("n_features_in_"), attributes.get("_max_degree", attributes.get("degree"))
    if isinstance(degree, tuple) and degree:
        degree = degree[-1]
    if not isinstance(count, (int, np.integer)) or not isinstance(degree, (int, np.integer)):
        return None
    features, powers = int(count), int(degree)
    if features < 1 or powers < 1:
        return None
    if attributes.get("interaction_only"):
        few = min(powers, features, POWERS_MAX)
        return sum(math.comb(features, power) for power in range(few + 1))
    few = min(features, powers)
    return math.comb(min(features + powers, 10**9), few) if few <= POWERS_MAX else 2**POWERS_MAX
