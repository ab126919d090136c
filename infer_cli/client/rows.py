"""Rows: what one is, and which columns the rows of one file may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Collection

# The values by column.
Row = dict[str, object]


def check_columns(row: Row, columns: Collection[str]) -> None:
    """Raise `InferError` for a row that has more columns than the first row of the same file."""
    surplus = [name for name in row if name not in columns]
    if surplus:
        message = f"a row has columns that the first row does not have: {', '.join(map(repr, surplus))}"
        raise InferError(message, hint="write a .jsonl file, whose rows may differ")
