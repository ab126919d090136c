from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import InferError
from tests.client.conftest import FORMATS, ODD_ROWS, Rows, read_all, write_all

if TYPE_CHECKING:
    from pathlib import Path


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
