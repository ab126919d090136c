"""Reads the rows of a query or of a JSON body, and names everything that is wrong with them."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import orjson

from service.errors import InvalidInput
from service.protocols.row_checks import json_type_of, shortened
from service.protocols.value_checks import value_of_string, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.json_values import JsonValue
    from service.protocols.row_checks import RowChecks, RowRules
    from service.schema.features import Value


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def parse_query(items: Iterable[tuple[str, str]], checks: RowChecks) -> list[Value]:
    """Make one row from the names and values of a query; raise `InvalidInput` naming every wrong one.

    `checks` has the warnings afterwards, if there are any.
    """
    by_name = checks.rules.checks
    values: dict[str, object] = {}
    repeated = []
    pairs = list(items)
    names = checks.rules.positions.names_of([name for name, _ in pairs])
    for given, text in pairs:
        name = names.get(given, given)
        if name in values:
            repeated.append(name)
        values[name] = text
        if name in by_name:
            values[name] = value_of_string(by_name[name][0], text)
    row = checks.check_row(values, repeated=repeated)
    checks.raise_if_any()
    return row


def parse_json(body: bytes, checks: RowChecks) -> list[list[Value]]:
    """Read the rows of a JSON body; raise `InvalidInput` naming every wrong field with its row.

    The body is one object of features, or an object whose `rows` is a list of these. A feature that is
    itself called `rows` is no contradiction: its value is never a list. `checks` has the warnings afterwards,
    if there are any.
    """
    document = decode(body, checks.rules)
    if not isinstance(document, dict):
        found = json_type_of(document)
        message = f"The body must be an object of features, or have a list of them in rows; it is {found}"
        raise InvalidInput(message)
    rows = document.get("rows")
    if isinstance(rows, list):
        _check_list(document, rows)
        return parse_rows(rows, checks)
    if "rows" in document and "rows" not in checks.rules.known:
        message = f"rows must be a list of objects; it is {json_type_of(rows)}"
        raise InvalidInput(message)
    parsed = [checks.check_row(document)]
    checks.raise_if_any()
    return parsed


def parse_rows(rows: Sequence[object], checks: RowChecks) -> list[list[Value]]:
    """Read a list of objects of features; raise `InvalidInput` naming every wrong field with its row."""
    checks.rules.limit.check(len(rows))
    parsed = [checks.check_row(row, index=index) for index, row in enumerate(rows)]
    checks.raise_if_any()
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


def decode(body: bytes, rules: RowRules) -> object:
    """Read a body as JSON; raise `InvalidInput` if it is none. An object remembers its repeated names."""
    check_size(body, rules)
    try:
        # Whole numbers stay exact: only the check of a value knows what the number is for.
        return json.loads(body, parse_int=whole_number, object_pairs_hook=_object)
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


def decode_numbers(body: bytes, rules: RowRules) -> object:
    """Read a body as JSON whose rows are lists of numbers; None if it may hold anything else.

    This takes a fifth of the time that `decode` takes. A name that an object has twice, or a text in a row,
    shows in the number of quotation marks.
    """
    check_size(body, rules)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    quotes = body.count(b'"')
    # Nearly always, the names of the outermost object are all texts that there are.
    is_plain = isinstance(document, dict) and 2 * len(document) == quotes
    try:
        return document if is_plain or 2 * _count_texts(document) == quotes else None
    except RecursionError:
        return None


def check_size(body: bytes, rules: RowRules) -> None:
    """Raise `TooManyRows` for a body of too many lists and objects, before any of them is made."""
    columns = len(rules.names)
    most = rules.limit.most_brackets(columns)
    if len(body) > most and _count_brackets(body) > most:
        # Some may stand in texts.
        rules.limit.check_brackets(_count_brackets(_STRING.sub(b"", body)), columns)


def _count_brackets(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")


def _count_texts(value: object) -> int:
    """Count the names and texts of a document, but for those in lists of lists."""
    if isinstance(value, dict):
        return len(value) + sum(map(_count_texts, value.values()))
    if isinstance(value, list):
        return 0 if value and isinstance(value[0], list) else sum(map(_count_texts, value))
    return isinstance(value, str)


def _check_list(document: Mapping[str, object], rows: list[object]) -> None:
    beside = [name for name in document if name != "rows"]
    if beside:
        message = f"Beside a list of rows there must be nothing; there is {shortened(beside[0])}"
        raise InvalidInput(message)
    if getattr(document, "repeated", ()):
        message = "rows is given more than once"
        raise InvalidInput(message)
    if not rows:
        message = "rows is empty: it must have at least one object of features"
        raise InvalidInput(message)
