"""Files of rows: CSV, JSON Lines and Parquet, read in batches, and written with the predictions."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

_FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


def format_of(path: Path) -> str:
    """`csv`, `jsonl` or `parquet`, by the file's ending."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        message = f"{path} is of no known kind"
        raise InferError(message, hint=f"name it with one of {', '.join(_FORMATS)}") from None


def read_rows(path: Path, *, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of a file, `batch_rows` at a time.

    Values of a CSV are numbers where they read as numbers, and None where they are empty.
    Raises `InferError`, with the line, for a file that cannot be read.
    """
    reader = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}[format_of(path)]
    try:
        yield from reader(path, batch_rows)
    except OSError as error:
        raise InferError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InferError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error


class RowWriter(Protocol):
    """Takes rows that have the same columns."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""


@contextmanager
def open_writer(path: Path | None, standard_output: IO[str]) -> Iterator[RowWriter]:
    """A writer of the kind that `path` names; CSV on `standard_output` without one.

    The file appears when all is written; after an error nothing is left and an older file is kept.
    """
    if path is None:
        yield _CsvWriter(standard_output)
        return
    kind = format_of(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InferError(f"cannot write into {path.parent}: {error.strerror}") from error
    unfinished = Path(name)
    try:
        if kind == "parquet":
            os.close(handle)
            with _parquet_writer(unfinished) as writer:
                yield writer
        else:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                yield _CsvWriter(file) if kind == "csv" else _JsonLinesWriter(file)
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def plain_number(text: str) -> object:
    """What a CSV cell means: nothing, a number, or its text."""
    if text == "":
        return None
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _read_csv(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        batch: list[Row] = []
        try:
            if not reader.fieldnames:
                raise InferError(f"{path} is empty", hint="its first line must name the columns")
            _check_header(path, list(reader.fieldnames))
            for row in reader:
                if None in row or None in row.values():
                    expected = f"{len(reader.fieldnames)} values, as in the first line"
                    raise InferError(f"{path}, line {reader.line_num}: expected {expected}")
                batch.append({name: plain_number(text) for name, text in row.items()})
                if len(batch) == batch_rows:
                    yield batch
                    batch = []
        except csv.Error as error:
            raise InferError(f"{path}, line {reader.line_num}: {error}") from error
        if batch:
            yield batch


def _check_header(path: Path, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")


def _read_json_lines(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    with path.open(encoding="utf-8-sig") as file:
        batch: list[Row] = []
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
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


def _read_parquet(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    parquet = _import_parquet()
    from pyarrow import ArrowInvalid  # noqa: PLC0415 (an optional package)

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=batch_rows):
                yield batch.to_pylist()
    except ArrowInvalid as error:
        raise InferError(f"{path} is not a Parquet file: {error}") from error


class _CsvWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._writer is None:
                self._writer = csv.DictWriter(self._file, list(row), lineterminator="\n", restval="")
                self._writer.writeheader()
            self._writer.writerow({name: _cell(value) for name, value in row.items()})


class _JsonLinesWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        self._file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, rows: Sequence[Row]) -> None:
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        table = pa.Table.from_pylist(list(rows), schema=self._writer.schema if self._writer else None)
        if self._writer is None:
            self._writer = _import_parquet().ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


@contextmanager
def _parquet_writer(path: Path) -> Iterator[_ParquetWriter]:
    _import_parquet()
    writer = _ParquetWriter(path)
    try:
        yield writer
    finally:
        writer.close()


def _cell(value: object) -> object:
    """A value as a CSV cell: what JSON would say of a list or an object."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _import_parquet() -> Any:  # noqa: ANN401 (pyarrow has no types)
    try:
        from pyarrow import parquet  # noqa: PLC0415 (an optional package)
    except ImportError as error:
        message = "Parquet files need the package pyarrow"
        raise InferError(message, hint="install it: pip install 'infer-cli[parquet]'") from error
    return parquet
