"""Writes rows as CSV, JSON Lines or Parquet, so that the writing can go on after an interruption."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from typing import IO, TYPE_CHECKING, Protocol

from infer_cli.client.rows import check_columns
from infer_cli.errors import RunNotResumed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row


class RowWriter(Protocol):
    """Writes rows that have the same columns."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""


class SavedWriter(RowWriter, Protocol):
    """Writes rows in such a way that another process can go on where `save` was called last."""

    def save(self) -> dict[str, object]:
        """Put all rows on the disk, and give what the next process must know."""

    def close(self) -> None:
        """Let go of the file."""


class CsvText:
    """Rows as the text of a CSV, whose columns are those of the first row."""

    def __init__(self, columns: Iterable[str] | None = None) -> None:
        self.columns = None if columns is None else list(columns)

    def of(self, rows: Sequence[Row]) -> str:
        """The lines of the rows, below the names of the columns if these are the first rows."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in rows:
            columns = self.columns
            if columns is None:
                columns = self.columns = list(row)
                writer.writerow(columns)
            if list(row) == columns:
                values = list(row.values())
            else:
                check_columns(row, columns)
                values = [row.get(name, "") for name in columns]
            writer.writerow([_json(cell) if isinstance(cell, (list, dict)) else cell for cell in values])
        return text.getvalue()


class JsonText:
    """Rows as JSON Lines, each with columns of its own."""

    columns: list[str] | None = None

    def of(self, rows: Sequence[Row]) -> str:
        """The lines of the rows."""
        return "".join(f"{_json(row)}\n" for row in rows)


class TextRows:
    """Writes rows to a stream of text."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = CsvText()

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""
        self._file.write(self._text.of(rows))


class TextFile:
    """Writes rows to a file as CSV or JSON Lines.

    `saved` is what `save` gave to an earlier process: what this process wrote behind it is cut off. Raises
    `RunNotResumed` for a file that is shorter.
    """

    def __init__(self, path: Path, file_format: str, saved: Mapping[str, object] | None = None) -> None:
        columns = (saved or {}).get("columns")
        self._text: CsvText | JsonText = JsonText()
        if file_format == "csv":
            self._text = CsvText(columns if isinstance(columns, list) else None)
        self._file: IO[bytes]
        self._saved_bytes = -1
        if not saved:
            self._file = path.open("wb")
            return
        length = int(str(saved["bytes"]))
        if not path.exists() or path.stat().st_size < length:
            raise not_all_there(path)
        self._file = path.open("r+b")
        self._file.truncate(length)
        self._file.seek(length)

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""
        self._file.write(self._text.of(rows).encode())

    def save(self) -> dict[str, object]:
        """Put all rows on the disk, and give the length of the file and the columns."""
        self._file.flush()
        length = self._file.tell()
        # Nothing was added to most files of refused rows.
        if length != self._saved_bytes:
            os.fsync(self._file.fileno())
            self._saved_bytes = length
        return {"bytes": length, "columns": self._text.columns}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def not_all_there(path: Path) -> RunNotResumed:
    """The error for a file that has lost a part of what was written before an interruption."""
    return RunNotResumed(f"a part of {path} is missing", hint="predict the whole file anew with --start-over")


def _json(value: object) -> str:
    """Strict JSON: NaN becomes null, and a value without a JSON type, such as a date, becomes a string."""
    return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, default=str)


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
