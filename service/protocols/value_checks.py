"""Checks one value of a request against its feature, and gives the value that the model takes."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Callable

from service.errors import InvalidValue
from service.schema.features import LARGEST_NUMBER, is_mixed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Value

    # Takes a value in JSON's types, and gives the checked value; raises `InvalidValue`.
    Check = Callable[[object], Value]

# The numbers of JSON, and `+1`, `.5` and `5.`, which people type. Python's float() would also take `1_000`.
NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
# What is certainly meant as a number, where a string is possible, too: not 007, which may be a name.
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INTEGER = re.compile(r"(?P<sign>u?)int(?P<bits>\d+)")
BOOLEANS = {"true": True, "false": False}
BOOLEANS_AND_DIGITS = {**BOOLEANS, "1": True, "0": False}
DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d)?)(?P<part>[.,]\d{1,9})?"
    r"(Z|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?)?",
    re.ASCII,
)
# The years that pandas can hold in each of its units, nanoseconds among them.
FIRST_YEAR, LAST_YEAR = 1678, 2261


def checks_of(features: Sequence[Feature]) -> dict[str, tuple[Feature, Check]]:
    """Give, by the name of each feature, the feature and the function that checks its values."""
    mixed = is_mixed(features)
    return {feature.name: (feature, _check_of(feature, is_mixed=mixed)) for feature in features}


def value_of_string(feature: Feature, text: str, *, is_mixed: bool) -> object:
    """Give the value that a string of a query stands for, in JSON's types; the string itself if none fits."""
    value_type = _type_of_values(feature)
    if value_type == "number":
        stripped = text.strip()
        number = float(stripped) if NUMBER.fullmatch(stripped) else stripped
        return BOOLEANS.get(text.lower(), number) if is_mixed else number
    if value_type == "text":
        is_meant = "" in feature.known or (feature.type == "text" and not feature.nullable)
        return text if text or is_meant else None
    if value_type == "any":
        return _any_of_string(text)
    stripped = text.strip()
    return BOOLEANS_AND_DIGITS.get(stripped.lower(), stripped) if value_type == "boolean" else stripped


def _any_of_string(text: str) -> object:
    if not text:
        return None
    if PLAIN_NUMBER.fullmatch(text):
        return float(text)
    return BOOLEANS.get(text.lower(), text)


def _type_of_values(feature: Feature) -> str:
    """Give the column type of the values: for a category, the type of its categories."""
    if feature.type != "category":
        return feature.type
    # All categories of a feature are of one type.
    return "text" if isinstance(next(iter(feature.categories or ("",))), str) else "number"


def _check_of(feature: Feature, *, is_mixed: bool) -> Check:
    value_type = _type_of_values(feature)
    checks: dict[str, Check] = {
        "number": partial(_number, takes_booleans=is_mixed and feature.type == "number"),
        "text": _text,
        "date": _date,
        "boolean": _boolean,
        "any": _any,
    }
    check = checks[value_type]
    integer = INTEGER.fullmatch(feature.dtype)
    if feature.type == "number" and integer:
        sign_bits = 0 if integer["sign"] else 1
        limit = 2 ** (int(integer["bits"]) - sign_bits)
        check = partial(_integer, check=check, lowest=-limit if sign_bits else 0, limit=limit)
    if feature.categories is not None and not feature.is_open:
        check = _Known(check, feature)
    may_be_empty = value_type in ("text", "any")
    return partial(_present, check=check, nullable=feature.nullable, may_be_empty=may_be_empty)


def _present(value: object, *, check: Check, nullable: bool, may_be_empty: bool) -> Value:
    if value is None or (value == "" and not may_be_empty):
        if nullable:
            return None
        raise InvalidValue("missing", "has no value")
    return check(value)


class _Known:
    """Checks that a value is one of the categories, and gives the category as the model has it."""

    def __init__(self, check: Check, feature: Feature) -> None:
        self.check = check
        self.feature = feature

    def __call__(self, value: object) -> Value:
        checked = self.check(value)
        if checked not in self.feature.known:
            message = "is none of the categories that the model knows"
            raise InvalidValue("unknown_category", message, self.feature.categories or ())
        return self.feature.known[checked]


def _number(value: object, *, takes_booleans: bool) -> Value:
    if takes_booleans and isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue("not_a_number", "is not a number")
    if not math.isfinite(value):
        raise InvalidValue("not_finite", "is not a finite number")
    if abs(value) > LARGEST_NUMBER:
        raise InvalidValue("too_large", "is too large")
    return float(value)


def _integer(value: object, *, check: Check, lowest: int, limit: int) -> Value:
    number = check(value)
    if not isinstance(number, float) or not number.is_integer() or not lowest <= number < limit:
        raise InvalidValue("not_an_integer", "is not a whole number that the model takes")
    return number


def _text(value: object) -> Value:
    if not isinstance(value, str):
        raise InvalidValue("not_a_text", "is not a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("not_a_text", "is not a string: it has half of a surrogate pair") from None
    return value


def _boolean(value: object) -> Value:
    if not isinstance(value, bool):
        raise InvalidValue("not_a_boolean", "is neither true nor false")
    return value


def _any(value: object) -> Value:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        _number(value, takes_booleans=False)
        return value
    raise InvalidValue("not_a_value", "is neither a number, a string, true nor false")


def _date(value: object) -> Value:
    """Read a date of ISO 8601, with or without a time; one with a time zone is put into UTC."""
    match = DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue("not_a_date", "is not a date such as 2026-01-31 or 2026-01-31T12:30:00")
    microseconds = int((match["part"] or ".0")[1:7].ljust(6, "0"))
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00'}")
        moment = moment.replace(microsecond=microseconds)
        if match["sign"]:
            offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
            moment += -offset if match["sign"] == "+" else offset
    except (ValueError, OverflowError):
        raise InvalidValue("not_a_date", "is not a date that exists") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidValue("not_a_date", f"is not a date from {FIRST_YEAR} to {LAST_YEAR}")
    return moment
