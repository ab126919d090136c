"""Parquet files of rows, which need the optional package pyarrow."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from infer_cli.client.row_writer import not_all_there
from infer_cli.client.rows import check_columns
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.text_files import Reading

_READ_BYTES = 1_048_576
# Rows of one row group of a file that is written: some megabytes, which a reader takes at once.
GROUP_ROWS = 100_000


def read_parquet(
    path: Path, batch_rows: int, skip_rows: int = 0, reading: Reading | None = None
) -> Iterator[list[Row]]:
    """The rows of a Parquet file, `batch_rows` at a time; raises `InferError` if it is not one.

    The first `skip_rows` rows are left out.
    """
    parquet = _import_parquet()
    from pyarrow import ArrowInvalid  # noqa: PLC0415 (an optional package)

    try:
        # Pages are read as they are needed: a row group may be as large as the file.
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=_READ_BYTES) as file:
            _check_names(path, file.schema_arrow.names)
            groups, left = _groups_behind(file.metadata, skip_rows)
            done = skip_rows
            rows: list[Row] = []
            for batch in file.iter_batches(batch_size=batch_rows, row_groups=groups):
                rows += batch.slice(left).to_pylist()
                left = max(0, left - batch.num_rows)
                # A batch of Arrow ends with its row group, and one of ours does not: the last digit of an
                # answer may depend on the rows beside it, and what is skipped must not change them.
                while len(rows) >= batch_rows:
                    done += batch_rows
                    if reading is not None:
                        reading.put(done, file.metadata.num_rows)
                    yield rows[:batch_rows]
                    rows = rows[batch_rows:]
            if rows:
                yield rows
    except ArrowInvalid as error:
        raise InferError(f"{path} is not a Parquet file: {error}") from error


def _groups_behind(metadata: Any, skip_rows: int) -> tuple[list[int], int]:  # noqa: ANN401 (no types)
    """The row groups with the rows behind the first `skip_rows`, and how many to skip of the first group."""
    for group in range(metadata.num_row_groups):
        count = metadata.row_group(group).num_rows
        if skip_rows < count:
            return list(range(group, metadata.num_row_groups)), skip_rows
        skip_rows -= count
    return [], 0


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Raise `InferError` for a name of several columns, of which a row would keep only the last."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InferError(f"{path} has several columns called {', '.join(map(repr, repeated))}")


class ParquetParts:
    """Writes rows to Parquet files in a folder, one for each `save`, which `join_parts` makes one.

    Only the last batch completes the types of the columns, such as of one that begins with missing values.
    `saved` is what `save` gave to an earlier process.
    """

    def __init__(self, folder: Path, saved: Mapping[str, object] | None = None) -> None:
        # A missing pyarrow is an error before the first row is predicted.
        _import_parquet()
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._tables: list[Any] = []  # pyarrow has no types
        self._rows = 0
        columns = (saved or {}).get("columns")
        self._columns = tuple(columns) if isinstance(columns, list) else ()
        self._count = int(str((saved or {}).get("parts", 0)))
        self._schema = _schema_of(_parts(folder, self._count))

    def write(self, rows: Sequence[Row]) -> None:
        """Add `rows`."""
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        for row in rows:
            self._columns = self._columns or tuple(row)
            check_columns(row, self._columns)
        with _mixed_types_translated():
            table = pa.Table.from_pylist(list(rows))
            self._schema = _unified([self._schema, table.schema])
        self._tables.append(table)
        self._rows += len(rows)
        if self._rows >= GROUP_ROWS:
            self._write_part()

    def save(self) -> dict[str, object]:
        """Put all rows on the disk, and give the number of files and the columns."""
        if self._tables:
            self._write_part()
        return {"parts": self._count, "columns": list(self._columns)}

    def close(self) -> None:
        """Forget the rows that are not on the disk."""
        self._tables.clear()

    def _write_part(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 (an optional package)

        *_, path = _parts(self._folder, self._count + 1)
        with _mixed_types_translated():
            table = pa.concat_tables(self._tables, promote_options="permissive")
        with path.open("wb") as file:
            _import_parquet().write_table(table, file)
            file.flush()
            os.fsync(file.fileno())
        self._tables.clear()
        self._rows = 0
        self._count += 1


def join_parts(folder: Path, saved: Mapping[str, object], path: Path) -> None:
    """Write one Parquet file of what `ParquetParts` has saved, in row groups of the same size."""
    import pyarrow as pa  # noqa: PLC0415 (an optional package)

    parquet = _import_parquet()
    parts = _parts(folder, int(str(saved["parts"])))
    schema = _schema_of(parts)
    with _mixed_types_translated(), parquet.ParquetWriter(path, schema) as writer:
        kept = schema.empty_table()
        for part in parts:
            # Threads, and the datasets of `read_table`, would take more memory than the rows.
            with parquet.ParquetFile(part) as file:
                table = file.read(use_threads=False)
            kept = pa.concat_tables([kept, table], promote_options="permissive")
            while kept.num_rows >= GROUP_ROWS:
                writer.write_table(kept.slice(0, GROUP_ROWS).combine_chunks())
                kept = kept.slice(GROUP_ROWS)
        if kept.num_rows:
            writer.write_table(kept.combine_chunks())


def _parts(folder: Path, count: int) -> list[Path]:
    return [folder / f"{number}.parquet" for number in range(1, count + 1)]


def _schema_of(parts: Sequence[Path]) -> Any:  # noqa: ANN401 (pyarrow has no types)
    import pyarrow as pa  # noqa: PLC0415 (an optional package)

    parquet = _import_parquet()
    missing = [part for part in parts if not part.exists()]
    if missing:
        raise not_all_there(missing[0])
    return _unified([pa.schema([]), *(parquet.read_schema(part) for part in parts)])


def _unified(schemas: Sequence[Any]) -> Any:  # noqa: ANN401 (pyarrow has no types)
    import pyarrow as pa  # noqa: PLC0415 (an optional package)

    return pa.unify_schemas(schemas, promote_options="permissive")


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
