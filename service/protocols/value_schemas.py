"""What JSON and a query may hold for a feature, as schemas of OpenAPI 3.0: the rules of `value_checks`.

In OpenAPI 3.0, `nullable` counts only beside `type`, so it stands within an alternative, and not beside them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from service.json_values import JsonValue, json_value
from service.protocols.description import MOST_CATEGORIES
from service.protocols.value_checks import (
    BOOLEANS,
    LARGEST_WHOLE,
    LEAST_WHOLE,
    MISSING_WORDS,
    type_of_values,
)
from service.schema.features import EXACT_MAX, LARGEST_NUMBER, TEXT_OR_WHOLE, needs_types
from service.schema.value_types import is_gap, whole_number_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.schema.features import Feature

Schema = dict[str, JsonValue]

BOOLEAN: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
# A day of the years 1678 to 2261; the 29th of February in leap years alone.
_YEAR = r"(167[89]|16[89]\d|1[7-9]\d\d|2[01]\d\d|22[0-5]\d|226[01])"
_DAY = r"((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
_FOURTH = r"(0[48]|[2468][048]|[13579][26])"
_LEAP_YEAR = rf"(16(8[048]|9[26])|(1[7-9]|2[01]){_FOURTH}|2000|22(0[48]|[24][048]|[135][26]|60))"
_TIME = r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?([.,]\d{1,6})?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)?"
DATE: Schema = {"type": "string", "pattern": rf"^({_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)({_TIME})?$"}
_BLANK = r"^\s*$"
# What a query cannot hold where a value must say its type: see `readings`.
_NUMBER = r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"
_WHOLE_WITH_POINT = r"\s*[+-]?\d+\.0*\s*$"


def _any_case(words: Iterable[str]) -> str:
    """Give a pattern for words in any case; in OpenAPI 3.0, patterns have no options."""
    forms = ("".join(f"[{one}{one.upper()}]" if one.isalpha() else one for one in word) for word in words)
    return rf"\s*({'|'.join(forms)})\s*$"


_TRUE_OR_FALSE = _any_case(BOOLEANS)
# An empty value, or a word for a missing one.
_MISSING = "^" + _any_case(["", *sorted(MISSING_WORDS)])


def value_schema(feature: Feature) -> Schema:
    """Describe what JSON may hold for a feature."""
    found = _values(feature)
    if feature.nullable:
        if type_of_values(feature) not in ("text", "any"):
            found.append({"type": "string", "pattern": _BLANK})
        # Where a list of values need not hold null, generators make one class of it.
        at = next((at for at, each in enumerate(found) if "enum" not in each), 0)
        found[at] = _or_null(found[at])
    return any_of(found)


def query_schema(feature: Feature) -> Schema:
    """Describe what a query may hold for a feature."""
    value_type = type_of_values(feature)
    if value_type in ("text", "any") and (feature.categories is None or feature.is_open):
        return any_of([*_known(feature), _open_text(feature)])
    found = _values(feature)
    if value_type == "boolean":
        found.append(
            {"type": "integer", "enum": [int(one) for one in (False, True) if _is_taken(feature, one)]}
        )
    if feature.nullable:
        is_text = value_type in ("text", "any")
        found.append({"type": "string", **({"maxLength": 0} if is_text else {"pattern": _MISSING})})
    return any_of(found)


def checked_schema(feature: Feature) -> Schema:
    """Describe the value that an answer says it has read for a feature."""
    types: dict[str, list[Schema]] = {
        "number": [{"type": "number"}],
        "boolean": [BOOLEAN],
        "any": [TEXT, {"type": "number"}, BOOLEAN],
    }
    found: list[Schema] = [*types.get(type_of_values(feature), [TEXT])]
    # A column that may be left out is null then.
    if feature.nullable or not feature.required:
        found[0] = _or_null(found[0])
    return any_of(found)


def labels_schema(labels: Sequence[object]) -> Schema:
    """Describe a value that is one of some labels; of more than 1000, only their types."""
    found = _enums(labels) or [{}]
    if any(map(is_gap, labels)):
        found[0] = _or_null(found[0])
    return any_of(found)


def any_of(alternatives: Iterable[Schema]) -> Schema:
    """Give a schema of several, of which each is named once."""
    found: list[JsonValue] = []
    for each in alternatives:
        if each not in found:
            found.append(each)
    return cast("Schema", found[0]) if len(found) == 1 else {"anyOf": found}


def _or_null(schema: Schema) -> Schema:
    if "type" not in schema:
        return schema
    more: Schema = {"enum": [*cast("list[JsonValue]", schema["enum"]), None]} if "enum" in schema else {}
    return {**schema, **more, "nullable": True}


def _values(feature: Feature) -> list[Schema]:
    if feature.categories is None:
        return _of_type(feature)
    known = _known(feature)
    # Without a known category, or with too many of them to be listed, the type says all.
    return [*known, *_of_type(feature)] if feature.is_open or not known else known


def _known(feature: Feature) -> list[Schema]:
    known = _enums(feature.categories or ())
    if known and type_of_values(feature) == "any":
        # To Python, true is the category 1.
        found: list[JsonValue] = [one for one in (False, True) if one in feature.known]
        known += [{"type": "boolean", "enum": found}] if found else []
    if known and feature.dtype == TEXT_OR_WHOLE:
        texts = (one for one in feature.known if isinstance(one, str))
        whole: list[JsonValue] = [int(one) for one in texts if _is_whole(one)]
        known += [{"type": "integer", "enum": whole}] if whole else []
    return known


def _is_taken(feature: Feature, value: bool) -> bool:  # noqa: FBT001 (it is a value)
    return feature.categories is None or value in feature.known


def _is_whole(text: str) -> bool:
    """Tell whether a text is what Python writes for a whole number."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and str(int(text)) == text


def _enums(values: Sequence[object]) -> list[Schema]:
    """Give a list of the values for each of their types, or the types alone."""
    by_type: dict[str, list[JsonValue]] = {}
    for value in values:
        if is_gap(value):
            continue
        if isinstance(value, bool):
            by_type.setdefault("boolean", []).append(value)
        elif isinstance(value, (int, float)):
            by_type.setdefault("number", []).append(value)
        else:
            by_type.setdefault("string", []).extend(_texts(value))
    found: list[Schema] = []
    for name, listed in by_type.items():
        is_whole = name == "number" and all(isinstance(value, int) for value in listed)
        schema: Schema = {"type": "integer" if is_whole else name}
        if len(listed) <= MOST_CATEGORIES and len(listed) != 2 * (name == "boolean"):
            schema["enum"] = listed
        found.append(schema)
    return found


def _texts(value: object) -> list[JsonValue]:
    """Give a text, or a date as people write it: a day that has no time in two ways."""
    text = json_value(value)
    if isinstance(value, datetime) and value == datetime(value.year, value.month, value.day):  # noqa: DTZ001
        return [value.date().isoformat(), text]
    return [text]


def _of_type(feature: Feature) -> list[Schema]:
    value_type = type_of_values(feature)
    if value_type == "number":
        return _numbers(feature)
    if value_type == "any":
        return [TEXT, _between(LEAST_WHOLE, LARGEST_WHOLE), BOOLEAN]
    if feature.dtype == TEXT_OR_WHOLE:
        return [TEXT, {"type": "integer"}, BOOLEAN]
    return [{"boolean": BOOLEAN, "date": DATE}.get(value_type, TEXT)]


def _numbers(feature: Feature) -> list[Schema]:
    if feature.type != "number":
        # Categories are compared exactly. Beyond this, only some whole numbers are exact, and taken.
        return [_between(1 - EXACT_MAX, EXACT_MAX - 1)]
    limits = whole_number_limits(feature.dtype)
    if limits is not None:
        return [{**_between(*limits), "type": "integer"}, BOOLEAN]
    found = [_between(-LARGEST_NUMBER, LARGEST_NUMBER), BOOLEAN]
    return [*found, DATE] if feature.unit else found


def _between(low: float, high: float) -> Schema:
    return {"type": "number", "minimum": low, "maximum": high}


def _open_text(feature: Feature) -> Schema:
    """Describe texts of a query: none that could be a value of another type, where that is not certain."""
    unclear: tuple[str, ...] = ()
    if needs_types(feature):
        is_catboost = feature.dtype == TEXT_OR_WHOLE
        unclear = (_TRUE_OR_FALSE, _WHOLE_WITH_POINT if is_catboost else _NUMBER)
    is_text = feature.type == "text" and type_of_values(feature) == "text"
    may_be_empty = feature.nullable or is_text or "" in feature.known
    schema: Schema = dict(TEXT) if may_be_empty else {**TEXT, "minLength": 1}
    if unclear:
        schema["pattern"] = f"^(?!{'|'.join(unclear)})"
    return schema
