"""Column types of values and of dtypes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.node_types import Global, Node

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import FeatureKind
    from infer_cli.inspection.nodes.arrays import Plain

_DTYPES: dict[str, FeatureKind] = {
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
DTYPE_KINDS: dict[str, FeatureKind] = {
    "b": "boolean",
    "i": "number",
    "u": "number",
    "f": "number",
    "M": "date",
    "U": "text",
    "S": "text",
}


def kind_of(values: tuple[Plain, ...]) -> FeatureKind | None:
    """Tell what values are, if they are all of one kind and none is missing."""
    if not values or any(value is None or is_nan(value) for value in values):
        return None
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "number"
    return "text" if all(isinstance(value, str) for value in values) else None


def kind_of_dtype(dtype: Node) -> FeatureKind | None:
    """Tell what a dtype that a selector names stands for."""
    text = dtype if isinstance(dtype, str) else dtype.name if isinstance(dtype, Global) else ""
    return _DTYPES.get(re.sub(r"\d+(\[.*)?$", "", text).lower().rstrip("_"))


def is_nan(value: object) -> bool:
    """Say whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)
