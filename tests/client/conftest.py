"""What the tests of files of rows share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.row_files import read_rows
from infer_cli.client.row_writer import open_writer
from infer_cli.client.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Rows = list[Row]

FORMATS = [pytest.param(suffix, id=suffix[1:]) for suffix in (".csv", ".jsonl", ".parquet")]

ODD_ROWS: Rows = [
    {"id": 1, "size": 1.5, "note": 'say "hello", twice'},
    {"id": 2, "size": None, "note": "two\nlines"},
    {"id": 3, "size": -2.25, "note": "größe, 日本, 🌸"},
    {"id": 4, "size": 0.1, "note": "  spaces  "},
    {"id": 5, "size": 1e-300, "note": "'=SUM(A1)"},
]


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read_all(path: Path, batch_rows: int = 1000) -> Rows:
    return [row for batch in read_rows(path, batch_rows=batch_rows) for row in batch]


def write_all(path: Path | None, *batches: Sequence[Row]) -> str:
    standard_output = io.StringIO()
    with open_writer(path, standard_output) as writer:
        for batch in batches:
            writer.write(batch)
    return standard_output.getvalue()
