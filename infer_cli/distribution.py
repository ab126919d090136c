"""How the values of a column are distributed in a sample, as the shares of a few bins.

`service/schema/distribution.py` makes the same of the training rows that a model keeps.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# As the population stability index is usually computed: with bins that hold a tenth of the values each.
BINS = 10
# A least value that is so frequent gets a bin of its own, such as the 0 of amounts that are mostly 0.
OWN_BIN = 0.05
# Of fewer values, the shares are mostly chance.
FEWEST_VALUES = 200


class Distribution(NamedTuple):
    """The bins between `edges`, which do not fall, and the share of the values in each; the shares add to 1.

    A bin holds the values above its lower edge and up to its upper edge; the first one also its lower edge.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def as_dict(self) -> dict[str, list[float]]:
        """Give it as the JSON values that stand in a declared schema."""
        return {"edges": list(self.edges), "shares": list(self.shares)}


def distribution_of(values: Sequence[float]) -> Distribution | None:
    """Give the distribution of finite numbers; None for fewer than 200, or if all are the same."""
    found = sorted(values)
    if len(found) < FEWEST_VALUES or found[0] == found[-1]:
        return None
    places = (max(0, math.ceil(at * len(found) / BINS) - 1) for at in range(BINS + 1))
    edges = sorted({found[place] for place in places})
    if bisect_right(found, edges[0]) >= OWN_BIN * len(found):
        edges.insert(0, edges[0])
    ends = [0.0, *(bisect_right(found, edge) / len(found) for edge in edges[1:])]
    return Distribution(tuple(edges), tuple(ends[at] - ends[at - 1] for at in range(1, len(ends))))
