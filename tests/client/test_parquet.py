from __future__ import annotations

import math
import shlex
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from infer_cli.client import parquet as parquet_module
from infer_cli.client.row_files import read_table
from infer_cli.client.served_model import ServedFeature
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


def test_a_parquet_file_with_a_name_twice_is_an_error(tmp_path: Path) -> None:
    """A row would keep only the last of the columns."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table([[1], [2]], names=["a", "a"]), path)

    with pytest.raises(InferError, match=r"has several columns called 'a'$"):
        read_all(path)


def test_columns_of_a_parquet_file_are_read_for_the_features(tmp_path: Path) -> None:
    """Whole numbers stay whole beside nulls, and nothing is rounded."""
    path = tmp_path / "rows.parquet"
    table = pa.table(
        {
            "whole": pa.array([2**53 + 1, None], pa.int64()),
            "code": pa.array(["a", None]).dictionary_encode(),
            "flag": [True, None],
            "day": [date(2026, 1, 31), None],
            "price": pa.array([Decimal("1.25"), None]),
            "raw": [b"\0", None],
        }
    )
    parquet.write_table(table, path)
    features = {name: ServedFeature("any") for name in table.column_names if name != "raw"}

    [(read, rows)] = read_table(path, features, batch_rows=10)

    assert rows == [
        {"whole": 2**53 + 1, "code": "a", "flag": True, "day": "2026-01-31", "price": 1.25, "raw": b"\0"},
        dict.fromkeys(table.column_names),
    ]
    assert read[0]["day"] == date(2026, 1, 31)
    with pytest.raises(InferError, match="row 1: 'raw' cannot be sent: it holds bytes"):
        list(read_table(path, {"raw": ServedFeature("text")}, batch_rows=10))
