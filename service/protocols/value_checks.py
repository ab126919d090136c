"""Checks one value of a request against its feature, and gives the value that the model takes."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.errors import InvalidValue
from service.protocols.dates import read_date
from service.protocols.readings import TwoReadings, two_readings
from service.schema.features import EXACT_MAX, LARGEST_NUMBER, TEXT_OR_WHOLE
from service.schema.value_types import whole_number_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Value

    # Takes a value in JSON's types, and gives the checked value; raises `InvalidValue`.
    Check = Callable[[object], Value]

# The numbers of JSON, and `+1`, `.5` and `5.`, which people type. Python's float() would also take `1_000`.
NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|inf(inity)?)", re.ASCII | re.IGNORECASE)
WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
# What is certainly meant as a number, where a string is possible, too: not 007, which may be a name.
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
BOOLEANS = {"true": True, "false": False}
# What programs write for a missing value, in lower case. In a text, it may be meant: NA may be Namibia.
MISSING_WORDS = frozenset(("#n/a", "#na", "-nan", "<na>", "n/a", "na", "nan", "nat", "none", "null"))
BOOLEANS_AND_DIGITS = {**BOOLEANS, "1": True, "0": False}
# Any whole number of so many digits is too large for every column. Python takes long for many more digits.
MOST_DIGITS = 400
# Dates without a zone are counted from here.
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
NS_A_US = 1000
# The whole numbers that an array can hold, with or without a sign.
LEAST_WHOLE, LARGEST_WHOLE = -(2**63), 2**64 - 1


def checks_of(features: Sequence[Feature]) -> dict[str, tuple[Feature, Check]]:
    """Give, by the name of each feature, the feature and the function that checks its values."""
    return {feature.name: (feature, _check_of(feature)) for feature in features}


def whole_number(text: str) -> int:
    """Read the digits of a whole number exactly; of more than 400 digits the first ones."""
    return int(text[:MOST_DIGITS])


def value_of_string(feature: Feature, text: str) -> object:
    """Give the value that a string of a query stands for, in JSON's types; the string itself if none fits.

    Of several values that it could stand for, a `TwoReadings` is given.
    """
    value_type = type_of_values(feature)
    if reason := two_readings(feature, text):
        return TwoReadings(text, reason)
    if value_type == "text":
        is_meant = "" in feature.known or (feature.type == "text" and not feature.nullable)
        return text if text or is_meant else None
    if value_type == "any":
        return _any_of_string(text) if feature.type == "any" else _category_of_string(feature, text)
    stripped = text.strip()
    if stripped.lower() in MISSING_WORDS:
        return None
    if value_type == "number":
        number = _number_of_string(stripped) if NUMBER.fullmatch(stripped) else stripped
        return BOOLEANS.get(stripped.lower(), number)
    return BOOLEANS_AND_DIGITS.get(stripped.lower(), stripped) if value_type == "boolean" else stripped


def _number_of_string(text: str) -> float:
    return whole_number(text) if WHOLE_NUMBER.fullmatch(text) else float(text)


def _any_of_string(text: str) -> object:
    if not text:
        return None
    if PLAIN_NUMBER.fullmatch(text):
        return _number_of_string(text)
    return BOOLEANS.get(text.lower(), text)


def _category_of_string(feature: Feature, text: str) -> object:
    """Give the category that a string stands for, where texts and other values are among the categories."""
    found: list[object] = [text] if text in feature.known else []
    stripped = text.strip()
    other = BOOLEANS.get(stripped.lower()) if not NUMBER.fullmatch(stripped) else _number_of_string(stripped)
    if other is not None and other in feature.known:
        found.append(other)
    if len(found) > 1:
        return TwoReadings(
            text, f"may be the text or the value {other}, both of which are categories: send JSON"
        )
    return found[0] if found else _any_of_string(text)


def type_of_values(feature: Feature) -> str:
    """Give the column type of the values: for a category, the type of its categories."""
    if feature.type != "category":
        return feature.type
    types = {isinstance(known, str) for known in feature.categories or ("",)}
    # Of texts among numbers, each value is read as it is.
    return "any" if len(types) > 1 else "text" if types == {True} else "number"


def _check_of(feature: Feature) -> Check:
    value_type = type_of_values(feature)
    checks: dict[str, Check] = {
        "number": _float,
        "text": _text,
        "date": read_date,
        "boolean": _boolean,
        "any": _any,
    }
    check = checks[value_type]
    if feature.type == "number":
        if feature.unit:
            check = partial(_number_or_date, unit=feature.unit)
        limits = whole_number_limits(feature.dtype)
        if limits is not None:
            low, high = limits
            check = partial(_integer, low=low, high=high)
    elif feature.dtype == TEXT_OR_WHOLE:
        check = _text_or_whole
    elif value_type == "number":
        check = partial(_category_number, feature=feature)
    if feature.categories is not None:
        check = _Known(check, feature)
    may_be_empty = value_type in ("text", "any")
    return partial(_present, check=check, nullable=feature.nullable, may_be_empty=may_be_empty)


def _present(value: object, *, check: Check, nullable: bool, may_be_empty: bool) -> Value:
    if value is None or (not may_be_empty and isinstance(value, str) and not value.strip()):
        if nullable:
            return None
        raise InvalidValue("missing", "has no value")
    return check(value)


class _Known:
    """Gives a value that is one of the categories as the model has it, and refuses others if it must."""

    def __init__(self, check: Check, feature: Feature) -> None:
        self.check = check
        self.feature = feature

    def __call__(self, value: object) -> Value:
        checked = self.check(value)
        if checked in self.feature.known:
            return self.feature.known[checked]
        if self.feature.is_open:
            return checked
        message = "is none of the categories that the model knows"
        raise InvalidValue("unknown_category", message, self.feature.categories or ())


def _number(value: object, *, takes_booleans: bool = False) -> float:
    """Give a number of the request exactly: a whole number as an int."""
    if isinstance(value, bool):
        if takes_booleans:
            return int(value)
        raise InvalidValue("not_a_number", "is not a number")
    if not isinstance(value, (int, float)):
        raise InvalidValue("not_a_number", "is not a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue("not_finite", "is not a finite number")
    if abs(value) > LARGEST_NUMBER:
        raise InvalidValue("too_large", "is too large")
    return value


def _float(value: object) -> Value:
    """Give a number as a float of 64 bits, rounded as NumPy rounds it."""
    return float(_number(value, takes_booleans=True))


def _number_or_date(value: object, *, unit: str) -> Value:
    """Give a number, or a date as the number of its units since 1970."""
    if not isinstance(value, str):
        return _float(value)
    try:
        microseconds = (read_date(value) - EPOCH) // timedelta(microseconds=1)
    except InvalidValue:
        raise InvalidValue("not_a_number", "is neither a number nor a date such as 2026-01-31") from None
    return float(microseconds * NS_A_US if unit == "ns" else microseconds)


def _exact(number: float) -> float:
    """Give a number that is whole as an int; raise `InvalidValue` if its digits are not known to be exact."""
    if isinstance(number, float) and number.is_integer():
        if abs(number) >= EXACT_MAX:
            message = "is too large to be exact with a point or an exponent; write it as a whole number"
            raise InvalidValue("too_large", message)
        return int(number)
    if isinstance(number, int) and not LEAST_WHOLE <= number <= LARGEST_WHOLE:
        raise InvalidValue("too_large", "is a whole number of more than 64 bits")
    return number


def _integer(value: object, *, low: int, high: int) -> Value:
    number = _number(value, takes_booleans=True)
    if not float(number).is_integer() or not low <= number <= high:
        raise InvalidValue("not_an_integer", "is not a whole number that the model takes")
    return _exact(number)


def _category_number(value: object, *, feature: Feature) -> Value:
    """Give a number that may be a category, exactly as the column of the model holds it."""
    number = _number(value)
    if all(isinstance(known, int) for known in feature.categories or ()):
        return _exact(number)
    held = float(number)
    if isinstance(number, int) and int(held) != number:
        raise InvalidValue("too_large", "is a whole number that a float of 64 bits does not hold exactly")
    return float(np.float32(held)) if feature.dtype == "<f4" else held


def _text(value: object) -> Value:
    if not isinstance(value, str):
        raise InvalidValue("not_a_text", "is not a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("not_a_text", "is not a string: it has half of a surrogate pair") from None
    return value


def _text_or_whole(value: object) -> Value:
    """Give a whole number as the string of its digits, as CatBoost does; true is 1 to it, and false 0."""
    return str(int(value)) if isinstance(value, int) else _text(value)


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
        number = _number(value)
        return _exact(number) if isinstance(number, int) else number
    raise InvalidValue("not_a_value", "is neither a number, a string, true nor false")
