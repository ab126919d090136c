"""The values of CSV cells and of words on the command line: all are strings until a column type is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.client.rows import Row
    from infer_cli.client.service_client import ServedFeature

_TRUE_OR_FALSE = {"true": True, "false": False}
_BOOLEANS = {**_TRUE_OR_FALSE, "1": True, "0": False}
# Matches only what JSON would also write as a number. In a column that takes any value, 007 may be a name.
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def number_or_string(cell: str) -> object:
    """A cell as an int or a float if it reads as one, None if it is empty, else the string itself."""
    if cell == "":
        return None
    if "_" in cell:
        # Python reads `1_000` as a number; no other program does.
        return cell
    for convert in (int, float):
        try:
            return convert(cell)
        except ValueError:
            continue
    return cell


def typed_row(cells: Mapping[str, str], features: Mapping[str, ServedFeature]) -> Row:
    """Convert the cells to the column types of the features; a cell that does not fit stays a string.

    The service refuses the string and names its field.
    """
    return {name: typed_value(cell, features.get(name)) for name, cell in cells.items()}


def typed_value(cell: str, feature: ServedFeature | None) -> object:
    """Convert a cell for one feature; without a feature, for a column that takes any value."""
    column_type = "any" if feature is None else feature.type
    if cell == "":
        return cell if feature is not None and feature.takes_empty else None
    if column_type == "boolean":
        return _BOOLEANS.get(cell.strip().lower(), cell)
    if column_type == "number" or (column_type == "any" and _JSON_NUMBER.fullmatch(cell)):
        number = number_or_string(cell)
        return number if not isinstance(number, str) else _TRUE_OR_FALSE.get(cell.strip().lower(), cell)
    return _TRUE_OR_FALSE.get(cell.lower(), cell) if column_type == "any" else cell
