"""Column transformers. Mixed columns are read from lists of values, without making a frame.

A branch of number columns becomes an array, and goes through the operations of its transformers. In any other
branch, each column has a lookup: the number that the encoder gives for each value, after what its imputers
fill in for a missing value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.converters.transformers import operations_of
from service.compiler.functions import class_name
from service.compiler.operations import Branch, Branches, Codes, Lookup, Numbers, OneHot, Table, through
from service.errors import NotCompilable
from service.schema.parts import positions_of
from service.schema.value_types import plain_values

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias, Union

    from service.compiler.functions import Fitted
    from service.schema.features import Feature, Value

    TablePart: TypeAlias = Union[Codes, Numbers, OneHot]

# The column types that an encoder's lookup may have.
LOOKUP_TYPES = frozenset({"boolean", "category", "number", "text"})


def table_of(transformer: Fitted, features: Sequence[Feature], *, passing: Sequence[str] = ()) -> Table:
    """Give the operation of a fitted column transformer over mixed columns: lists in, an array out.

    The columns of a branch that is named in `passing` go into the array unchanged, whatever the branch holds.
    """
    parts: list[TablePart] = []
    width = 0
    for name, branch, _ in transformer.transformers_:
        positions = positions_of(transformer, name)
        if positions and not (isinstance(branch, str) and branch == "drop"):
            inner = [] if name in passing else _transformers_of(branch)
            part, count = _table_part(inner, positions, features, width)
            parts.append(part)
            width += count
    return Table(parts, width)


def branches_of(transformer: Fitted) -> Branches:
    """Give the operation of a fitted column transformer over number columns: an array in, an array out."""
    branches = []
    for name, branch, _ in transformer.transformers_:
        positions = positions_of(transformer, name)
        if positions and not (isinstance(branch, str) and branch == "drop"):
            operations = [each for inner in _transformers_of(branch) for each in operations_of(inner)]
            branches.append(Branch(positions, operations))
    return Branches(branches)


def _transformers_of(branch: Fitted) -> list[Fitted]:
    """List the transformers of a branch; an empty list passes its columns unchanged."""
    parts = [part for _, part in branch.steps] if class_name(branch) == "Pipeline" else [branch]
    return [part for part in parts if part is not None and not isinstance(part, str)]


def _table_part(
    transformers: list[Fitted], positions: list[int], features: Sequence[Feature], start: int
) -> tuple[TablePart, int]:
    """Give the part of a table for a branch, and how many columns of the table it fills."""
    encodes = any(hasattr(transformer, "categories_") for transformer in transformers)
    if encodes or any(features[at].type != "number" for at in positions):
        return _lookups(transformers, positions, features, start)
    operations = [each for transformer in transformers for each in operations_of(transformer)]
    width = through(operations, np.zeros((1, len(positions)))).shape[1]
    return Numbers(positions, operations, start, start + width), width


def _lookups(
    transformers: list[Fitted], positions: list[int], features: Sequence[Feature], start: int
) -> tuple[TablePart, int]:
    """Give the lookups of a branch: its last transformer must be an encoder, and any others imputers."""
    if any(features[at].type not in LOOKUP_TYPES for at in positions):
        raise NotCompilable("the compiler does not support columns of dates or of unknown type")
    *imputers, encoder = transformers or [None]
    name = class_name(encoder)
    if name not in ("OneHotEncoder", "OrdinalEncoder"):
        raise NotCompilable(f"the compiler does not support {type(encoder).__name__}")
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotCompilable(f"the compiler does not support {name} with groups of infrequent categories")
    fillings = _fillings(imputers, len(positions))
    if name == "OneHotEncoder":
        return _one_hot(encoder, positions, fillings, start)
    return _codes(encoder, positions, fillings, start), len(positions)


def _fillings(imputers: list[Fitted], count: int) -> list[Value]:
    """Give the value that replaces a missing one, by column; None where a missing value stays missing."""
    fillings: list[Value] = [None] * count
    for imputer in imputers:
        if class_name(imputer) != "SimpleImputer":
            raise NotCompilable(f"the compiler does not support {type(imputer).__name__} before an encoder")
        if getattr(imputer, "indicator_", None) is not None:
            raise NotCompilable("the compiler does not support SimpleImputer with an indicator")
        statistics = plain_values(imputer.statistics_)
        if len(statistics) != count or any(_is_gap(value) for value in statistics):
            raise NotCompilable("its SimpleImputer drops a column that was empty in training")
        fillings = [new if old is None else old for old, new in zip(fillings, statistics)]
    return fillings


def _is_gap(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _lookup(column: int, filling: Value, values: list[Value], numbers: list[float]) -> Lookup:
    """Give the lookup for the categories of a column. A missing value may be one of the categories."""
    pairs = list(zip(values, numbers))
    gap = next((number for value, number in pairs if _is_gap(value)), None)
    return Lookup(column, filling, [pair for pair in pairs if not _is_gap(pair[0])], gap)


def _one_hot(encoder: Fitted, positions: list[int], fillings: list[Value], start: int) -> tuple[OneHot, int]:
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


def _codes(encoder: Fitted, positions: list[int], fillings: list[Value], start: int) -> Codes:
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
