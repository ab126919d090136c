"""How the values of a column were distributed in training, as the shares of a few bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

# As the population stability index is usually computed: with bins that hold a tenth of the values each.
BINS = 10
# A least value that is so frequent gets a bin of its own, such as the 0 of amounts that are mostly 0.
OWN_BIN = 0.05
# Fewer values tell no distribution: a bin would hold two of them.
FEWEST_VALUES = 20


class Distribution(NamedTuple):
    """The bins between `edges`, which do not fall, and the share of the values in each; the shares add to 1.

    A bin holds the values above its lower edge and up to its upper edge; the first one also its lower edge.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def distribution_of(values: npt.ArrayLike) -> Distribution | None:
    """Give the distribution of numbers, of which those that are not finite are left out.

    None for fewer than 20 numbers, and for numbers that are all the same.
    """
    found = np.asarray(values, dtype=np.float64).ravel()
    found = np.sort(found[np.isfinite(found)])
    if len(found) < FEWEST_VALUES or found[0] == found[-1]:
        return None
    # An edge is a number that occurs: `inverted_cdf` takes none between two of them. NumPy 1.22 named it so.
    places = np.ceil(np.arange(BINS + 1) * len(found) / BINS).astype(int) - 1
    edges: list[float] = sorted({*found[np.maximum(places, 0)].tolist()})
    if np.searchsorted(found, edges[0], side="right") >= OWN_BIN * len(found):
        edges.insert(0, edges[0])
    return Distribution(tuple(edges), tuple(shares_between(found, edges)))


def shares_between(values: npt.NDArray[np.float64], edges: Sequence[float]) -> list[float]:
    """Give which share of sorted numbers, all between the edges, lies in each bin."""
    ends = np.searchsorted(values, edges[1:], side="right") / len(values)
    shares: list[float] = np.diff(ends, prepend=0.0).tolist()
    return shares
