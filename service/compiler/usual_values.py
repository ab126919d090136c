"""Finds what is usual for the columns of numbers, from what the parts of a fitted estimator have learned.

A part that keeps the lowest and the highest number of the training data goes before one that keeps a mean
with a deviation, and that before the thresholds of trees. Of a column of which no part keeps any of these,
nothing is said.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from service.compiler.column_parts import NONE, column_parts
from service.compiler.distributions import distributions
from service.compiler.proof_rows import lightgbm_ranges, some_thresholds, xgboost_thresholds
from service.schema.boosters import is_catboost
from service.schema.parts import positions_of
from service.schema.usual import Usual, UsualRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.compiler.functions import Fitted
    from service.schema.features import Feature
    from service.schema.usual import RangeSource

# Between two standard deviations below and above the mean lie about 95 of 100 values.
DEVIATIONS = 2.0
# A robust scaler keeps the distance between the quartiles, which is about 1.35 standard deviations.
QUARTILE_DISTANCES = 1.5
# Numbers beyond this limit mark what cannot be told, and separate no values that occur.
LIMIT = 1e30
# The thresholds of a tree lie inside the training data: the range goes on by this share of their distance.
MARGIN = 0.25
# Attributes with rows of the training data, and of a quantile transformer with quantiles by column.
ROWS = ("quantiles_", "_fit_X", "X_train_")
# Fewer thresholds say little of where the values lie: the range goes on by half of what they are themselves.
FEW_THRESHOLDS = 8
SAMPLED_ROWS = 1000
# Digits that tell one hundredth of a range.
DIGITS = 2
ORDER: tuple[RangeSource, ...] = ("bounds", "spread", "thresholds")


class Told(NamedTuple):
    """What a part tells of one column: NaN for what it does not tell."""

    column: int
    source: RangeSource
    low: float
    high: float
    value: float


def usual_values(estimator: Fitted, features: Sequence[Feature]) -> dict[str, Usual]:
    """Give what is usual for the features that are numbers, as far as it is known, by their names."""
    told: list[Told] = []
    # A part of another library may have attributes of the same names with anything in them.
    with suppress(Exception):
        for part, columns in column_parts(estimator, list(range(len(features)))):
            with suppress(Exception):
                for column, source, *numbers in _told_by(part, len(columns)):
                    told.append(Told(columns[column], source, *map(float, numbers)))
    found = usual_by_name(features, told)
    for position, distribution in distributions(estimator, len(features)).items():
        name = features[position].name
        if name in found:
            found[name] = found[name]._replace(distribution=distribution)
    return found


def usual_by_name(features: Sequence[Feature], told: Iterable[Told]) -> dict[str, Usual]:
    """Give what is usual for the features that are numbers, from what parts tell of the columns."""
    by_column: list[list[Told]] = [[] for _ in features]
    for one in told:
        if one.column != NONE:
            by_column[one.column].append(one)
    found = {
        feature.name: _usual(feature, each)
        for feature, each in zip(features, by_column)
        if feature.type == "number" and feature.categories is None
    }
    return {name: usual for name, usual in found.items() if usual != Usual(None, None)}


def _usual(feature: Feature, told: Sequence[Told]) -> Usual:
    value = next((one.value for one in told if abs(one.value) < LIMIT), None)
    usable = [one for one in told if -LIMIT < one.low < one.high < LIMIT]
    source = next((source for source in ORDER if any(one.source == source for one in usable)), None)
    if source is None:
        return Usual(None if value is None else _rounded(feature, value, abs(value)), None)
    same = [one for one in usable if one.source == source]
    low, high = min(one.low for one in same), max(one.high for one in same)
    if source != "bounds":
        low, high = _outward(feature, low, high)
    shown = _rounded(feature, same[0].value if value is None else value, high - low)
    return Usual(min(max(shown, low), high), UsualRange(low, high, source))


def _rounded(feature: Feature, value: float, width: float) -> float:
    """Round a value to a hundredth of a range, so that a person can read it."""
    if "int" in feature.dtype:
        return float(round(value))
    # Not -0.0, which is a 0 that nobody writes.
    return float(round(value, _places(width))) + 0.0


def _outward(feature: Feature, low: float, high: float) -> tuple[float, float]:
    unit = 1.0 if "int" in feature.dtype else 10.0 ** -_places(high - low)
    ends = math.floor(low / unit) * unit, math.ceil(high / unit) * unit
    return (float(round(ends[0], _places(high - low))), float(round(ends[1], _places(high - low))))


def _places(width: float) -> int:
    return DIGITS - math.floor(math.log10(width)) if width > 0 else DIGITS


def _told_by(part: Fitted, count: int) -> Iterator[Told]:
    yield from _fillings(part, count)
    yield from _bounds(part, count)
    yield from _spreads(part, count)
    yield from _thresholds(part, count)


def _fillings(part: Fitted, count: int) -> Iterator[Told]:
    """Tell what an imputer puts in the place of a missing value, if it is a usual value."""
    if getattr(part, "strategy", None) in ("mean", "median", "most_frequent"):
        for position, value in enumerate(_by_column(part, "statistics_", count)):
            if isinstance(value, (int, float)):
                yield Told(position, "spread", math.nan, math.nan, float(value))


def _bounds(part: Fitted, count: int) -> Iterator[Told]:
    lows, highs = _by_column(part, "data_min_", count), _by_column(part, "data_max_", count)
    for position, (low, high) in enumerate(zip(lows, highs)):
        yield Told(position, "bounds", low, high, (low + high) / 2)
    for name in ROWS:
        table = getattr(part, name, None)
        if isinstance(table, np.ndarray) and table.ndim == 2 and table.shape[1] == count and len(table):  # noqa: PLR2004
            # A part of the rows is enough for the middle, which needs a copy of them.
            sample = table[:: len(table) // SAMPLED_ROWS + 1]
            ends = np.fmin.reduce(table), np.fmax.reduce(table), np.nanmedian(sample, axis=0)
            for position, (low, high, middle) in enumerate(zip(*(np.asarray(end).tolist() for end in ends))):
                yield Told(position, "bounds", low, high, middle)
    edges = getattr(part, "bin_edges_", None)
    if edges is not None and len(edges) == count:
        for position, of_column in enumerate(edges):
            low, high = float(of_column[0]), float(of_column[-1])
            yield Told(position, "bounds", low, high, float(np.median(of_column)))
    # What the file of a booster says of its columns.
    columns = getattr(part, "columns", None)
    of_file = enumerate(
        getattr(one, "bounds", None) for one in (columns if isinstance(columns, tuple) else ())
    )
    kept = ((position, bounds) for position, bounds in of_file if bounds is not None)
    for position, (low, high) in (*kept, *lightgbm_ranges(part, count)):
        yield Told(position, "bounds", low, high, (low + high) / 2)


def _spreads(part: Fitted, count: int) -> Iterator[Told]:
    scales = _by_column(part, "scale_", count)
    for name, factor in (("mean_", DEVIATIONS), ("center_", QUARTILE_DISTANCES)):
        for position, middle in enumerate(_by_column(part, name, count)):
            reach = factor * abs(scales[position]) if scales else math.nan
            yield Told(position, "spread", middle - reach, middle + reach, middle)
    means: Any = getattr(part, "theta_", None)
    variances: Any = getattr(part, "var_", None)
    if np.shape(means) == np.shape(variances) == (*np.shape(means)[:1], count):
        reaches = DEVIATIONS * np.sqrt(np.asarray(variances))
        lows, highs = (np.asarray(means) - reaches).min(axis=0), (np.asarray(means) + reaches).max(axis=0)
        middles = np.average(np.asarray(means), axis=0, weights=getattr(part, "class_prior_", None))
        for position, (low, high, middle) in enumerate(zip(lows.tolist(), highs.tolist(), middles.tolist())):
            yield Told(position, "spread", low, high, middle)


def _thresholds(part: Fitted, count: int) -> Iterator[Told]:
    order = _order_of_columns(part, count)
    # Boosting divides the training data into bins first, also where no tree has a threshold.
    for at, ends in enumerate(getattr(getattr(part, "_bin_mapper", None), "bin_thresholds_", ())):
        if len(ends):
            yield around(order[at], ends.tolist())
    found: list[list[float]] = [[] for _ in range(count)]
    for at, threshold in _of_trees(part, order):
        if at < count and abs(threshold) < LIMIT:
            found[at].append(threshold)
    for position, numbers in enumerate(found):
        if numbers:
            yield around(position, numbers)


def _of_trees(part: Fitted, order: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Give positions of columns with thresholds of the trees of scikit-learn, XGBoost and CatBoost."""
    yield from ((order[at], threshold) for at, threshold in some_thresholds(part) if at < len(order))
    yield from xgboost_thresholds(part)
    if is_catboost(part):
        for at, borders in part.get_borders().items():
            yield from ((at, border) for border in borders)


def around(column: int, thresholds: Sequence[float]) -> Told:
    """Tell of a column what at least one threshold of trees tells."""
    low, high = min(thresholds), max(thresholds)
    reach = MARGIN * (high - low)
    if len(set(thresholds)) < FEW_THRESHOLDS:
        reach = max(reach, abs(low + high) / 4)
    reach = reach or 1.0
    return Told(column, "thresholds", low - reach, high + reach, float(np.median(thresholds)))


def _order_of_columns(part: Fitted, count: int) -> list[int]:
    """Give which column each column of the trees is: boosting puts its categories before the numbers."""
    encoder = getattr(part, "_preprocessor", None)
    if encoder is None:
        return list(range(count))
    return [*positions_of(encoder, "encoder"), *positions_of(encoder, "numerical")]


def _by_column(part: Fitted, name: str, count: int) -> list[Any]:
    """Give the attribute of this name if it has a number for each column, else nothing."""
    values = getattr(part, name, None)
    is_by_column = values is not None and np.shape(values) == (count,)
    return cast("list[Any]", np.asarray(values).tolist()) if is_by_column else []
