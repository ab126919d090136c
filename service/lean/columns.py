"""Column transformers over mixed columns: of lists of values, without making a frame.

A branch whose columns are numbers becomes an array of these and goes through `transformers`. In any other,
each column is looked up by itself: what an imputer fills in, and the numbers that an encoder has for a value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.kinds import plain_values, positions_of
from service.lean.arithmetic import NotLean, class_name
from service.lean.transformers import step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.features import Feature, Value
    from service.lean.arithmetic import Array, Fitted, Step

    Rows = Sequence[Sequence[Value]]
    # Fills the columns from `start` on of an array with what the rows give; says how many it has.
    Fill = Callable[[Rows, Array], None]

# What stands for a missing value, where it is looked up. No request can hold it.
GAP = type("Gap", (), {})()


def columns_step(transformer: Fitted, features: Sequence[Feature], *, passing: Sequence[str] = ()) -> Step:
    """Give the function from rows, as lists of values, to the array that a column transformer makes.

    The branches that are named in `passing` leave their numbers as they are, whatever they call.
    """
    fills: list[Fill] = []
    width = 0
    for name, part, _ in transformer.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        positions = positions_of(transformer, name)
        if not positions:
            continue
        fill, count = _branch(None if name in passing else part, positions, features, width)
        fills.append(fill)
        width += count

    def step(rows: Rows) -> Array:
        table = np.zeros((len(rows), width))
        for fill in fills:
            fill(rows, table)
        return table

    return step


def array_columns_step(transformer: Fitted) -> Step:
    """Give the function of a column transformer whose columns are all numbers, from array to array."""
    branches: list[tuple[list[int], list[Step]]] = []
    for name, part, _ in transformer.transformers_:
        positions = positions_of(transformer, name)
        if positions and not (isinstance(part, str) and part == "drop"):
            branches.append((positions, [step_of(step) for step in _parts(part)]))

    def step(rows: Array) -> Array:
        return np.hstack([_through(steps, rows.take(positions, axis=1)) for positions, steps in branches])

    return step


def _parts(part: Fitted) -> list[Fitted]:
    """List the transformers of a branch; none where its columns pass as they are."""
    parts = [step for _, step in part.steps] if class_name(part) == "Pipeline" else [part]
    return [step for step in parts if step is not None and not isinstance(step, str)]


def _branch(part: Fitted, positions: list[int], features: Sequence[Feature], start: int) -> tuple[Fill, int]:
    parts = _parts(part)
    if all(features[at].type == "number" for at in positions) and not _encodes(parts):
        return _numbers(parts, positions, start)
    return _lookups(parts, positions, features, start)


def _encodes(parts: list[Fitted]) -> bool:
    return any(hasattr(part, "categories_") for part in parts)


def _numbers(parts: list[Fitted], positions: list[int], start: int) -> tuple[Fill, int]:
    steps = [step_of(part) for part in parts]
    probe = _through(steps, np.zeros((1, len(positions))))
    end = start + probe.shape[1]

    def fill(rows: Rows, table: Array) -> None:
        # None becomes NaN.
        numbers = np.array([[row[at] for at in positions] for row in rows], dtype=np.float64)
        table[:, start:end] = _through(steps, numbers)

    return fill, end - start


def _through(steps: list[Step], rows: Array) -> Array:
    for step in steps:
        rows = step(rows)
    return rows


def _lookups(
    parts: list[Fitted], positions: list[int], features: Sequence[Feature], start: int
) -> tuple[Fill, int]:
    """Look each value up. The last part must be an encoder, and those before it imputers."""
    if any(features[at].type not in ("number", "category", "text", "boolean") for at in positions):
        raise NotLean("it takes columns of dates, or of any values")
    *imputers, encoder = parts or [None]
    fillings = _fillings(imputers, len(positions))
    name = class_name(encoder)
    if name == "OneHotEncoder":
        return _one_hot(encoder, positions, fillings, start)
    if name == "OrdinalEncoder":
        return _ordinal(encoder, positions, fillings, start)
    raise NotLean(f"there is no shorter way through {type(encoder).__name__}")


def _fillings(imputers: list[Fitted], count: int) -> list[Any]:
    """Give what stands in for a missing value, by column; the gap itself where nothing does."""
    fillings: list[Any] = [GAP] * count
    for imputer in imputers:
        if class_name(imputer) != "SimpleImputer" or getattr(imputer, "indicator_", None) is not None:
            raise NotLean(f"there is no shorter way through {type(imputer).__name__}")
        statistics = plain_values(imputer.statistics_)
        if len(statistics) != count or any(_is_gap(value) for value in statistics):
            raise NotLean("it drops a column that was empty in training")
        fillings = [new if old is GAP else old for old, new in zip(fillings, statistics)]
    return fillings


def _is_gap(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _positions_of_values(categories: Array) -> dict[Any, int]:
    """Give the position of each category that an encoder knows, missing values as GAP."""
    return {
        GAP if _is_gap(value) else value: position for position, value in enumerate(plain_values(categories))
    }


def _one_hot(encoder: Fitted, positions: list[int], fillings: list[Any], start: int) -> tuple[Fill, int]:
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotLean("it puts rare categories together")
    dropped = getattr(encoder, "drop_idx_", None)
    lookups: list[tuple[int, Any, dict[Any, int]]] = []
    end = start
    for column, (at, categories) in enumerate(zip(positions, encoder.categories_)):
        known = _positions_of_values(categories)
        without = None if dropped is None else dropped[column]
        kept = [value for value, position in known.items() if position != without]
        lookups.append((at, fillings[column], {value: end + place for place, value in enumerate(kept)}))
        end += len(kept)

    def fill(rows: Rows, table: Array) -> None:
        for line, row in zip(table, rows):
            for at, filling, places in lookups:
                value = row[at]
                # A category that is unknown, or the one that was dropped, is all zeros.
                place = places.get(filling if value is None else value)
                if place is not None:
                    line[place] = 1.0

    return fill, end - start


def _ordinal(encoder: Fitted, positions: list[int], fillings: list[Any], start: int) -> tuple[Fill, int]:
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotLean("it puts rare categories together")
    unknown = getattr(encoder, "unknown_value", None)
    unknown = math.nan if unknown is None else float(unknown)
    lookups = []
    for at, filling, categories in zip(positions, fillings, encoder.categories_):
        codes = {value: float(place) for value, place in _positions_of_values(categories).items()}
        if GAP in codes:
            codes[GAP] = float(getattr(encoder, "encoded_missing_value", math.nan))
        lookups.append((at, filling, codes))

    def fill(rows: Rows, table: Array) -> None:
        for line, row in zip(table, rows):
            for place, (at, filling, codes) in enumerate(lookups, start):
                value = row[at]
                line[place] = codes.get(filling if value is None else value, unknown)

    return fill, len(positions)
