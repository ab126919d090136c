"""Parquet files of rows, which need the optional package pyarrow."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from infer_cli.client.rows import check_columns
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row


def read_parquet(path: Path, batch_rows: int) -> Iterator[list[Row]]:
    """The rows of a Parquet file, `batch_rows` at a time; raises `InferError` if it is not one."""
    parquet = _import_parquet()
    from pyarrow import ArrowInvalid  # noqa: PLC0415 (an optional package)

    try:
        with parquet.ParquetFile(path) as file:
            _check_names(path, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=batch_rows):
                yield batch.to_pylist()
    except ArrowInvalid as error:
        raise InferError(f"{path} is not a Parquet file: {error}") from error


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Raise `InferError` for a name of several columns, of which a row would keep only the last."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")


@contextmanager
def parquet_writer(path: Path) -> Iterator[ParquetWriter]:
    """A writer whose rows are saved to `path` at the end of the block."""
    # A missing pyarrow is an error before the first row is predicted.
    _import_parquet()
    writer = ParquetWriter()
    yield writer
    writer.save(path)


class ParquetWriter:
    """Keeps all rows until `save`: only the last batch completes the types of the columns."""

    def __init__(self) -> None:
        self._tables: list[Any] = []  # pyarrow has no types
        self._columns: tuple[str, ...] = ()

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        for row in rows:
            self._columns = self._columns or tuple(row)
            check_columns(row, self._columns)
        with _mixed_types_translated():
            self._tables.append(pa.Table.from_pylist(list(rows)))

    def save(self, path: Path) -> None:
        """Write the file."""
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        with _mixed_types_translated():
            whole = pa.concat_tables(self._tables or [pa.table({})], promote_options="permissive")
        _import_parquet().write_table(whole, path)


@contextmanager
def _mixed_types_translated() -> Iterator[None]:
    """Translate the error for a column whose rows have values of different types."""
    from pyarrow import ArrowException  # noqa: PLC0415 (an optional package)

    try:
        yield
    except ArrowException as error:
        message = f"the rows do not fit a Parquet file: {error}"
        raise InferError(message, hint="write a .csv or .jsonl file, whose columns may mix types") from error


def _import_parquet() -> Any:  # noqa: ANN401 (pyarrow has no types)
    try:
        from pyarrow import parquet  # noqa: PLC0415 (an optional package)
    except ImportError as error:
        message = "Parquet files need the package pyarrow"
        raise InferError(message, hint=f"install it beside infer: {_install_command('pyarrow')}") from error
    return parquet


def _install_command(package: str) -> str:
    """The command that installs a package for the Python that runs infer.

    An environment made by uv has no pip. It has uv, which is a dependency of infer.
    """
    python = shlex.quote(sys.executable)
    if find_spec("pip"):
        return f"{python} -m pip install {package}"
    return f"{python} -m uv pip install --python {python} {package}"
