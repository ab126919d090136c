"""Reads the rows of a query or of a JSON body, and names everything that is wrong with them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from service.errors import InvalidInput
from service.protocols.row_checks import RowChecks, json_type_of, shortened
from service.protocols.value_checks import value_of_string
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.json_values import JsonValue
    from service.schema.features import Feature, Value

# A whole number of up to 15 digits is exactly represented by a float, too.
MOST_DIGITS = 15


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
        values[name] = text if feature is None else value_of_string(feature, text, is_mixed=mixed)
    checks = RowChecks(features)
    row = checks.check_row(values, repeated=repeated)
    checks.raise_if_any()
    return row


def parse_json(body: bytes, features: Sequence[Feature]) -> list[list[Value]]:
    """Read the rows of a JSON body; raise `InvalidInput` naming every wrong field with its row.

    The body is one object of features, or an object whose `rows` is a list of these. A feature that is
    itself called `rows` is no contradiction: its value is never a list.
    """
    document = _decode(body, keep_whole=any(feature.type == "any" for feature in features))
    if not isinstance(document, dict):
        found = json_type_of(document)
        message = f"The body must be an object of features, or have a list of them in rows; it is {found}"
        raise InvalidInput(message)
    rows = document.get("rows")
    checks = RowChecks(features)
    if isinstance(rows, list):
        _check_list(document, rows)
        parsed = [checks.check_row(row, index=index) for index, row in enumerate(rows)]
    elif "rows" in document and "rows" not in checks.names:
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


def _whole_number(text: str) -> float:
    return int(text) if len(text) <= MOST_DIGITS else float(text)


def _decode(body: bytes, *, keep_whole: bool = False) -> object:
    try:
        # Whole numbers become floats: one with a thousand digits is then an infinity, which a check refuses.
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
        message = f"Beside a list of rows there must be nothing; there is {shortened(beside[0])}"
        raise InvalidInput(message)
    if getattr(document, "repeated", ()):
        message = "rows is given more than once"
        raise InvalidInput(message)
    if not rows:
        message = "rows is empty: it must have at least one object of features"
        raise InvalidInput(message)
