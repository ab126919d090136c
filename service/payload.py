"""Reads what a request holds, says all that is wrong with it, and turns predictions into JSON values."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.predictor import Feature, Predictions

JsonValue = Union[None, bool, int, float, str, "list[JsonValue]", "dict[str, JsonValue]"]

# As JSON has them, and `+1`, `.5` and `5.`, which people type. Python's float() would also take `1_000`.
NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
# The largest number in 32 bits. Models made of trees compute in these, and refuse larger ones.
LARGEST_NUMBER = 3.4028234663852886e38

# An answer that names ten thousand wrong fields helps nobody; it says how many there are.
MOST_PROBLEMS_LISTED = 50
MOST_PROBLEMS_IN_MESSAGE = 5
LONGEST_TEXT_SHOWN = 80


class InvalidInput(Exception):
    """A request from which no rows can be made. `details` is for programs, the message for people."""

    def __init__(self, message: str, *, code: str = "invalid_input", details: JsonValue = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def parse_query(items: Iterable[tuple[str, str]], features: Sequence[Feature]) -> list[float]:
    """Make one row from the names and values of a query; raise `InvalidInput` naming every wrong one."""
    values: dict[str, object] = {}
    repeated = []
    for name, text in items:
        if name in values:
            repeated.append(name)
        values[name] = _number_in(text)
    problems = _Problems(features)
    row = problems.check_row(values, repeated=repeated)
    problems.raise_if_any()
    return row


def parse_json(body: bytes, features: Sequence[Feature]) -> list[list[float]]:
    """Read the rows of a JSON body; raise `InvalidInput` naming every wrong field with its row.

    The body is one object of features, or an object whose `rows` is a list of these. A feature that is
    itself called `rows` is no contradiction: its value is a number, never a list.
    """
    document = _decode(body)
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


def predictions_json(
    predictions: Predictions, classes: Sequence[object] | None
) -> dict[str, list[JsonValue]]:
    """Give `predictions`, and `probabilities` where the model has them, as lists with one element a row."""
    answer = {"predictions": [json_value(value) for value in predictions.values]}
    if predictions.probabilities is not None:
        answer["probabilities"] = [probabilities_json(row, classes) for row in predictions.probabilities]
    return answer


def first_row(answer: Mapping[str, list[JsonValue]]) -> dict[str, JsonValue]:
    """Give the `prediction`, and the `probabilities`, of an answer's only row."""
    single: dict[str, JsonValue] = {"prediction": answer["predictions"][0]}
    if "probabilities" in answer:
        single["probabilities"] = answer["probabilities"][0]
    return single


def probabilities_json(row: object, classes: Sequence[object] | None) -> JsonValue:
    """Give the probabilities of a row by class, or a list with one such object for each output of the model.

    A key of a JSON object is a text: a class that is a number or a truth value is written as Python's
    `str` has it (`"1"`, `"True"`). A row that does not fit the classes stays a list.
    """
    if not isinstance(row, list) or not classes or len(row) != len(classes):
        return json_value(row)
    outputs = [labels for labels in classes if isinstance(labels, list)]
    if outputs:
        return [probabilities_json(part, labels) for part, labels in zip(row, outputs)]
    return {str(label): json_value(value) for label, value in zip(classes, row)}


def json_value(value: object) -> JsonValue:
    """Put a value in JSON's types: null for NaN and infinities, text for what JSON has no type for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [json_value(element) for element in value]
    if hasattr(value, "item"):
        return json_value(value.item())
    return str(value)


class _Object(dict[str, object]):
    """A JSON object that remembers which of its names it had more than once."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, object]]) -> _Object:
    result = _Object(pairs)
    if len(result) < len(pairs):
        times = Counter(name for name, _ in pairs)
        result.repeated = tuple(name for name, count in times.items() if count > 1)
    return result


def _decode(body: bytes) -> object:
    try:
        # float also for whole numbers: one with a thousand digits is then an infinity, found below.
        return json.loads(body, parse_int=float, object_pairs_hook=_object)
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


def _number_in(text: str) -> object:
    """Give the number that a text of a query says, finite or not; the text itself, if it says none."""
    stripped = text.strip()
    return float(stripped) if NUMBER.fullmatch(stripped) else stripped


@dataclass
class _Problems:
    """Checks rows against the features, and collects what is wrong with them."""

    features: Sequence[Feature]
    listed: list[dict[str, JsonValue]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        self.names = [feature.name for feature in self.features]
        self.known = frozenset(self.names)

    def check_row(
        self, row: object, *, index: int | None = None, repeated: Sequence[str] = ()
    ) -> list[float]:
        """Give the values of a row in the order of the features; of use only if nothing was wrong."""
        if not isinstance(row, dict):
            self._add(index, None, "not_an_object", f"is not an object of features but {_kind_of(row)}")
            return []
        for name in (*repeated, *getattr(row, "repeated", ())):
            self._add(index, name, "repeated", "is given more than once")
        values = [self._check_value(index, name, row) for name in self.names]
        if len(row) != len(values) or not self.known.issuperset(row):
            for name in row:
                if name not in self.known:
                    self._add(index, name, "unknown", "is not a feature of the model")
        return values

    def _check_value(self, index: int | None, name: str, row: Mapping[str, object]) -> float:
        value = row.get(name)
        if isinstance(value, float) and -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            return value
        if name not in row:
            self._add(index, name, "missing", "is missing")
        elif value is None or value == "":
            self._add(index, name, "missing", "has no value")
        elif not isinstance(value, float):
            self._add(index, name, "not_a_number", "is not a number", value)
        elif math.isfinite(value):
            self._add(index, name, "too_large", "is too large", value)
        else:
            self._add(index, name, "not_finite", "is not a finite number", value)
        return math.nan

    def _add(
        self, row: int | None, name: str | None, problem: str, message: str, value: object = None
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


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT_SHOWN else f"{text[:LONGEST_TEXT_SHOWN]}…"


def _shown(value: object) -> JsonValue:
    """Give a value of the request as an answer can show it: short, and NaN and infinities as texts."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _shortened(value) if isinstance(value, str) else _kind_of(value)


def _kind_of(value: object) -> str:
    """Say what JSON calls a value."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = ((str, "a text"), (float, "a number"), (list, "a list"), (dict, "an object"))
    return next(name for kind, name in kinds if isinstance(value, kind))
