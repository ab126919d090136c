"""Makes an estimator's input of rows of checked values: a list, an array, or a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, cast

import numpy as np

from service.models.frame_columns import column_maker
from service.schema.features import EXACT_MAX, has_plain_numbers
from service.schema.value_types import type_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from service.models.row_kinds import KindOf
    from service.schema.features import Feature, Rows, Value

    # Makes an estimator's input of rows.
    MakeInput = Callable[[Rows], object]


class ModelInput(NamedTuple):
    """`make` makes the input of rows of one kind, which `kind_of` tells; None if all rows are of one kind."""

    make: MakeInput
    kind_of: KindOf | None = None


def uses_mixed_columns(features: Sequence[Feature]) -> bool:
    """Tell whether the model uses a column that is not of floats of 64 bits."""
    return any(feature.dtype != "unused" and not has_plain_numbers(feature) for feature in features)


def numbers(rows: Rows) -> object:
    """Make an array of numbers; None becomes NaN."""
    return np.array(rows, dtype=np.float64)


def onnx_input(features: Sequence[Feature]) -> ModelInput:
    """Give what makes the input of an ONNX model: an array of numbers, or the lists, from mixed columns."""
    return ModelInput((lambda rows: rows) if uses_mixed_columns(features) else numbers)


def used_numbers(features: Sequence[Feature]) -> ModelInput:
    """Give what makes an array of numbers; a column that the model does not use may hold any value."""
    used = [feature.type == "number" for feature in features]
    if all(used):
        return ModelInput(numbers)
    return ModelInput(
        lambda rows: numbers([[value if keep else None for value, keep in zip(row, used)] for row in rows])
    )


def strings(rows: Rows) -> object:
    """Make a list of the strings of the only column."""
    return [row[0] for row in rows]


def unnamed_table(features: Sequence[Feature]) -> ModelInput:
    """Give what makes an array for a model that was trained without names.

    The array is of numbers, and of objects where a feature is not a number, or where a whole number of the
    row is too large for a float.
    """
    used = [feature.dtype != "unused" for feature in features]
    gaps = [None if feature.has_none else np.nan for feature in features]
    has_objects = any(
        is_used and not _holds_numbers(feature) and feature.type != "any"
        for feature, is_used in zip(features, used)
    )

    def needs_objects(row: Sequence[Value]) -> bool:
        return has_objects or any(
            is_used and (isinstance(value, str) or (type(value) is int and abs(value) > EXACT_MAX))
            for value, is_used in zip(row, used)
        )

    def make(rows: Rows) -> object:
        listed = cast("list[list[Value]]", rows)
        filled = [
            [gap if value is None or not is_used else value for value, gap, is_used in zip(row, gaps, used)]
            for row in listed
        ]
        if any(map(needs_objects, listed)):
            array = np.empty((len(filled), len(used)), dtype=object)
            for at, row in enumerate(filled):
                array[at] = row
            return array
        return np.array(filled, dtype=np.float64)

    return ModelInput(make, None if has_objects else needs_objects)


def _holds_numbers(feature: Feature) -> bool:
    """Tell whether the values of a feature are numbers or booleans."""
    if feature.type == "category":
        return type_of(feature.categories or ("",)) in ("number", "boolean")
    return feature.type in ("number", "boolean")


def named_table(features: Sequence[Feature]) -> ModelInput:
    """Give what makes a DataFrame of numbers; a column that the model does not use may hold any value."""
    import pandas as pd  # noqa: PLC0415 (slow to import, and few models want it)

    if any(feature.type != "number" for feature in features):
        return mixed_frame(features)
    names = [feature.name for feature in features]
    return ModelInput(lambda rows: pd.DataFrame(numbers(rows), columns=names))


def mixed_frame(features: Sequence[Feature]) -> ModelInput:
    """Give what makes a DataFrame whose columns have the dtypes that they had in training."""
    import pandas as pd  # noqa: PLC0415 (slow to import, and few models want it)

    names = [feature.name for feature in features]
    makers = [column_maker(feature) for feature in features]
    kinds = [(at, maker.kind) for at, maker in enumerate(makers) if maker.kind is not None]

    def make(rows: Rows) -> object:
        columns = {name: maker.make(column) for name, maker, column in zip(names, makers, zip(*rows))}
        return pd.DataFrame(columns, copy=False)

    def kind_of(row: Sequence[Value]) -> Hashable:
        return tuple(kind(row[at]) for at, kind in kinds)

    return ModelInput(make, kind_of if kinds else None)
