"""Files of rows: CSV, JSON and Parquet, read in batches, and written with the predictions."""

from __future__ import annotations

import csv
import json
import math
import os
import shlex
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from infer_cli.client.json_rows import read_json, read_json_lines
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

Row = dict[str, Any]

_FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# Where commas are for decimals, tables have semicolons.
_DELIMITERS = (",", ";", "\t")


def format_of(path: Path) -> str:
    """`csv`, `json`, `jsonl` or `parquet`, by the file's ending."""
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        message = f"{path} is of no known kind"
        raise InferError(message, hint=f"name it with one of {', '.join(_FORMATS)}") from None


def read_rows(path: Path, *, batch_rows: int, keep_text: bool = False) -> Iterator[list[Row]]:
    """The rows of a file, `batch_rows` at a time.

    The columns of a CSV may also be separated by semicolons or tabs. A `.json` file holds an array of
    objects, `{"rows": […]}`, one object, or JSON Lines.
    Values of a CSV are numbers where they read as numbers, and None where they are empty; with `keep_text`
    they are the texts that stand there.
    Raises `InferError`, with the line, for a file that cannot be read.
    """
    reader = {
        "csv": _read_text_csv if keep_text else _read_csv,
        "json": read_json,
        "jsonl": read_json_lines,
        "parquet": _read_parquet,
    }[format_of(path)]
    try:
        yield from reader(path, batch_rows)
    except OSError as error:
        raise InferError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        message = f"{path}, line {_line_not_utf8(path)} is not UTF-8 text"
        raise InferError(message, hint="save it as UTF-8") from error


def _line_not_utf8(path: Path) -> int:
    with path.open("rb") as file:
        return next(number for number, line in enumerate(file, 1) if not _is_utf8(line))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


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
        try:
            unfinished.replace(path)
        except OSError as error:
            raise InferError(f"cannot write {path}: {error.strerror}") from error
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
    if "_" in text:
        # Only Python reads `1_000` as a number.
        return text
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _read_csv(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    for batch in _read_text_csv(path, batch_rows):
        yield [{name: plain_number(text) for name, text in row.items()} for row in batch]


def _read_text_csv(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True, delimiter=_delimiter(file))
        batch: list[Row] = []
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
            # The reader's own number is that of the last good row.
            raise InferError(f"{path}, line {reader.reader.line_num}: {error}") from error
        if batch:
            yield batch


def _delimiter(file: IO[str]) -> str:
    """What separates the names in the first line; a comma, if it separates any."""
    header = file.readline()
    file.seek(0)
    for delimiter in _DELIMITERS:
        # A wrong line is an error of the reader that reads it for good.
        with suppress(csv.Error):
            if len(next(csv.reader([header], delimiter=delimiter), ())) > 1:
                return delimiter
    return _DELIMITERS[0]


def _check_header(path: Path, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")


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
            _check_columns(row, self._writer.fieldnames)
            self._writer.writerow({name: _cell(value) for name, value in row.items()})


class _JsonLinesWriter:
    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        self._file.writelines(f"{_json(row)}\n" for row in rows)


class _ParquetWriter:
    """Keeps the rows until all are there: only then the types of the columns are known."""

    def __init__(self) -> None:
        self._tables: list[Any] = []
        self._columns: tuple[str, ...] = ()

    def write(self, rows: Sequence[Row]) -> None:
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        for row in rows:
            self._columns = self._columns or tuple(row)
            _check_columns(row, self._columns)
        with _one_type_a_column():
            self._tables.append(pa.Table.from_pylist(list(rows)))

    def save(self, path: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        with _one_type_a_column():
            whole = pa.concat_tables(self._tables or [pa.table({})], promote_options="permissive")
        _import_parquet().write_table(whole, path)


@contextmanager
def _parquet_writer(path: Path) -> Iterator[_ParquetWriter]:
    _import_parquet()
    writer = _ParquetWriter()
    yield writer
    writer.save(path)


@contextmanager
def _one_type_a_column() -> Iterator[None]:
    from pyarrow import ArrowException  # noqa: PLC0415 (an optional package)

    try:
        yield
    except ArrowException as error:
        message = f"the rows do not fit a Parquet file: {error}"
        raise InferError(message, hint="write a .csv or .jsonl file, whose columns may mix types") from error


def _check_columns(row: Row, columns: Collection[str]) -> None:
    surplus = [name for name in row if name not in columns]
    if surplus:
        message = f"a row has columns that the first row does not have: {', '.join(map(repr, surplus))}"
        raise InferError(message, hint="write a .jsonl file, whose rows may differ")


def _cell(value: object) -> object:
    """A value as a CSV cell: what JSON would say of a list or an object."""
    return _json(value) if isinstance(value, list | dict) else value


def _json(value: object) -> str:
    """Strict JSON, which has no NaN; what it has no type for, such as a date, becomes text."""
    return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, default=str)


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _import_parquet() -> Any:  # noqa: ANN401 (pyarrow has no types)
    try:
        from pyarrow import parquet  # noqa: PLC0415 (an optional package)
    except ImportError as error:
        message = "Parquet files need the package pyarrow"
        raise InferError(message, hint=f"install it beside infer: {_install_command('pyarrow')}") from error
    return parquet


def _install_command(package: str) -> str:
    """What installs a package for the Python that runs infer, which may have no pip: uv came with infer."""
    python = shlex.quote(sys.executable)
    if find_spec("pip"):
        return f"{python} -m pip install {package}"
    return f"{python} -m uv pip install --python {python} {package}"
