"""Reads files of rows (CSV, JSON, JSON Lines and Parquet) in batches."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from infer_cli.client.cells import json_value, number_or_string, typed_row
from infer_cli.client.json_rows import read_json, read_json_lines
from infer_cli.client.parquet import read_parquet
from infer_cli.client.rows import WrongLine, WrongRow, right
from infer_cli.client.text_files import Reading, is_compressed, open_text, read_errors_translated
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedFeature

_FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_READ_FORMATS = {**_FORMATS, ".tsv": "csv"}
# Spreadsheets separate with semicolons where the decimal point is a comma; databases export with bars.
_DELIMITERS = (",", ";", "\t", "|")
# A line that Excel reads and does not show: it names the delimiter.
_DELIMITER_LINE = re.compile(r"\"?sep=(.)\"?\r?\n?")


def format_of(path: Path) -> str:
    """`csv`, `json`, `jsonl` or `parquet`, by the ending of a file to read; raises `InferError` for others.

    A file of text may be compressed, with `.gz` behind its ending.
    """
    return _format_of(path, _READ_FORMATS)


def format_to_write(path: Path) -> str:
    """The same by the ending of a file to write; raises `InferError` for others."""
    return _format_of(path, _FORMATS)


def _format_of(path: Path, formats: Mapping[str, str]) -> str:
    inner = path.with_suffix("") if is_compressed(path) else path
    found = formats.get(inner.suffix.lower())
    if found is None or (found == "parquet" and inner != path):
        endings = f"{', '.join(formats)}, or .csv.gz, .json.gz, .jsonl.gz"
        raise InferError(f"{path} has an unknown format", hint=f"name it with one of {endings}")
    return found


@dataclass(frozen=True)
class TableBatch:
    """Rows of a file twice: as they stand there, and with values for the features of a model.

    `first_row` is the number of the first of them, counted from 1. `errors` are those of the rows that cannot
    be read, or hold a value that no feature takes, by position. `fraction` is the part of the file that has
    been read, if known.
    """

    first_row: int
    read: list[Row]
    rows: list[Row]
    errors: dict[int, InferError]
    fraction: float | None = None


def read_table(
    path: Path, features: Mapping[str, ServedFeature], *, batch_rows: int
) -> Iterator[tuple[Sequence[Row], list[Row]]]:
    """The rows of a file twice, `batch_rows` at a time: as they stand there, and for the features of a model.

    The cells of a CSV get the types of the features. The values of the other formats have types of their own,
    and are only put into JSON's types. Raises `InferError` as `read_rows`, and for a value that no feature
    takes.
    """
    for batch in read_batches(path, features, batch_rows=batch_rows):
        for at, error in batch.errors.items():
            raise in_row(path, batch.first_row + at, error)
        yield batch.read, batch.rows


def read_batches(
    path: Path, features: Mapping[str, ServedFeature], *, batch_rows: int, skip_rows: int = 0
) -> Iterator[TableBatch]:
    """The same in batches, which have the errors for single rows; the first `skip_rows` rows are left out."""
    reading = Reading()
    is_csv = format_of(path) == "csv"
    reader = _read_cells if is_csv else _READERS[format_of(path)]
    to_features: Callable[[Any, Mapping[str, ServedFeature]], Row] = typed_row if is_csv else _json_row
    first_row = skip_rows + 1
    with read_errors_translated(path):
        for read in reader(path, batch_rows, skip_rows, reading):
            rows: list[Row] = []
            errors: dict[int, InferError] = {}
            for at, row in enumerate(read):
                try:
                    right((row,))
                    rows.append(to_features(row, features))
                except InferError as error:
                    errors[at] = error
                    rows.append(row)
            yield TableBatch(first_row, read, rows, errors, reading.fraction)
            first_row += len(read)


def in_row(path: Path, number: int, error: InferError) -> InferError:
    """The error for a value with the row that it is in; a wrong line has a number of its own."""
    if isinstance(error, WrongLine):
        return error
    return InferError(f"{path}, row {number}: {error.message}", hint=error.hint)


def _json_row(row: Row, features: Mapping[str, ServedFeature]) -> Row:
    """A row with the values of the features in JSON's types; other columns stay as they are."""
    typed = dict(row)
    for name in row.keys() & features.keys():
        try:
            typed[name] = json_value(row[name])
        except InferError as error:
            raise InferError(
                f"{name!r} cannot be sent: {error.message}",
                hint=f"write the column {name!r} as text or as numbers",
            ) from error
    return typed


def read_rows(path: Path, *, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of a file, `batch_rows` at a time.

    The columns of a CSV may also be separated by semicolons, tabs or bars. A CSV cell becomes a number if it
    reads as one, and None if it is empty. A `.json` file holds an array of objects, `{"rows": […]}`, one
    object, a table as pandas writes it, or JSON Lines.
    Raises `InferError` for a file that cannot be read, with the number of the wrong line.
    """
    reader = _READERS[format_of(path)]
    with read_errors_translated(path):
        for rows in reader(path, batch_rows, 0, None):
            yield list(right(rows))


def read_csv_cells(path: Path, *, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of a CSV with every cell as the string in the file; raises `InferError` as `read_rows`."""
    with read_errors_translated(path):
        for rows in _read_cells(path, batch_rows, 0, None):
            yield list(right(rows))


def _read_csv(path: Path, batch_rows: int, skip_rows: int, reading: Reading | None) -> Iterator[list[Row]]:
    for batch in _read_cells(path, batch_rows, skip_rows, reading):
        yield [{name: number_or_string(str(cell)) for name, cell in row.items()} for row in right(batch)]


def _read_cells(path: Path, batch_rows: int, skip_rows: int, reading: Reading | None) -> Iterator[list[Row]]:
    with open_text(path, newline="", reading=reading) as file:
        delimiter, skipped = _delimiter(file)
        reader = csv.reader(file, strict=True, delimiter=delimiter)
        batch: list[Row] = []
        left = skip_rows
        try:
            names = next(reader, [])
            if not names:
                raise InferError(f"{path} is empty", hint="its first line must name the columns")
            _check_header(path, names)
            for cells in reader:
                if left:
                    left -= bool(cells)
                    continue
                if len(cells) == len(names):
                    batch.append(dict(zip(names, cells, strict=True)))
                elif cells:
                    what = f": expected {len(names)} values, as in the line of the column names"
                    error = WrongLine.at(path, skipped + reader.line_num, what)
                    batch.append(WrongRow(_as_many(cells, names, delimiter), error))
                else:
                    continue
                if len(batch) == batch_rows:
                    yield batch
                    batch = []
        except csv.Error as error:
            raise InferError(f"{path}, line {skipped + reader.line_num}: {error}") from error
        if batch:
            yield batch


def _as_many(cells: list[str], names: list[str], delimiter: str) -> Row:
    """Too few or too many cells by the names of the columns: the last column has what is too much."""
    last = len(names) - 1
    shown = [*cells[:last], delimiter.join(cells[last:])]
    return dict(zip(names, [*shown, *[""] * len(names)], strict=False))


_READERS: dict[str, Callable[[Path, int, int, Reading | None], Iterator[list[Row]]]] = {
    "csv": _read_csv,
    "json": read_json,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
}


def _delimiter(file: IO[str]) -> tuple[str, int]:
    """The delimiter, and the number of lines before the column names, which are read.

    It is the one that Excel's line names, else the first that separates column names; or else a comma.
    """
    header = file.readline()
    named = _DELIMITER_LINE.fullmatch(header)
    if named:
        return named[1], 1
    file.seek(0)
    for delimiter in _DELIMITERS:
        # A broken first line is reported by the reader that reads the whole file.
        with suppress(csv.Error):
            if len(next(csv.reader([header], delimiter=delimiter), ())) > 1:
                return delimiter, 0
    return _DELIMITERS[0], 0


def _check_header(path: Path, names: list[str]) -> None:
    if any("\0" in name for name in names):
        # UTF-16 without its mark, mostly.
        raise InferError(f"{path}, line 1 is not UTF-8 text", hint="save it as UTF-8")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")
