"""The tables that programs write as one JSON object: pandas in its orientations, and MLflow for its server.

No feature takes a list or an object, so that an object of lists or objects is a table and not one row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.client.rows import Row

_SPLIT = {"columns", "data"}


def rows_of_table(whole: Mapping[str, object]) -> list[Row] | None:
    """The rows of a table; None for an object that is none, or that may be read in two ways."""
    if len(whole) == 1:
        # As in {"instances": [{"a": 1}]}, {"dataframe_split": {…}} and {"inputs": {"a": [1, 2]}}.
        (inner,) = whole.values()
        if isinstance(inner, dict) and inner and all(isinstance(part, list) for part in inner.values()):
            return rows_of_table(inner)
        listed = inner
    else:
        listed = whole["data"] if set(whole) == {"schema", "data"} else None
    if isinstance(listed, list) and listed and all(isinstance(row, dict) for row in listed):
        return listed
    if _SPLIT <= set(whole) <= {*_SPLIT, "index"}:
        return _split(whole)
    parts = whole.values()
    return _of_lists(whole) if all(isinstance(part, list) for part in parts) else _of_objects(whole)


def _split(whole: Mapping[str, object]) -> list[Row] | None:
    """The rows of `{"columns": […], "data": [[…], …]}`."""
    columns, data = whole["columns"], whole["data"]
    if not isinstance(columns, list) or not isinstance(data, list):
        return None
    names = [str(name) for name in columns]
    if len(set(names)) < len(names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        return None
    return [dict(zip(names, row, strict=True)) for row in data]


def _of_lists(whole: Mapping[str, object]) -> list[Row] | None:
    """The rows of `{"a": [1, 2], "b": [3, 4]}`."""
    columns = {name: part for name, part in whole.items() if isinstance(part, list)}
    if len({len(part) for part in columns.values()}) != 1:
        return None
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _of_objects(whole: Mapping[str, object]) -> list[Row] | None:
    """The rows of `{"a": {"0": 1, "1": 2}}` or of `{"0": {"a": 1}, "1": {"a": 2}}`.

    The numbers are those of the rows; without numbers, or with numbers for both, none of the two is certain.
    """
    parts = {name: part for name, part in whole.items() if isinstance(part, dict)}
    if not parts or len(parts) < len(whole):
        return None
    are_rows = all(name.isdecimal() for name in parts)
    numbers = list(next(iter(parts.values())))
    are_columns = bool(numbers) and all(name.isdecimal() for name in numbers)
    if are_rows == are_columns or (are_columns and any(list(part) != numbers for part in parts.values())):
        return None
    if are_rows:
        return list(parts.values())
    return [{name: part[number] for name, part in parts.items()} for number in numbers]
