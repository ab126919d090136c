"""Writes rows as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from infer_cli.client.parquet import parquet_writer
from infer_cli.client.row_files import format_to_write
from infer_cli.client.rows import check_columns
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infer_cli.client.rows import Row


class RowWriter(Protocol):
    """Writes rows that have the same columns."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""


@contextmanager
def open_writer(path: Path | None, standard_output: IO[str]) -> Iterator[RowWriter]:
    """A writer in the format of the ending of `path`; CSV to `standard_output` without a path.

    The file appears at the end of the block. After an error there is no new file, and an older file of the
    same name is unchanged. Raises `InferError` for an unknown ending or a folder that cannot be written.
    """
    if path is None:
        yield _CsvWriter(standard_output)
        return
    file_format = format_to_write(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InferError(f"cannot write into {path.parent}: {error.strerror}") from error
    unfinished = Path(name)
    try:
        if file_format == "parquet":
            os.close(handle)
            with parquet_writer(unfinished) as writer:
                yield writer
        else:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                yield _CsvWriter(file) if file_format == "csv" else _JsonLinesWriter(file)
        # A temporary file is readable by its owner alone; the result gets the mode of any new file.
        unfinished.chmod(0o666 & ~_umask())
        try:
            unfinished.replace(path)
        except OSError as error:
            raise InferError(f"cannot write {path}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    """The umask of this process, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


class _CsvWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._writer is None:
                self._writer = csv.DictWriter(self._file, list(row), lineterminator="\n", restval="")
                self._writer.writeheader()
            check_columns(row, self._writer.fieldnames)
            self._writer.writerow({name: _cell(value) for name, value in row.items()})


class _JsonLinesWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        self._file.writelines(f"{_json(row)}\n" for row in rows)


def _cell(value: object) -> object:
    """A value as a CSV cell; a list or an object is written as JSON."""
    return _json(value) if isinstance(value, list | dict) else value


def _json(value: object) -> str:
    """Strict JSON: NaN becomes null, and a value without a JSON type, such as a date, becomes a string."""
    return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, default=str)


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
