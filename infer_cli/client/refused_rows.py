"""The rows that a service refused, in a file of their own: the number of each, the reason, its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.client.answer_columns import AnswerNames
from infer_cli.client.row_files import format_of, format_to_write
from infer_cli.client.text_files import is_compressed
from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infer_cli.client.row_writer import RowWriter
    from infer_cli.client.rows import Row

_NUMBER, _REASON = "row", "reason"


def usual_path(target: Path, source: Path) -> Path:
    """Where the refused rows go unless the user says where: `answers.rejected.csv` beside `answers.csv`.

    CSV repeats the cells of a CSV; the rows of other formats have types, and may have columns of their own.
    """
    inner = target.with_suffix("") if is_compressed(target) else target
    ending = "csv" if format_of(source) == "csv" else "jsonl"
    return inner.with_suffix(f".rejected.{ending}")


def check_rejected_path(path: Path, source: Path, target: Path | None) -> None:
    """Raise `UsageError` for a file that cannot hold the refused rows."""
    written = format_to_write(path)
    if written == "parquet" or is_compressed(path):
        raise UsageError(
            f"--rejected {path}: refused rows are written as text", hint="name it .csv or .jsonl"
        )
    if written == "csv" and format_of(source) in ("json", "jsonl"):
        raise UsageError(
            f"--rejected {path}: the rows of {source} may have columns of their own", hint="name it .jsonl"
        )
    if path in (source, target):
        raise UsageError(f"--rejected {path}: this file is the input or the output", hint="name another file")


class RefusedRows:
    """Writes refused rows; the columns `row` and `reason` get other names where a row has such columns."""

    def __init__(self, writer: RowWriter) -> None:
        self._writer = writer

    def write(self, rows: Sequence[tuple[int, str, Row]]) -> None:
        """Add rows, each with its number and the reason."""
        self._writer.write([_with_reason(*row) for row in rows])


def _with_reason(number: int, reason: str, row: Row) -> Row:
    names = AnswerNames(row, (_NUMBER, _REASON))
    return {names[_NUMBER]: number, names[_REASON]: reason, **row}
