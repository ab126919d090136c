"""The values of rows for the features of a model.

The cells of a CSV, and words on the command line, are strings until a column type is known. The values of
other formats have types of their own, not all of which JSON has.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from infer_cli.client.readings import check_reading
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedFeature

_DIGITS = frozenset("0123456789")
_TRUE_OR_FALSE = {"true": True, "false": False}
_BOOLEANS = {**_TRUE_OR_FALSE, "1": True, "0": False}
# As in `service/protocols/value_checks.py`: what programs write for a missing value, in lower case.
MISSING_WORDS = frozenset(("#n/a", "#na", "-nan", "<na>", "n/a", "na", "nan", "nat", "none", "null"))
# Matches only what JSON would also write as a number. In a column that takes any value, 007 may be a name.
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# From here on, a float does not hold every whole number; beyond the second limit no integer column goes.
_FLOAT_EXACT, _INTEGERS_END = 2**53, 2**64


def number_or_string(cell: str) -> object:
    """A cell as an int or a float if it reads as one, None if it is empty, else the string itself.

    A whole number stays exact, however many digits it has, also as `9007199254740993.0`.
    """
    if cell == "":
        return None
    if "_" in cell or not (cell.isascii() or cell.strip().isascii()):
        # Python reads `1_000` and the digits of all scripts as numbers; hardly another program does.
        return cell
    if "." not in cell:
        with suppress(ValueError):
            return int(cell)
    try:
        number = float(cell)
    except ValueError:
        return cell
    if _FLOAT_EXACT <= abs(number) <= _INTEGERS_END:
        exact = Decimal(cell.strip())
        return int(exact) if exact == exact.to_integral_value() else number
    return number


def typed_row(cells: Mapping[str, str], features: Mapping[str, ServedFeature]) -> Row:
    """Convert the cells to the column types of the features; a cell that does not fit stays a string.

    The service refuses the string and names its field. Raises `InferError` for a cell that could be read in
    two ways.
    """
    typed: Row = {}
    for name, cell in cells.items():
        feature = features.get(name)
        # Most cells of large files are numbers of number columns, which read in one way.
        if (
            feature is not None
            and feature.type == "number"
            and cell[:1] in _DIGITS
            and not feature.needs_types
        ):
            value = number_or_string(cell)
            if not isinstance(value, str):
                typed[name] = value
                continue
        check_reading(name, cell, feature)
        typed[name] = typed_value(cell, feature)
    return typed


def typed_value(cell: str, feature: ServedFeature | None) -> object:
    """Convert a cell for one feature; without a feature, for a column that takes any value."""
    column_type = "any" if feature is None else feature.type
    if feature is not None and cell in feature.mixed:
        return cell
    if cell == "":
        return cell if feature is not None and feature.takes_empty else None
    if column_type not in ("any", "text") and cell.strip().lower() in MISSING_WORDS:
        return None
    if column_type == "boolean":
        return _BOOLEANS.get(cell.strip().lower(), cell)
    if column_type == "number" or (column_type == "any" and _JSON_NUMBER.fullmatch(cell)):
        number = number_or_string(cell)
        return number if not isinstance(number, str) else _TRUE_OR_FALSE.get(cell.strip().lower(), cell)
    return _TRUE_OR_FALSE.get(cell.lower(), cell) if column_type == "any" else cell


def json_value(value: object) -> object:
    """A value of a Parquet file in JSON's types: a date as in ISO 8601, a decimal as a number.

    Raises `InferError` for a value that no feature takes, such as bytes or a duration.
    """
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            return float(value)
        return int(value) if value == value.to_integral_value() else float(value)
    raise InferError(f"it holds {type(value).__name__}, which no feature takes")
