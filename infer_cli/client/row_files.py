"""Reads files of rows (CSV, JSON, JSON Lines and Parquet) in batches."""

from __future__ import annotations

import csv
import re
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from infer_cli.client.cells import json_value, number_or_string, typed_row
from infer_cli.client.json_rows import read_json, read_json_lines
from infer_cli.client.parquet import read_parquet
from infer_cli.client.text_files import is_compressed, open_text, read_errors_translated
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
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
    inner = path.with_suffix("") if is_compressed(path) else path
    found = _READ_FORMATS.get(inner.suffix.lower())
    if found is None or (found == "parquet" and inner != path):
        raise _unknown_format(path, f"{', '.join(_READ_FORMATS)}, or .csv.gz, .json.gz, .jsonl.gz")
    return found


def format_to_write(path: Path) -> str:
    """The same by the ending of a file to write, which is not compressed; raises `InferError` for others."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise _unknown_format(path, ", ".join(_FORMATS)) from None


def _unknown_format(path: Path, suffixes: str) -> InferError:
    return InferError(f"{path} has an unknown format", hint=f"name it with one of {suffixes}")


def read_table(
    path: Path, features: Mapping[str, ServedFeature], *, batch_rows: int
) -> Iterator[tuple[Sequence[Row], list[Row]]]:
    """The rows of a file twice, `batch_rows` at a time: as they stand there, and for the features of a model.

    The cells of a CSV get the types of the features. The values of the other formats have types of their own,
    and are only put into JSON's types. Raises `InferError` as `read_rows`, and for a value that no feature
    takes.
    """
    if format_of(path) == "csv":
        done = 0
        for cells in read_csv_cells(path, batch_rows=batch_rows):
            typed = [_cells_row(path, done + at, row, features) for at, row in enumerate(cells, 1)]
            yield [dict(row) for row in cells], typed
            done += len(cells)
        return
    number = 0
    for rows in read_rows(path, batch_rows=batch_rows):
        yield rows, [_json_row(path, number + at, row, features) for at, row in enumerate(rows, 1)]
        number += len(rows)


def _cells_row(
    path: Path, number: int, cells: Mapping[str, str], features: Mapping[str, ServedFeature]
) -> Row:
    """A row of cells with the types of the features; the error for a cell says in which row it is."""
    try:
        return typed_row(cells, features)
    except InferError as error:
        raise InferError(f"{path}, row {number}: {error.message}", hint=error.hint) from error


def _json_row(path: Path, number: int, row: Row, features: Mapping[str, ServedFeature]) -> Row:
    """A row with the values of the features in JSON's types; other columns stay as they are."""
    typed = dict(row)
    for name in row.keys() & features.keys():
        try:
            typed[name] = json_value(row[name])
        except InferError as error:
            raise InferError(
                f"{path}, row {number}: {name!r} cannot be sent: {error.message}",
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
    reader = {
        "csv": _read_csv,
        "json": read_json,
        "jsonl": read_json_lines,
        "parquet": read_parquet,
    }[format_of(path)]
    with read_errors_translated(path):
        yield from reader(path, batch_rows)


def read_csv_cells(path: Path, *, batch_rows: int) -> Iterator[list[dict[str, str]]]:
    """The rows of a CSV with every cell as the string in the file; raises `InferError` as `read_rows`."""
    with read_errors_translated(path):
        yield from _read_cells(path, batch_rows)


def _read_csv(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    for batch in _read_cells(path, batch_rows):
        yield [{name: number_or_string(cell) for name, cell in row.items()} for row in batch]


def _read_cells(path: Path, batch_rows: int) -> Iterator[list[dict[str, str]]]:
    with open_text(path, newline="") as file:
        delimiter, skipped = _delimiter(file)
        reader = csv.DictReader(file, strict=True, delimiter=delimiter)
        batch: list[dict[str, str]] = []
        try:
            if not reader.fieldnames:
                raise InferError(f"{path} is empty", hint="its first line must name the columns")
            _check_header(path, list(reader.fieldnames))
            for row in reader:
                if None in row or None in row.values():
                    expected = f"{len(reader.fieldnames)} values, as in the line of the column names"
                    raise InferError(f"{path}, line {skipped + reader.line_num}: expected {expected}")
                batch.append(dict(row))
                if len(batch) == batch_rows:
                    yield batch
                    batch = []
        except csv.Error as error:
            # `reader.line_num` is still the line of the last good row; the inner reader has gone on.
            raise InferError(f"{path}, line {skipped + reader.reader.line_num}: {error}") from error
        if batch:
            yield batch


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
