"""The column types of values and of dtypes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.node_types import Global, Node

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.nodes.arrays import Plain

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
# By the letter of NumPy's `dtype.kind`.
DTYPE_KINDS: dict[str, ColumnType] = {
    "b": "boolean",
    "i": "number",
    "u": "number",
    "f": "number",
    "M": "date",
    "U": "text",
    "S": "text",
}


def type_of(values: tuple[Plain, ...]) -> ColumnType | None:
    """Give the column type that all values have; None if there is none, or if a value is missing."""
    if not values or any(value is None or is_nan(value) for value in values):
        return None
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(isinstance(value, int | float) for value in values):
        return "number"
    return "text" if all(isinstance(value, str) for value in values) else None


def type_of_dtype(dtype: Node) -> ColumnType | None:
    """Give the column type of a dtype that a selector names, as a string or as a class; None if unknown."""
    name = dtype if isinstance(dtype, str) else dtype.name if isinstance(dtype, Global) else ""
    return DTYPES.get(re.sub(r"\d+(\[.*)?$", "", name).lower().rstrip("_"))


def is_nan(value: object) -> bool:
    """Say whether a value is a float that is not a number."""
    return isinstance(value, float) and math.isnan(value)
