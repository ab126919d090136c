"""The bins into which the values of each feature are counted, from what the model and the user tell of it.

No bin is made of what a client sends: their number is fixed when the model is loaded, and their texts are the
model's own categories and numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.schema.features import Feature, Value
    from service.schema.usual import UsualValues

# What a bin holds: numbers that lie `inside` the known range, `below` or `above` it; a known `category`, a
# known one that is none of the first (`other`), an `unseen` one; any `value` of a feature of which neither is
# known; a `missing` value.
Kind = Literal["inside", "below", "above", "category", "other", "unseen", "value", "missing"]

# Prometheus keeps a series for each bin: features and categories beyond these are not told apart.
MOST_FEATURES = 300
MOST_CATEGORIES = 30
LONGEST_TEXT = 80


class Bin(NamedTuple):
    """One bin of a feature. Bins with the same text are one bin to the population stability index."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class FeatureBins:
    """The bins of the feature at a position of the rows; the last bin is that of missing values.

    A number that is greater than n of the `thresholds`, which do not fall, belongs to bin n. `places` has the
    bin of each known category, of which any other value belongs to the bin before the last one. A feature
    with neither has one bin for all its values. `shares` are the expected shares by the texts of the bins,
    and empty if they are unknown. `low` and `high` are the ends of the known range, which `source` tells.
    """

    name: str
    position: int
    bins: tuple[Bin, ...]
    thresholds: tuple[float, ...] = ()
    places: Mapping[Value, int] | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    source: str = ""


def bins_of(features: Sequence[Feature], usual: UsualValues) -> list[FeatureBins]:
    """Give the bins of the first 300 features that the model looks at."""
    used = [(at, feature) for at, feature in enumerate(features) if feature.dtype != "unused"]
    return [_bins_of(at, feature, usual) for at, feature in used[:MOST_FEATURES]]


def _bins_of(position: int, feature: Feature, usual: UsualValues) -> FeatureBins:
    categories = (True, False) if feature.type == "boolean" else feature.categories
    if categories is not None:
        return _of_categories(position, feature.name, categories)
    distribution = usual.distribution(feature)
    if distribution is not None:
        return _of_edges(position, feature.name, distribution.edges, distribution.shares, "sample")
    known = usual.range(feature)
    if known is not None and known.low <= known.high:
        return _of_edges(position, feature.name, (known.low, known.high), (), known.source)
    return FeatureBins(feature.name, position, (Bin("value", ""), Bin("missing", "")))


def _of_edges(
    position: int, name: str, edges: Sequence[float], shares: Sequence[float], source: str
) -> FeatureBins:
    texts = _between(edges, ".6g")
    if len({*texts}) < len(texts):
        texts = _between(edges, "")
    # A number outside lies in the bin of the index that is next to it, as if that had no outer end.
    outside = Bin("below", texts[0]), Bin("above", texts[-1])
    bins = (outside[0], *(Bin("inside", text) for text in texts), outside[1], Bin("missing", ""))
    return FeatureBins(
        name,
        position,
        bins,
        # The first bin holds its lower edge, too: only numbers below it are not greater than the one before.
        thresholds=(math.nextafter(edges[0], -math.inf), *edges[1:]),
        shares=dict(zip(texts, shares)),
        low=edges[0],
        high=edges[-1],
        source=source,
    )


def _between(edges: Sequence[float], form: str) -> list[str]:
    ends = [format(edge + 0.0, form).removesuffix(".0") for edge in edges]
    return [low if low == high else f"{low} to {high}" for low, high in zip(ends, ends[1:])]


def _of_categories(position: int, name: str, categories: Sequence[Value]) -> FeatureBins:
    # A missing value among the categories is counted as missing.
    known = [one for one in categories if one is not None and one == one]  # noqa: PLR0124 (NaN)
    texts = dict.fromkeys(map(_text_of, known[:MOST_CATEGORIES]))
    order = {text: at for at, text in enumerate(texts)}
    rest = len(order)
    bins = [Bin("category", text) for text in texts]
    if len(known) > MOST_CATEGORIES:
        bins.append(Bin("other", "(other)"))
    places: dict[Value, int] = {value: order.get(_text_of(value), rest) for value in known[:MOST_CATEGORIES]}
    places.update((value, rest) for value in known[MOST_CATEGORIES:] if value not in places)
    bins += [Bin("unseen", "(unseen)"), Bin("missing", "")]
    return FeatureBins(name, position, tuple(bins), places=places)


def _text_of(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).removesuffix(".0") if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
