"""Reads the rows of a query or of a JSON body, and names everything that is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from service.errors import InvalidInput
from service.protocols.row_checks import json_type_of, shortened
from service.protocols.value_checks import value_of_string, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from service.json_values import JsonValue
    from service.protocols.row_checks import RowChecks
    from service.schema.features import Value


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
    document = _decode(body)
    if not isinstance(document, dict):
        found = json_type_of(document)
        message = f"The body must be an object of features, or have a list of them in rows; it is {found}"
        raise InvalidInput(message)
    rows = document.get("rows")
    if isinstance(rows, list):
        _check_list(document, rows)
        parsed = [checks.check_row(row, index=index) for index, row in enumerate(rows)]
    elif "rows" in document and "rows" not in checks.rules.known:
        message = f"rows must be a list of objects; it is {json_type_of(rows)}"
        raise InvalidInput(message)
    else:
        parsed = [checks.check_row(document)]
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


def _decode(body: bytes) -> object:
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
