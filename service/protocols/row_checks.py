"""Checks rows of values against the features of the model, and collects what is wrong with them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from service.errors import InvalidInput, InvalidValue
from service.json_values import JsonValue, json_value
from service.protocols.near_names import nearest
from service.protocols.readings import TwoReadings
from service.protocols.value_checks import checks_of
from service.schema.features import LARGEST_NUMBER, has_plain_numbers
from service.schema.positions import Positions
from service.schema.row_limit import RowLimit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.protocols.value_checks import Check
    from service.schema.features import Feature, Value

# An answer lists up to 50 problems and tells the count of all: a list of thousands would not be read.
MOST_PROBLEMS_LISTED = 50
# After so many, the rest of the rows is not checked: a body of 16 MiB can have millions, which would take
# minutes and gigabytes.
MOST_PROBLEMS_COUNTED = 10_000
MOST_PROBLEMS_IN_MESSAGE = 5
MOST_VALUES_SHOWN = 10
LONGEST_TEXT_SHOWN = 80
# A whole number of more than 64 bits is shown as a string, which may be shortened.
LARGEST_SHOWN = 2**64


class RowRules:
    """What the rows of a model must be like, and how many they may be, made once for all requests."""

    def __init__(self, features: Sequence[Feature], limit: RowLimit | None = None) -> None:
        self.features = features
        self.limit = limit or RowLimit()
        self.names = [feature.name for feature in features]
        self.known = frozenset(self.names)
        # Nearly all values are numbers of float64, which `check_row` checks without a call.
        self.expected = [(one.name, has_plain_numbers(one)) for one in features]
        # The positions of the features whose encoder takes values that it does not know.
        self.positions = Positions(features)
        self.open = [at for at, one in enumerate(features) if one.is_open and one.categories is not None]

    @cached_property
    def checks(self) -> dict[str, tuple[Feature, Check]]:
        """The feature of each name, and the function that checks its values."""
        return checks_of(self.features)


@dataclass
class RowChecks:
    """Checks the rows of one request by the rules, and collects what is wrong or doubtful in them."""

    rules: RowRules
    listed: list[dict[str, JsonValue]] = field(default_factory=list)
    count: int = 0
    warnings: list[JsonValue] = field(default_factory=list)
    warning_count: int = 0

    @classmethod
    def of(cls, features: Sequence[Feature]) -> RowChecks:
        """Give the checks for rows of these features."""
        return cls(RowRules(features))

    def check_row(
        self, row: object, *, index: int | None = None, repeated: Sequence[str] = ()
    ) -> list[Value]:
        """Give the values of a row in the order of the features; to be used only if no problem was found."""
        if not isinstance(row, dict):
            self._add(index, None, "not_an_object", f"is not an object of features but {json_type_of(row)}")
            return []
        for name in (*repeated, *getattr(row, "repeated", ())):
            self._add(index, name, "repeated", "is given more than once")
        if self.rules.known.isdisjoint(row):
            names = self.rules.positions.names_of(row)
            row = {names[name]: value for name, value in row.items()} if names else row
        values = [
            value
            if type(value := row.get(name)) is float
            and is_number
            and -LARGEST_NUMBER <= value <= LARGEST_NUMBER
            else self._check_value(index, name, row)
            for name, is_number in self.rules.expected
        ]
        if len(row) != len(values) or not self.rules.known.issuperset(row):
            absent = [name for name in self.rules.names if name not in row]
            for name in row:
                if name not in self.rules.known:
                    self._add(index, name, "unknown", "is not a feature of the model", known=absent)
        for at in self.rules.open:
            feature, value = self.rules.features[at], values[at]
            if value is not None and value not in feature.known:
                self._warn(index, feature, value)
        return values

    def _warn(self, row: int | None, feature: Feature, value: Value) -> None:
        """Note a category that the model does not know, and takes all the same."""
        self.warning_count += 1
        if len(self.warnings) >= MOST_PROBLEMS_LISTED:
            return
        shown = _shown(json_value(value))
        message = f"{_quoted(feature.name)} is no category that the model knows: {_json(shown)}"
        entry: dict[str, JsonValue] = {} if row is None else {"row": row}
        entry["field"] = shortened(feature.name)
        entry["problem"] = "unknown_category"
        entry["value"] = shown
        entry["message"] = message + _meant(value, feature.categories or ())
        self.warnings.append(entry)

    def _check_value(self, index: int | None, name: str, row: Mapping[str, object]) -> Value:
        feature, check = self.rules.checks[name]
        value = row.get(name)
        if name not in row:
            if feature.required:
                self._add(index, name, "missing", "is missing")
            return None
        if isinstance(value, TwoReadings):
            self._add(index, name, "ambiguous", value.reason, value.text)
            return None
        try:
            return check(value)
        except InvalidValue as error:
            self._add(index, name, error.problem, error.message, value, error.known)
        return None

    def _add(
        self,
        row: int | None,
        name: str | None,
        problem: str,
        message: str,
        value: object = None,
        known: Sequence[object] = (),
    ) -> None:
        """Count a problem; word it only if it will be listed, because there may be a million problems.

        `known` are the values that the feature takes, if they are few. For an unknown feature, they are the
        features that the row lacks.
        """
        self.count += 1
        if self.count >= MOST_PROBLEMS_COUNTED:
            self.raise_if_any()
        if len(self.listed) >= MOST_PROBLEMS_LISTED:
            return
        entry: dict[str, JsonValue] = {
            "field": None if name is None else shortened(name),
            "problem": problem,
        }
        if row is not None:
            entry["row"] = row
        if value is not None:
            entry["value"] = _shown(value)
            message += f": {_json(entry['value'])}"
        if problem == "unknown" and name is not None:
            near = nearest(name, list(map(str, known))) or nearest(name, self.rules.names)
            message += f" (did you mean {_quoted(near)}?)" if near else ""
        elif known:
            entry["categories"] = [json_value(category) for category in known[:MOST_PROBLEMS_LISTED]]
            message += (_meant(value, known) if problem == "unknown_category" else "") or (
                f" (known: {_listed(known)})"
            )
        where = [] if row is None else [f"row {row}"]
        entry["message"] = ": ".join([*where, message if name is None else f"{_quoted(name)} {message}"])
        self.listed.append(entry)

    def raise_if_any(self) -> None:
        """Raise `InvalidInput` with all problems that were found."""
        if not self.count:
            return
        messages = [str(entry["message"]) for entry in self.listed[:MOST_PROBLEMS_IN_MESSAGE]]
        more = self.count - len(messages)
        least = "at least " if self.count >= MOST_PROBLEMS_COUNTED else ""
        message = "; ".join(messages) + (f"; and {least}{more} more" if more else "")
        fields: list[JsonValue] = [*self.listed]
        raise InvalidInput(message, details={"count": self.count, "fields": fields})


def _meant(value: object, known: Sequence[object]) -> str:
    """Ask about the known category that is nearest to a string; give an empty string if none is near."""
    near = nearest(value, [one for one in known if isinstance(one, str)]) if isinstance(value, str) else None
    return "" if near is None else f" (did you mean {_json(near)}?)"


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(values: Sequence[object]) -> str:
    shown = [_json(_shown(json_value(value))) for value in values[:MOST_VALUES_SHOWN]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _quoted(name: str) -> str:
    """Give a name as a message shows it: in quotes if it would not be seen where the name ends."""
    short = shortened(name)
    return (
        short
        if short and short == short.strip() and short.isprintable()
        else json.dumps(short, ensure_ascii=not short.isprintable())
    )


def shortened(text: str) -> str:
    """Cut a string of a request to a length that an answer can show."""
    return text if len(text) <= LONGEST_TEXT_SHOWN else f"{text[:LONGEST_TEXT_SHOWN]}…"


def _shown(value: object) -> JsonValue:
    """Give a value of the request as an answer can show it: short, with NaN and infinities as strings."""
    if isinstance(value, int):
        return value if abs(value) < LARGEST_SHOWN else shortened(str(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return shortened(value) if isinstance(value, str) else json_type_of(value)


def json_type_of(value: object) -> str:
    """Give the name of a value's type in JSON, with its article: "a string"."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = ((str, "a string"), ((int, float), "a number"), (list, "a list"), (dict, "an object"))
    return next(name for kind, name in kinds if isinstance(value, kind))
