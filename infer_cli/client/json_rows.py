"""Reads rows of JSON: an array of objects, `{"rows": […]}`, one object, a table, or JSON Lines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from infer_cli.client.json_tables import rows_of_table
from infer_cli.client.rows import WrongLine, WrongRow
from infer_cli.client.text_files import open_text
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.text_files import Reading

_ROWS = "rows"
_FORMS = 'it may hold [{"a": 1}, …], {"rows": […]}, or one object a line'
_LINES = 'JSON Lines hold one object a line: {"a": 1, "b": 2}'
_ONCE = "give each column once"
_FINITE = "write a number, or null for a missing value"
# Strings are matched first, so that an Infinity inside of one is not found.
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>-?\bInfinity\b)', re.DOTALL)


class _NotJsonConstant(Exception):
    """An infinity, which Python writes into JSON, and which JSON has not."""

    def __init__(self, constant: str) -> None:
        super().__init__(constant)
        self.constant = constant


class _Repeated(dict[str, object]):
    """An object with a name that is given more than once, which is `repeated`."""

    repeated: str


def read_json(
    path: Path, batch_rows: int, skip_rows: int = 0, reading: Reading | None = None
) -> Iterator[list[Row]]:
    """The rows of an array, `{"rows": […]}`, one object, a table or JSON Lines; raises `InferError`.

    The first `skip_rows` rows are left out.
    """
    text = _text_of(path)
    try:
        whole = _loads(text)
    except _NotJsonConstant as error:
        where = _line_of_constant(text)
        raise InferError(f"{path}, line {where}: {error.constant} is not JSON", hint=_FINITE) from error
    except ValueError as error:
        # Several values, one a line, are no JSON as a whole. A file that begins with [ is not JSON Lines.
        if not text.lstrip().startswith("["):
            yield from read_json_lines(path, batch_rows, skip_rows, reading)
            return
        raise InferError(f"{path} is not JSON: {error}", hint=_FORMS) from error
    if isinstance(whole, _Repeated) and any(isinstance(value, list | dict) for value in whole.values()):
        raise InferError(f"{path} has {whole.repeated!r} more than once", hint=_FORMS)
    rows = _rows_of(whole)
    if not isinstance(rows, list):
        raise InferError(f"{path} holds no rows", hint=_FORMS)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InferError(f"{path}, row {number} is not a JSON object", hint=_FORMS)
        _check_repeated(row, f"{path}, row {number}")
    for start in range(skip_rows, len(rows), batch_rows):
        if reading is not None:
            reading.put(min(start + batch_rows, len(rows)), len(rows))
        yield rows[start : start + batch_rows]


def read_json_lines(
    path: Path, batch_rows: int, skip_rows: int = 0, reading: Reading | None = None
) -> Iterator[list[Row]]:
    """The rows of JSON Lines, with a `WrongRow` for a wrong line.

    The first `skip_rows` rows are left out.
    """
    with open_text(path, reading=reading) as file:
        batch: list[Row] = []
        left = skip_rows
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if left:
                left -= 1
                continue
            try:
                batch.append(_row_of(line, path, number))
            except WrongLine as error:
                batch.append(WrongRow({"line": line.rstrip("\n")}, error))
            if len(batch) == batch_rows:
                yield batch
                batch = []
        if batch:
            yield batch


def _row_of(line: str, path: Path, number: int) -> Row:
    """The row of a line; raises `WrongLine`."""
    try:
        row = _loads(line)
    except _NotJsonConstant as error:
        raise WrongLine.at(path, number, f": {error.constant} is not JSON", hint=_FINITE) from error
    except ValueError as error:
        raise WrongLine.at(path, number, f" is not JSON: {error}", hint=_LINES) from error
    if not isinstance(row, dict):
        raise WrongLine.at(path, number, " is not a JSON object", hint=_LINES)
    if isinstance(row, _Repeated):
        raise WrongLine.at(path, number, f" has {row.repeated!r} more than once", hint=_ONCE)
    return row


def _rows_of(whole: object) -> object:
    """The list in `{"rows": […]}`, or the rows of a table of columns; any other object is itself a row."""
    if not isinstance(whole, dict):
        return whole
    listed = whole.get(_ROWS)
    if isinstance(listed, list):
        return listed
    table = rows_of_table(whole)
    return [whole] if table is None else table


def _text_of(path: Path) -> str:
    with open_text(path) as file:
        return file.read()


def _loads(text: str) -> object:
    """The value in the text; raises `_NotJsonConstant`, and `ValueError` for any other text."""
    found: object = json.loads(text, parse_constant=_constant, object_pairs_hook=_object)
    return found


def _constant(constant: str) -> object:
    """None for NaN, which Python writes for a missing value; raises `_NotJsonConstant` for others."""
    if constant == "NaN":
        return None
    raise _NotJsonConstant(constant)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    names = [name for name, _ in pairs]
    repeated.repeated = next(name for name in names if names.count(name) > 1)
    return repeated


def _check_repeated(row: dict[str, object], where: str) -> None:
    if isinstance(row, _Repeated):
        raise InferError(f"{where} has {row.repeated!r} more than once", hint=_ONCE)


def _line_of_constant(text: str) -> int:
    """The number of the line with the first infinity outside of strings."""
    found = next(match for match in _CONSTANT.finditer(text) if match["constant"])
    return text.count("\n", 0, found.start()) + 1
