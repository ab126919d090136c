"""Reads files of rows (CSV, JSON, JSON Lines and Parquet) in batches."""

from __future__ import annotations

import csv
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from infer_cli.client.cells import json_value, number_or_string, typed_row
from infer_cli.client.json_rows import read_json, read_json_lines
from infer_cli.client.parquet import read_parquet
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
# Spreadsheets separate with semicolons where the decimal point is a comma.
_DELIMITERS = (",", ";", "\t")


def format_of(path: Path) -> str:
    """`csv`, `json`, `jsonl` or `parquet`, by the file's ending; raises `InferError` for any other."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        message = f"{path} has an unknown format"
        raise InferError(message, hint=f"name it with one of {', '.join(_FORMATS)}") from None


def read_table(
    path: Path, features: Mapping[str, ServedFeature], *, batch_rows: int
) -> Iterator[tuple[Sequence[Row], list[Row]]]:
    """The rows of a file twice, `batch_rows` at a time: as they stand there, and for the features of a model.

    The cells of a CSV get the types of the features. The values of the other formats have types of their own,
    and are only put into JSON's types. Raises `InferError` as `read_rows`, and for a value that no feature
    takes.
    """
    if format_of(path) == "csv":
        for cells in read_csv_cells(path, batch_rows=batch_rows):
            yield [dict(row) for row in cells], [typed_row(row, features) for row in cells]
        return
    number = 0
    for rows in read_rows(path, batch_rows=batch_rows):
        yield rows, [_json_row(path, number + at, row, features) for at, row in enumerate(rows, 1)]
        number += len(rows)


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

    The columns of a CSV may also be separated by semicolons or tabs. A CSV cell becomes a number if it reads
    as one, and None if it is empty. A `.json` file holds an array of objects, `{"rows": […]}`, one object,
    or JSON Lines.
    Raises `InferError` for a file that cannot be read, with the number of the wrong line.
    """
    reader = {
        "csv": _read_csv,
        "json": read_json,
        "jsonl": read_json_lines,
        "parquet": read_parquet,
    }[format_of(path)]
    with _read_errors_translated(path):
        yield from reader(path, batch_rows)


def read_csv_cells(path: Path, *, batch_rows: int) -> Iterator[list[dict[str, str]]]:
    """The rows of a CSV with every cell as the string in the file; raises `InferError` as `read_rows`."""
    with _read_errors_translated(path):
        yield from _read_cells(path, batch_rows)


@contextmanager
def _read_errors_translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InferError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        message = f"{path}, line {_line_not_utf8(path)} is not UTF-8 text"
        raise InferError(message, hint="save it as UTF-8") from error


def _line_not_utf8(path: Path) -> int:
    """The number of the first line that is not UTF-8; the decoder's own position counts from its buffer."""
    with path.open("rb") as file:
        return next(number for number, line in enumerate(file, 1) if not _is_utf8(line))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_csv(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    for batch in _read_cells(path, batch_rows):
        yield [{name: number_or_string(cell) for name, cell in row.items()} for row in batch]


def _read_cells(path: Path, batch_rows: int) -> Iterator[list[dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True, delimiter=_delimiter(file))
        batch: list[dict[str, str]] = []
        try:
            if not reader.fieldnames:
                raise InferError(f"{path} is empty", hint="its first line must name the columns")
            _check_header(path, list(reader.fieldnames))
            for row in reader:
                if None in row or None in row.values():
                    expected = f"{len(reader.fieldnames)} values, as in the first line"
                    raise InferError(f"{path}, line {reader.line_num}: expected {expected}")
                batch.append(dict(row))
                if len(batch) == batch_rows:
                    yield batch
                    batch = []
        except csv.Error as error:
            # `reader.line_num` is still the line of the last good row; the inner reader has gone on.
            raise InferError(f"{path}, line {reader.reader.line_num}: {error}") from error
        if batch:
            yield batch


def _delimiter(file: IO[str]) -> str:
    """The delimiter of the column names in the first line; a comma, if it separates any."""
    header = file.readline()
    file.seek(0)
    for delimiter in _DELIMITERS:
        # A broken first line is reported by the reader that reads the whole file.
        with suppress(csv.Error):
            if len(next(csv.reader([header], delimiter=delimiter), ())) > 1:
                return delimiter
    return _DELIMITERS[0]


def _check_header(path: Path, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")
