"""Reads what a request holds, and says all that is wrong with it."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from service.protocols.answers import JsonValue, json_value
from service.protocols.value_checks import LARGEST_NUMBER, Refused, checks_of, value_in_text
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.protocols.value_checks import Check
    from service.schema.features import Feature, Value

# An answer that names ten thousand wrong fields helps nobody; it says how many there are.
MOST_PROBLEMS_LISTED = 50
MOST_PROBLEMS_IN_MESSAGE = 5
MOST_VALUES_SHOWN = 10
LONGEST_TEXT_SHOWN = 80
# A whole number of so many digits is exactly itself also as a floating one.
MOST_DIGITS = 15


class InvalidInput(Exception):
    """A request from which no rows can be made. `details` is for programs, the message for people."""

    def __init__(self, message: str, *, code: str = "invalid_input", details: JsonValue = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def parse_query(items: Iterable[tuple[str, str]], features: Sequence[Feature]) -> list[Value]:
    """Make one row from the names and values of a query; raise `InvalidInput` naming every wrong one."""
    by_name = {feature.name: feature for feature in features}
    mixed = is_mixed(features)
    values: dict[str, object] = {}
    repeated = []
    for name, text in items:
        if name in values:
            repeated.append(name)
        feature = by_name.get(name)
        values[name] = text if feature is None else value_in_text(feature, text, is_mixed=mixed)
    problems = _Problems(features)
    row = problems.check_row(values, repeated=repeated)
    problems.raise_if_any()
    return row


def parse_json(body: bytes, features: Sequence[Feature]) -> list[list[Value]]:
    """Read the rows of a JSON body; raise `InvalidInput` naming every wrong field with its row.

    The body is one object of features, or an object whose `rows` is a list of these. A feature that is
    itself called `rows` is no contradiction: its value is never a list.
    """
    document = _decode(body, keep_whole=any(feature.type == "any" for feature in features))
    if not isinstance(document, dict):
        found = _kind_of(document)
        message = f"The body must be an object of features, or have a list of them in rows; it is {found}"
        raise InvalidInput(message)
    rows = document.get("rows")
    problems = _Problems(features)
    if isinstance(rows, list):
        _check_list(document, rows)
        parsed = [problems.check_row(row, index=index) for index, row in enumerate(rows)]
    elif "rows" in document and "rows" not in problems.names:
        message = f"rows must be a list of objects; it is {_kind_of(rows)}"
        raise InvalidInput(message)
    else:
        parsed = [problems.check_row(document)]
    problems.raise_if_any()
    return parsed


class _Object(dict[str, object]):
    """A JSON object that remembers which of its names it had more than once."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> _Object:
    result = _Object(pairs)
    if len(result) < len(pairs):
        times = Counter(name for name, _ in pairs)
        result.repeated = tuple(name for name, count in times.items() if count > 1)
    return result


def _whole_number(text: str) -> float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)


def _decode(body: bytes, *, keep_whole: bool = False) -> object:
    try:
        # float also for whole numbers: one with a thousand digits is then an infinity, found below.
        parse_int = _whole_number if keep_whole else float
        return json.loads(body, parse_int=parse_int, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        details: JsonValue = {"line": error.lineno, "column": error.colno}
        raise InvalidInput(message, code="invalid_json", details=details) from error
    except UnicodeDecodeError as error:
        message = f"The body is not JSON: it is not in UTF-8 (byte {error.start})"
        raise InvalidInput(message, code="invalid_json") from error
    except RecursionError as error:
        message = "The body is not JSON that can be read: too many brackets"
        raise InvalidInput(message, code="invalid_json") from error


def _check_list(document: Mapping[str, object], rows: list[object]) -> None:
    beside = [name for name in document if name != "rows"]
    if beside:
        message = f"Beside a list of rows there must be nothing; there is {_shortened(beside[0])}"
        raise InvalidInput(message)
    if getattr(document, "repeated", ()):
        message = "rows is given more than once"
        raise InvalidInput(message)
    if not rows:
        message = "rows is empty: it must have at least one object of features"
        raise InvalidInput(message)


@dataclass
class _Problems:
    """Checks rows against the features, and collects what is wrong with them."""

    features: Sequence[Feature]
    listed: list[dict[str, JsonValue]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.names = [feature.name for feature in self.features]
        self.known = frozenset(self.names)
        # Nearly all values are numbers, so that these are looked at first.
        self.asked = [(one.name, one.type == "number" and one.dtype == "float64") for one in self.features]

    @cached_property
    def _checks(self) -> dict[str, tuple[Feature, Check]]:
        return checks_of(self.features)

    def check_row(
        self, row: object, *, index: int | None = None, repeated: Sequence[str] = ()
    ) -> list[Value]:
        """Give the values of a row in the order of the features; of use only if nothing was wrong."""
        if not isinstance(row, dict):
            self._add(index, None, "not_an_object", f"is not an object of features but {_kind_of(row)}")
            return []
        for name in (*repeated, *getattr(row, "repeated", ())):
            self._add(index, name, "repeated", "is given more than once")
        values = [
            value
            if type(value := row.get(name)) is float
            and is_number
            and -LARGEST_NUMBER <= value <= LARGEST_NUMBER
            else self._check_value(index, name, row)
            for name, is_number in self.asked
        ]
        if len(row) != len(values) or not self.known.issuperset(row):
            for name in row:
                if name not in self.known:
                    self._add(index, name, "unknown", "is not a feature of the model")
        return values

    def _check_value(self, index: int | None, name: str, row: Mapping[str, object]) -> Value:
        feature, check = self._checks[name]
        value = row.get(name)
        if name not in row:
            if feature.required:
                self._add(index, name, "missing", "is missing")
            return None
        try:
            return check(value)
        except Refused as refused:
            self._add(index, name, refused.problem, refused.message, value, refused.known)
        return None

    def _add(
        self,
        row: int | None,
        name: str | None,
        problem: str,
        message: str,
        value: object = None,
        known: Sequence[Value] = (),
    ) -> None:
        """Count a problem; put it into words only if it will be listed, for there may be a million."""
        self.count += 1
        if len(self.listed) >= MOST_PROBLEMS_LISTED:
            return
        entry: dict[str, JsonValue] = {
            "field": None if name is None else _shortened(name),
            "problem": problem,
        }
        if row is not None:
            entry["row"] = row
        if value is not None:
            entry["value"] = _shown(value)
            message += f": {json.dumps(entry['value'], ensure_ascii=False)}"
        if known:
            entry["categories"] = [json_value(category) for category in known[:MOST_PROBLEMS_LISTED]]
            message += f" (known: {_listed(known)})"
        if problem == "unknown":
            message += self._nearest(str(entry["field"]))
        where = [] if row is None else [f"row {row}"]
        entry["message"] = ": ".join([*where, message if name is None else f"{entry['field']} {message}"])
        self.listed.append(entry)

    def _nearest(self, name: str) -> str:
        near = get_close_matches(name, self.names, n=1)
        return f" (did you mean {near[0]}?)" if near else ""

    def raise_if_any(self) -> None:
        """Raise `InvalidInput` with all that was found."""
        if not self.count:
            return
        messages = [str(entry["message"]) for entry in self.listed[:MOST_PROBLEMS_IN_MESSAGE]]
        more = self.count - len(messages)
        message = "; ".join(messages) + (f"; and {more} more" if more else "")
        fields: list[JsonValue] = [*self.listed]
        raise InvalidInput(message, details={"count": self.count, "fields": fields})


def _listed(values: Sequence[Value]) -> str:
    shown = [
        json.dumps(_shown(json_value(value)), ensure_ascii=False) for value in values[:MOST_VALUES_SHOWN]
    ]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT_SHOWN else f"{text[:LONGEST_TEXT_SHOWN]}…"


def _shown(value: object) -> JsonValue:
    """Give a value of the request as an answer can show it: short, and NaN and infinities as texts."""
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _shortened(value) if isinstance(value, str) else _kind_of(value)


def _kind_of(value: object) -> str:
    """Say what JSON calls a value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = ((str, "a text"), ((int, float), "a number"), (list, "a list"), (dict, "an object"))
    return next(name for kind, name in kinds if isinstance(value, kind))
