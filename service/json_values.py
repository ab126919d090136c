"""Values that JSON can write, and strict JSON from them."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Union

import orjson

JsonValue = Union[None, bool, int, float, str, "list[JsonValue]", "dict[str, JsonValue]"]


def encode(value: object) -> bytes:
    """Write strict JSON on one line: null for NaN and infinities. Half a surrogate pair becomes an escape."""
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # It takes neither such a half nor whole numbers of more than 64 bits.
        text = (
            json.dumps(json_value(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
        )
        return text.encode("utf-8", "backslashreplace")


def json_value(value: object) -> JsonValue:  # noqa: PLR0911 (one for each type)
    """Put a value in JSON's types: null for NaN and infinities, text for what JSON has no type for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [json_value(element) for element in value]
    if isinstance(value, dict):
        return {str(name): json_value(element) for name, element in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "item"):
        return json_value(value.item())
    return str(value)
