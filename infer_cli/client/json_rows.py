"""Reads rows of JSON: an array of objects, `{"rows": […]}`, one object, or one object a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infer_cli.client.rows import Row

_ROWS = "rows"
_FORMS = 'it may hold [{"a": 1}, …], {"rows": […]}, or one object a line'


def read_json(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of an array, of `{"rows": […]}`, of one object, or of JSON Lines; raises `InferError`."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        whole: object = json.loads(text)
    except ValueError as error:
        # Several values, one a line, are no JSON as a whole. A file that begins with [ is not JSON Lines.
        if not text.lstrip().startswith("["):
            yield from read_json_lines(path, batch_rows)
            return
        raise InferError(f"{path} is not JSON: {error}", hint=_FORMS) from error
    rows = whole.get(_ROWS, [whole]) if isinstance(whole, dict) else whole
    if not isinstance(rows, list):
        raise InferError(f"{path} holds no rows", hint=_FORMS)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InferError(f"{path}, row {number} is not a JSON object", hint=_FORMS)
    for start in range(0, len(rows), batch_rows):
        yield rows[start : start + batch_rows]


def read_json_lines(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of JSON Lines; raises `InferError` with the number of a wrong line."""
    with path.open(encoding="utf-8-sig") as file:
        batch: list[Row] = []
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row: object = json.loads(line)
            except ValueError as error:
                message = f"{path}, line {number} is not JSON: {error}"
                raise InferError(
                    message, hint='JSON Lines hold one object a line: {"a": 1, "b": 2}'
                ) from error
            if not isinstance(row, dict):
                raise InferError(f"{path}, line {number} is not a JSON object")
            batch.append(row)
            if len(batch) == batch_rows:
                yield batch
                batch = []
        if batch:
            yield batch
