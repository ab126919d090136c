"""The population stability index: how far shares lie from expected shares."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The logarithm of no share is infinite: a bin without values counts as one value of ten thousand.
LEAST_SHARE = 0.0001
# By chance alone, the index of n values in ten bins is about 9 / n: below 0.05 from here on.
FEWEST_VALUES = 200


def psi(expected: Sequence[float], counts: Sequence[int]) -> float | None:
    """Give the population stability index of counts by bin, of which `expected` are the shares.

    It is the sum of (a - e) * ln(a / e) over the bins, with the actual share a and the expected share e:
    D. Wu and D. L. Olson, Enterprise risk management: coping with model risk in a large bank, Journal of the
    Operational Research Society 61 (2010), 179-190. By convention, less than 0.1 is no notable change, and
    more than 0.25 (some say 0.2) a large one. Evidently, which calls a column drifted from 0.1 on, computes
    the same.

    None for fewer than 200 values, whose index would be mostly chance.
    """
    total = sum(counts)
    if total < FEWEST_VALUES:
        return None
    result = 0.0
    for share, count in zip(expected, counts):
        before, now = max(share, LEAST_SHARE), max(count / total, LEAST_SHARE)
        result += (now - before) * math.log(now / before)
    return result
