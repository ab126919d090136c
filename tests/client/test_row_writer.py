from __future__ import annotations

import json
import math
import os
import stat
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.row_writer import open_writer
from infer_cli.errors import InferError
from tests.client.conftest import FORMATS, ODD_ROWS, Rows, read_all, write_all

if TYPE_CHECKING:
    from pathlib import Path


def fail_half_way(path: Path) -> None:
    with open_writer(path, sys.stdout) as writer:
        writer.write(ODD_ROWS)
        raise RuntimeError


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_that_are_written_read_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"

    write_all(path, ODD_ROWS[:2], ODD_ROWS[2:])

    assert read_all(path) == ODD_ROWS


def test_without_a_file_rows_are_written_as_csv_to_standard_output() -> None:
    rows = [{"a": 1.0, "b": 'x "y"', "c": None, "d": [1, None], "e": {"f": math.nan}, "g": True}]

    assert write_all(None, rows) == 'a,b,c,d,e,g\n1.0,"x ""y""",,"[1, null]","{""f"": null}",True\n'


def test_json_lines_are_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"a": math.nan, "b": [math.inf, 1.5], "c": {"d": -math.inf}, "e": datetime(2026, 1, 31, tzinfo=UTC)}

    write_all(path, [row])

    written = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert written == {"a": None, "b": [None, 1.5], "c": {"d": None}, "e": "2026-01-31 00:00:00+00:00"}


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        pytest.param(".csv", [{"a": 1, "b": 2}, {"a": 3, "b": None}], id="csv"),
        pytest.param(".jsonl", [{"a": 1, "b": 2}, {"a": 3}], id="jsonl"),
        pytest.param(".parquet", [{"a": 1, "b": 2}, {"a": 3, "b": None}], id="parquet"),
    ],
)
def test_a_row_may_lack_a_column(tmp_path: Path, suffix: str, expected: Rows) -> None:
    path = tmp_path / f"rows{suffix}"

    write_all(path, [{"a": 1, "b": 2}, {"a": 3}])

    assert read_all(path) == expected


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_comes_later_is_an_error_and_not_lost(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InferError, match=r"columns that the first row does not have: 'b'$") as raised:
        write_all(tmp_path / f"rows{suffix}", [{"a": 1}], [{"a": 1, "b": 2}])

    assert raised.value.hint == "write a .jsonl file, whose rows may differ"


def test_rows_of_json_lines_may_differ(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"

    write_all(path, [{"a": 1}], [{"b": 2}])

    assert read_all(path) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(("suffix", "expected"), [(".csv", b""), (".jsonl", b"")], ids=["csv", "jsonl"])
def test_no_rows_give_an_empty_file(tmp_path: Path, suffix: str, expected: bytes) -> None:
    path = tmp_path / f"rows{suffix}"

    write_all(path)

    assert path.read_bytes() == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_file_appears_only_when_all_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"

    with open_writer(path, sys.stdout) as writer:
        writer.write(ODD_ROWS)
        existed = path.exists()

    assert not existed
    assert read_all(path) == ODD_ROWS


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failing_batch_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RuntimeError):
        fail_half_way(tmp_path / f"rows{suffix}")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failing_batch_keeps_an_older_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text("older")

    with pytest.raises(RuntimeError):
        fail_half_way(path)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_new_file_has_the_usual_mode(tmp_path: Path, suffix: str) -> None:
    before = os.umask(0o027)
    try:
        write_all(tmp_path / f"rows{suffix}", ODD_ROWS)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / f"rows{suffix}").stat().st_mode) == 0o640


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "rows.csv"

    with pytest.raises(InferError, match=f"^cannot write into {path.parent}: No such file or directory$"):
        write_all(path, ODD_ROWS)


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.mkdir()

    with pytest.raises(InferError, match=f"^cannot write {path}: Is a directory$"):
        write_all(path, ODD_ROWS)

    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_an_unknown_format_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(InferError, match=r"has an unknown format$"):
        write_all(tmp_path / "rows.xlsx", ODD_ROWS)

    assert list(tmp_path.iterdir()) == []
