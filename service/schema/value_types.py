"""Column types of values and of dtypes."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Value

DTYPES = {
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


def kind_of(values: Sequence[object]) -> str | None:
    """Tell what values are, if they are all of one kind and none is missing."""
    types: tuple[tuple[str, tuple[type, ...]], ...] = (
        ("boolean", (bool,)),
        ("number", (int, float)),
        ("text", (str,)),
        ("date", (datetime,)),
    )
    for kind, classes in types:
        if values and all(isinstance(value, classes) and not is_gap(value) for value in values):
            return kind
    return None


def kind_of_dtype(dtype: object) -> str | None:
    """Tell what a dtype that a selector names stands for."""
    text = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    return DTYPES.get(re.sub(r"\d+(\[.*)?$", "", text).lower().rstrip("_"))


def is_gap(value: object) -> bool:
    """Tell whether a value stands for a missing one: None, NaN or pandas' NA."""
    return value is None or is_nan(value) or type(value).__name__ == "NAType"


def is_nan(value: object) -> bool:
    """Tell whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)


def plain_values(array: object) -> list[Value]:
    """Give the elements of an array as Python's own values; dates to the microsecond."""
    array = np.asarray(array)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")
    return [value.item() if isinstance(value, np.generic) else value for value in array.tolist()]
