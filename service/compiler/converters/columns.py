"""Column transformers over mixed columns: of lists of values, without making a frame.

A branch whose columns are numbers becomes an array of these and goes through `transformers`. In any other,
each column is looked up by itself: what an imputer fills in, and the numbers that an encoder has for a value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from service.compiler.converters.transformers import steps_of
from service.compiler.functions import class_name
from service.compiler.operations import Branch, Branches, Codes, Lookup, Numbers, OneHot, Table, through
from service.errors import NotCompilable
from service.schema.parts import positions_of
from service.schema.value_types import plain_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Fitted
    from service.schema.features import Feature

LOOKED_UP = frozenset({"boolean", "category", "number", "text"})


def table_of(transformer: Fitted, features: Sequence[Feature], *, passing: Sequence[str] = ()) -> Table:
    """Give the step from rows, as lists of values, to the array that a column transformer makes.

    The branches that are named in `passing` leave their numbers as they are, whatever they call.
    """
    parts: list[Any] = []
    width = 0
    for name, part, _ in transformer.transformers_:
        positions = positions_of(transformer, name)
        if positions and not (isinstance(part, str) and part == "drop"):
            made, count = _branch(_parts(None if name in passing else part), positions, features, width)
            parts.append(made)
            width += count
    return Table(parts, width)


def branches_of(transformer: Fitted) -> Branches:
    """Give the step of a column transformer whose columns are all numbers, from array to array."""
    branches = []
    for name, part, _ in transformer.transformers_:
        positions = positions_of(transformer, name)
        if positions and not (isinstance(part, str) and part == "drop"):
            steps = [step for inner in _parts(part) for step in steps_of(inner)]
            branches.append(Branch(positions, steps))
    return Branches(branches)


def _parts(part: Fitted) -> list[Fitted]:
    """List the transformers of a branch; none where its columns pass as they are."""
    parts = [step for _, step in part.steps] if class_name(part) == "Pipeline" else [part]
    return [step for step in parts if step is not None and not isinstance(step, str)]


def _branch(
    parts: list[Fitted], positions: list[int], features: Sequence[Feature], start: int
) -> tuple[Any, int]:
    encodes = any(hasattr(part, "categories_") for part in parts)
    if encodes or any(features[at].type != "number" for at in positions):
        return _looked_up(parts, positions, features, start)
    steps = [step for part in parts for step in steps_of(part)]
    width = through(steps, np.zeros((1, len(positions)))).shape[1]
    return Numbers(positions, steps, start, start + width), width


def _looked_up(
    parts: list[Fitted], positions: list[int], features: Sequence[Feature], start: int
) -> tuple[Any, int]:
    """Look each value up. The last part must be an encoder, and those before it imputers."""
    if any(features[at].type not in LOOKED_UP for at in positions):
        raise NotCompilable("it takes columns of dates, or of any values")
    *imputers, encoder = parts or [None]
    name = class_name(encoder)
    if name not in ("OneHotEncoder", "OrdinalEncoder"):
        raise NotCompilable(f"there is no shorter way through {type(encoder).__name__}")
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotCompilable("it puts rare categories together")
    fillings = _fillings(imputers, len(positions))
    if name == "OneHotEncoder":
        return _one_hot(encoder, positions, fillings, start)
    return _codes(encoder, positions, fillings, start), len(positions)


def _fillings(imputers: list[Fitted], count: int) -> list[Any]:
    """Give what stands in for a missing value, by column; None where nothing does."""
    fillings: list[Any] = [None] * count
    for imputer in imputers:
        if class_name(imputer) != "SimpleImputer" or getattr(imputer, "indicator_", None) is not None:
            raise NotCompilable(f"there is no shorter way through {type(imputer).__name__}")
        statistics = plain_values(imputer.statistics_)
        if len(statistics) != count or any(_is_gap(value) for value in statistics):
            raise NotCompilable("it drops a column that was empty in training")
        fillings = [new if old is None else old for old, new in zip(fillings, statistics)]
    return fillings


def _is_gap(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _lookup(column: int, filling: object, values: list[Any], numbers: list[float]) -> Lookup:
    """Give the numbers for the categories of a column, one of which may be the missing value."""
    pairs = list(zip(values, numbers))
    gap = next((number for value, number in pairs if _is_gap(value)), None)
    return Lookup(column, filling, [pair for pair in pairs if not _is_gap(pair[0])], gap)


def _one_hot(encoder: Fitted, positions: list[int], fillings: list[Any], start: int) -> tuple[OneHot, int]:
    dropped = getattr(encoder, "drop_idx_", None)
    lookups = []
    end = start
    for column, categories in enumerate(encoder.categories_):
        values = plain_values(categories)
        if dropped is not None and dropped[column] is not None:
            del values[dropped[column]]
        places = [float(end + place) for place in range(len(values))]
        lookups.append(_lookup(positions[column], fillings[column], values, places))
        end += len(values)
    return OneHot(lookups), end - start


def _codes(encoder: Fitted, positions: list[int], fillings: list[Any], start: int) -> Codes:
    unknown = getattr(encoder, "unknown_value", None)
    missing = float(getattr(encoder, "encoded_missing_value", math.nan))
    # With pandas 2, None in a column of objects is a category like any other, and only NaN is missing.
    missing_places = getattr(encoder, "_missing_indices", {})
    lookups = []
    for column, categories in enumerate(encoder.categories_):
        values = plain_values(categories)
        codes = [float(place) for place in range(len(values))]
        if column in missing_places:
            codes[missing_places[column]] = missing
        lookups.append(_lookup(positions[column], fillings[column], values, codes))
    return Codes(lookups, start, math.nan if unknown is None else float(unknown))
