"""Parameters with which a model would compute without end for a single row: the limits of `parameters.txt`.

The service has the same limits for a model that it has loaded: `service/loading/parameters.py`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from infer_cli.assets import find_assets
from infer_cli.inspection.facts.calls import HINT
from infer_cli.inspection.facts.patterns import is_quick
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.arrays import scalar_of
from infer_cli.inspection.nodes.node_types import children_of

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

# Of more columns and more powers than these, more columns are made than any limit: a sum or product of fewer
# numbers tells that.
POWERS_MAX = 64


@lru_cache(maxsize=1)
def limits() -> dict[str, dict[str, int]]:
    """Read `parameters.txt`: the largest number for each name of each class."""
    found: dict[str, dict[str, int]] = {}
    for line in find_assets().parameters.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            cls, _, entry = line.partition(": ")
            name, number = entry.split()
            found.setdefault(cls, {})[name] = int(number)
    return found


def check_parameters(cls: str, attributes: dict[str, Node]) -> None:
    """Raise `Refused` for a number of this class that is larger than any model's."""
    pattern = attributes.get("token_pattern")
    if isinstance(pattern, str) and not is_quick(pattern):
        kind = cls.rpartition(".")[2]
        reason = f"holds a {kind} with a token_pattern that takes too long to compile or to match"
        raise Refused(reason, hint=HINT)
    for name, limit in (limits()["*"] | limits().get(cls, {})).items():
        value = _outputs(attributes) if name == "outputs" else scalar_of(attributes.get(name))
        if name == "ngram_range":
            value = _largest(attributes.get(name))
        if isinstance(value, int | float) and abs(value) > limit:
            kind = cls.rpartition(".")[2]
            if name == "outputs":
                reason = f"holds a {kind} that makes more than {limit} columns of a row"
            else:
                reason = f"holds a {kind} whose {name} is more than {limit}"
            raise Refused(reason, hint=HINT)


def _largest(pair: Node) -> float | None:
    """Give the largest number of a pair, in whatever holds it; None for what holds no numbers."""
    found = [scalar_of(item) for item in children_of(pair)]
    return max((one for one in found if isinstance(one, int | float)), default=None)


def _outputs(attributes: dict[str, Node]) -> int | None:
    """Give how many columns polynomial features have; more than any limit, if that takes long to tell."""
    given = attributes.get("_max_degree", attributes.get("degree"))
    features = scalar_of(attributes.get("n_features_in_"))
    powers = scalar_of(given[-1] if isinstance(given, tuple) and given else given)
    if not isinstance(features, int) or not isinstance(powers, int):
        return None
    if features < 1 or powers < 1:
        return None
    if attributes.get("interaction_only"):
        few = min(powers, features, POWERS_MAX)
        return sum(math.comb(features, power) for power in range(few + 1))
    few = min(features, powers)
    return math.comb(min(features + powers, 10**9), few) if few <= POWERS_MAX else 2**POWERS_MAX
