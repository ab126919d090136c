"""The column types of values and of dtypes."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import ColumnType, Value

# By the names that `make_column_selector` takes, without their sizes: int64 counts as int.
DTYPES: dict[str, ColumnType] = {
    "number": "number",
    "integer": "number",
    "floating": "number",
    "int": "number",
    "float": "number",
    "object": "text",
    "str": "text",
    "string": "text",
    "category": "category",
    "bool": "boolean",
    "boolean": "boolean",
    "datetime": "date",
    "datetimetz": "date",
}


def type_of(values: Sequence[object]) -> ColumnType | None:
    """Give the column type that all values have; None if there is none, or if a value is missing."""
    types: tuple[tuple[ColumnType, tuple[type, ...]], ...] = (
        ("boolean", (bool,)),
        ("number", (int, float)),
        ("text", (str,)),
        ("date", (datetime,)),
    )
    for column_type, classes in types:
        if values and all(isinstance(value, classes) and not is_gap(value) for value in values):
            return column_type
    return None


def type_of_dtype(dtype: object) -> ColumnType | None:
    """Give the column type of a dtype that a selector names, as a string or as a class; None if unknown."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    return DTYPES.get(re.sub(r"\d+(\[.*)?$", "", name).lower().rstrip("_"))


def whole_number_limits(dtype: str) -> tuple[int, int] | None:
    """Give the least and the largest whole number of an integer dtype; None for any other dtype."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        return None
    if found.kind not in "iu":
        return None
    limits = np.iinfo(found)
    return int(limits.min), int(limits.max)


def is_gap(value: object) -> bool:
    """Tell whether a value stands for a missing value: None, NaN or `pandas.NA`."""
    return value is None or is_nan(value) or type(value).__name__ == "NAType"


def is_nan(value: object) -> bool:
    """Tell whether a value is a float that is not a number."""
    return isinstance(value, float) and math.isnan(value)


def plain_values(array: object) -> list[Value]:
    """Give the elements of an array as values of Python, dates and durations rounded down to microseconds."""
    array = np.asarray(array)
    # Of nanoseconds, NumPy would give whole numbers.
    if array.dtype.kind in "mM":
        array = array.astype(f"{array.dtype.kind}8[us]")
    return [value.item() if isinstance(value, np.generic) else value for value in array.tolist()]
