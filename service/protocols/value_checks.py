"""Checks one value of a request against its feature, and gives what the model takes for it."""

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

    # Takes a value as JSON has it; raises `InvalidValue`.
    Check = Callable[[object], Value]

# As JSON has them, and `+1`, `.5` and `5.`, which people type. Python's float() would also take `1_000`.
NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
# What is certainly meant as a number, where it may also be a text: not 007, which may be a name.
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INTEGER = re.compile(r"(?P<sign>u?)int(?P<bits>\d+)")
WORDS = {"true": True, "false": False}
TRUTH = {**WORDS, "1": True, "0": False}
DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d)?)(?P<part>[.,]\d{1,9})?"
    r"(Z|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?)?",
    re.ASCII,
)
# Those that pandas can hold, whatever the unit it counts in.
FIRST_YEAR, LAST_YEAR = 1678, 2261


def checks_of(features: Sequence[Feature]) -> dict[str, tuple[Feature, Check]]:
    """Give each feature by its name, with what checks its values."""
    mixed = is_mixed(features)
    return {feature.name: (feature, _check_of(feature, is_mixed=mixed)) for feature in features}


def value_in_text(feature: Feature, text: str, *, is_mixed: bool) -> object:
    """Give what a text of a query says, in JSON's types; the text itself, if it does not fit the feature."""
    kind = _kind_in(feature)
    if kind == "number":
        stripped = text.strip()
        number = float(stripped) if NUMBER.fullmatch(stripped) else stripped
        return WORDS.get(text.lower(), number) if is_mixed else number
    if kind == "text":
        is_meant = "" in feature.known or (feature.type == "text" and not feature.nullable)
        return text if text or is_meant else None
    if kind == "any":
        return _any_in(text)
    stripped = text.strip()
    return TRUTH.get(stripped.lower(), stripped) if kind == "boolean" else stripped


def _any_in(text: str) -> object:
    if not text:
        return None
    if PLAIN_NUMBER.fullmatch(text):
        return float(text)
    return WORDS.get(text.lower(), text)


def _kind_in(feature: Feature) -> str:
    """Give the type of the values, also of a category."""
    if feature.type != "category":
        return feature.type
    # They are all of one type.
    return "text" if isinstance(next(iter(feature.categories or ("",))), str) else "number"


def _check_of(feature: Feature, *, is_mixed: bool) -> Check:
    kind = _kind_in(feature)
    checks: dict[str, Check] = {
        "number": partial(_number, takes_truth=is_mixed and feature.type == "number"),
        "text": _text,
        "date": _date,
        "boolean": _boolean,
        "any": _any,
    }
    check = checks[kind]
    integer = INTEGER.fullmatch(feature.dtype)
    if feature.type == "number" and integer:
        sign_bits = 0 if integer["sign"] else 1
        limit = 2 ** (int(integer["bits"]) - sign_bits)
        check = partial(_integer, check=check, lowest=-limit if sign_bits else 0, limit=limit)
    if feature.categories is not None and not feature.is_open:
        check = _Known(check, feature)
    return partial(_present, check=check, nullable=feature.nullable, may_be_empty=kind in ("text", "any"))


def _present(value: object, *, check: Check, nullable: bool, may_be_empty: bool) -> Value:
    if value is None or (value == "" and not may_be_empty):
        if nullable:
            return None
        raise InvalidValue("missing", "has no value")
    return check(value)


class _Known:
    """Checks that a value is one of the categories, and gives it as the model knows it."""

    def __init__(self, check: Check, feature: Feature) -> None:
        self.check = check
        self.feature = feature

    def __call__(self, value: object) -> Value:
        checked = self.check(value)
        if checked not in self.feature.known:
            message = "is none of the categories that the model knows"
            raise InvalidValue("unknown_category", message, self.feature.categories or ())
        return self.feature.known[checked]


def _number(value: object, *, takes_truth: bool) -> Value:
    if takes_truth and isinstance(value, bool):
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
        raise InvalidValue("not_a_text", "is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue("not_a_text", "is not a text: it has half of a pair of surrogates") from None
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
        _number(value, takes_truth=False)
        return value
    raise InvalidValue("not_a_value", "is neither a number nor a text, true or false")


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
