"""Rows: what one is, and which columns the rows of one file may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

# The values by column.
Row = dict[str, object]


class WrongLine(InferError):
    """A line of a file is no row; the lines behind it may be. `reason` leaves out the name of the file."""

    reason = ""

    @classmethod
    def at(cls, path: Path, line: int, what: str, *, hint: str | None = None) -> WrongLine:
        """The error for a line; `what` goes on behind the number of the line."""
        error = cls(f"{path}, line {line}{what}", hint=hint)
        error.reason = f"line {line}{what}"
        return error


class WrongRow(Row):
    """What a reader gives in the place of a row that it cannot read: the cells or the line, and the error."""

    def __init__(self, content: Row, error: WrongLine) -> None:
        super().__init__(content)
        self.error = error


def right(rows: Sequence[Row]) -> Sequence[Row]:
    """The same rows; raises the error of the first that cannot be read."""
    for row in rows:
        if isinstance(row, WrongRow):
            raise row.error
    return rows


def check_columns(row: Row, columns: Collection[str]) -> None:
    """Raise `InferError` for a row that has more columns than the first row of the same file."""
    surplus = [name for name in row if name not in columns]
    if surplus:
        message = f"a row has columns that the first row does not have: {', '.join(map(repr, surplus))}"
        raise InferError(message, hint="write a .jsonl file, whose rows may differ")
