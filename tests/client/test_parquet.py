from __future__ import annotations

import math
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from infer_cli.client import parquet as parquet_module
from infer_cli.errors import InferError
from tests.client.conftest import Rows, read_all, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("content", "message"),
    [pytest.param("a,b\n1,2\n", "is not a Parquet file", id="a CSV"), pytest.param("", "is not", id="empty")],
)
def test_a_wrong_parquet_file_is_an_error(
    write_file: Callable[..., Path], content: str, message: str
) -> None:
    with pytest.raises(InferError, match=message):
        read_all(write_file("rows.parquet", content))


def test_types_of_a_parquet_file_are_kept(tmp_path: Path) -> None:
    rows = [{"when": datetime(2026, 1, 31, tzinfo=UTC), "many": [1, 2], "raw": b"\0", "x": math.inf}]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "in.parquet")

    write_all(tmp_path / "out.parquet", read_all(tmp_path / "in.parquet"))

    assert read_all(tmp_path / "out.parquet") == rows


def test_a_column_of_parquet_may_begin_whole_or_empty(tmp_path: Path) -> None:
    """A later batch decides its type."""
    path = tmp_path / "rows.parquet"

    write_all(path, [{"a": 1, "b": None}], [{"a": 2.5, "b": "x"}])

    assert read_all(path) == [{"a": 1.0, "b": None}, {"a": 2.5, "b": "x"}]


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param(([{"a": 1}, {"a": "x"}],), id="in one batch"),
        pytest.param(([{"a": 1}], [{"a": "x"}]), id="in two batches"),
    ],
)
def test_a_column_of_parquet_has_one_type(tmp_path: Path, batches: tuple[Rows, ...]) -> None:
    with pytest.raises(InferError, match=r"^the rows do not fit a Parquet file: ") as raised:
        write_all(tmp_path / "rows.parquet", *batches)

    assert raised.value.hint == "write a .csv or .jsonl file, whose columns may mix types"
    assert list(tmp_path.iterdir()) == []


def test_no_rows_give_a_parquet_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"

    write_all(path)

    assert read_all(path) == []


@pytest.mark.parametrize("do", [read_all, write_all], ids=["reading", "writing"])
def test_parquet_without_its_package_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: Callable[[Path], object]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet")

    with pytest.raises(InferError, match=r"^Parquet files need the package pyarrow$") as raised:
        do(tmp_path / "rows.parquet")

    assert raised.value.hint == f"install it beside infer: {sys.executable} -m pip install pyarrow"


@pytest.mark.parametrize("has_pip", [True, False])
def test_the_command_that_installs_a_package_works(*, monkeypatch: pytest.MonkeyPatch, has_pip: bool) -> None:
    if not has_pip:
        monkeypatch.setattr(parquet_module, "find_spec", lambda _: None)

    words = shlex.split(parquet_module._install_command("pyarrow"))

    done = subprocess.run([*words, "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("pip" if has_pip else "uv") == words[2]
