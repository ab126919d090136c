from __future__ import annotations

import io
import json
import math
import os
import shlex
import stat
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from infer_cli.client import row_files
from infer_cli.client.row_files import format_of, open_writer, plain_number, read_rows
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Rows = list[dict[str, Any]]

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


def fail_half_way(path: Path) -> None:
    with open_writer(path, sys.stdout) as writer:
        writer.write(ODD_ROWS)
        raise RuntimeError


def write_all(path: Path | None, *batches: Sequence[dict[str, Any]]) -> str:
    standard_output = io.StringIO()
    with open_writer(path, standard_output) as writer:
        for batch in batches:
            writer.write(batch)
    return standard_output.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("rows.csv", "csv", id="csv"),
        pytest.param("ROWS.CSV", "csv", id="upper case"),
        pytest.param("rows.jsonl", "jsonl", id="jsonl"),
        pytest.param("rows.ndjson", "jsonl", id="ndjson"),
        pytest.param("rows.json", "json", id="json"),
        pytest.param("rows.parquet", "parquet", id="parquet"),
        pytest.param("rows.pq", "parquet", id="pq"),
        pytest.param("rows.tar.csv", "csv", id="two endings"),
    ],
)
def test_the_ending_tells_the_kind(tmp_path: Path, name: str, expected: str) -> None:
    assert format_of(tmp_path / name) == expected


@pytest.mark.parametrize("name", ["rows.xlsx", "rows", "rows.csv.gz", ".csv"])
def test_another_ending_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InferError, match=r"is of no known kind$") as raised:
        format_of(tmp_path / name)

    assert str(raised.value.hint).startswith("name it with one of .csv, .jsonl, ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("3", 3, id="whole"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("+3.5", 3.5, id="plus"),
        pytest.param(" 3 ", 3, id="spaces around"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("inf", math.inf, id="infinity"),
        pytest.param("1_000", "1_000", id="what only Python reads as a number"),
        pytest.param("3,5", "3,5", id="decimal comma"),
        pytest.param("red", "red", id="a word"),
        pytest.param(" ", " ", id="a space"),
        pytest.param("0x10", "0x10", id="hexadecimal"),
        pytest.param("True", "True", id="truth value"),
        pytest.param("9" * 5000, math.inf, id="more digits than Python reads"),
    ],
)
def test_a_cell_is_a_number_where_it_reads_as_one(text: str, expected: object) -> None:
    found = plain_number(text)

    assert (found, type(found)) == (expected, type(expected))


def test_a_cell_may_say_that_it_is_no_number() -> None:
    found = plain_number("NaN")

    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_that_are_written_read_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"

    write_all(path, ODD_ROWS[:2], ODD_ROWS[2:])

    assert read_all(path) == ODD_ROWS


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_come_in_batches(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    write_all(path, ODD_ROWS)

    batches = [[row["id"] for row in batch] for batch in read_rows(path, batch_rows=2)]

    assert batches == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize("suffix", FORMATS)
def test_full_batches_are_followed_by_no_empty_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    write_all(path, ODD_ROWS[:4])

    assert [len(batch) for batch in read_rows(path, batch_rows=2)] == [2, 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("a,b\n1,x\n", [{"a": 1, "b": "x"}], id="plain"),
        pytest.param("\ufeffa,b\n1,x\n", [{"a": 1, "b": "x"}], id="byte order mark"),
        pytest.param("a,b\r\n1,x\r\n", [{"a": 1, "b": "x"}], id="Windows line ends"),
        pytest.param("a,b\n1,x", [{"a": 1, "b": "x"}], id="no newline at the end"),
        pytest.param("a,b\n\n1,x\n\n", [{"a": 1, "b": "x"}], id="empty lines"),
        pytest.param('a,b\n1,"x, ""y"" z"\n', [{"a": 1, "b": 'x, "y" z'}], id="quotes"),
        pytest.param('"a\nb",c\n1,2\n', [{"a\nb": 1, "c": 2}], id="newline in a name"),
        pytest.param("a,b\n,\n", [{"a": None, "b": None}], id="empty cells"),
        pytest.param("a,\n1,2\n", [{"a": 1, "": 2}], id="a column without a name"),
        pytest.param("a,b\n", [], id="no rows"),
    ],
)
def test_a_csv_is_read(write_file: Callable[..., Path], content: str, expected: Rows) -> None:
    assert read_all(write_file("rows.csv", content)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", " is empty", id="empty file"),
        pytest.param(
            "a,b\n1,2\n3\n", ", line 3: expected 2 values, as in the first line", id="too few values"
        ),
        pytest.param(
            "a,b\n1,2,3\n", ", line 2: expected 2 values, as in the first line", id="too many values"
        ),
        pytest.param(
            'a,b\n"1\n2",3\n4\n', ", line 4: expected 2 values, as in the first line", id="behind a long row"
        ),
        pytest.param('a,b\n1,"x"y\n', ", line 2: ',' expected after '\"'", id="stray quote"),
        pytest.param('a,b\n1,"x\n', ", line 2: unexpected end of data", id="open quote"),
        pytest.param("b,a,b,a,c\n", " has several columns called 'a', 'b'", id="repeated columns"),
        pytest.param(
            f"a\n{200_000 * 'x'}\n", ", line 2: field larger than field limit (131072)", id="huge cell"
        ),
        pytest.param(b"a\n1\n\xe9\n", ", line 3 is not UTF-8 text", id="Latin-1"),
        pytest.param("a,b\n".encode("utf-16"), ", line 1 is not UTF-8 text", id="UTF-16"),
    ],
)
def test_a_wrong_csv_is_an_error_that_says_where(
    write_file: Callable[..., Path], content: str | bytes, message: str
) -> None:
    path = write_file("rows.csv", content)

    with pytest.raises(InferError) as raised:
        read_all(path)

    assert raised.value.message == f"{path}{message}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("a;b\n1;2\n", [{"a": 1, "b": 2}], id="semicolons"),
        pytest.param("a\tb\n1\t2\n", [{"a": 1, "b": 2}], id="tabs"),
        pytest.param("\ufeffa;b\r\n1;2\r\n", [{"a": 1, "b": 2}], id="as Excel writes it"),
        pytest.param("a;b\n1,5;2\n", [{"a": "1,5", "b": 2}], id="a comma in a value"),
        pytest.param('"a, b";c\n1;2\n', [{"a, b": 1, "c": 2}], id="a comma in a quoted name"),
        pytest.param("a;b,c\n1,2\n", [{"a;b": 1, "c": 2}], id="commas win"),
        pytest.param('"a;b"\n1\n', [{"a;b": 1}], id="one column with a semicolon in its name"),
        pytest.param("a\n1\n", [{"a": 1}], id="one column"),
    ],
)
def test_columns_may_be_separated_otherwise(
    write_file: Callable[..., Path], content: str, expected: Rows
) -> None:
    assert read_all(write_file("rows.csv", content)) == expected


def test_text_that_is_not_utf8_is_found_far_into_a_file(write_file: Callable[..., Path]) -> None:
    path = write_file("rows.csv", b"a\n" + 100_000 * b"1\n" + b"\xff\n")

    with pytest.raises(InferError, match=r"line 100002 is not UTF-8 text$") as raised:
        read_all(path)

    assert raised.value.hint == "save it as UTF-8"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param('{"a": 1}\n{"b": [1, null]}\n', [{"a": 1}, {"b": [1, None]}], id="plain"),
        pytest.param('\ufeff{"a": 1}\n', [{"a": 1}], id="byte order mark"),
        pytest.param('\n{"a": 1}\r\n  \n', [{"a": 1}], id="empty lines"),
        pytest.param('{"a": 1}', [{"a": 1}], id="no newline at the end"),
        pytest.param("", [], id="empty file"),
    ],
)
def test_json_lines_are_read(write_file: Callable[..., Path], content: str, expected: Rows) -> None:
    assert read_all(write_file("rows.jsonl", content)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('{"a": 1}\n{"a": \n', ", line 2 is not JSON: Expecting value", id="cut short"),
        pytest.param('\n[{"a": 1}]\n', ", line 2 is not a JSON object", id="a list"),
        pytest.param("[\n  {}\n]\n", ", line 1 is not JSON: Expecting value", id="a list over several lines"),
        pytest.param(b'{"a": 1}\n"\xff"\n', ", line 2 is not UTF-8 text", id="not UTF-8"),
    ],
)
def test_wrong_json_lines_are_an_error_that_says_where(
    write_file: Callable[..., Path], content: str | bytes, message: str
) -> None:
    path = write_file("rows.jsonl", content)

    with pytest.raises(InferError) as raised:
        read_all(path)

    assert raised.value.message.startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [pytest.param("a,b\n1,2\n", "is not a Parquet file", id="a CSV"), pytest.param("", "is not", id="empty")],
)
def test_a_wrong_parquet_file_is_an_error(
    write_file: Callable[..., Path], content: str, message: str
) -> None:
    with pytest.raises(InferError, match=message):
        read_all(write_file("rows.parquet", content))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_is_missing_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"

    with pytest.raises(InferError, match=f"^cannot read {path}: "):
        read_all(path)


def test_a_folder_is_no_file_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.mkdir()

    with pytest.raises(InferError, match=f"^cannot read {path}: Is a directory$"):
        read_all(path)


def test_without_a_file_rows_are_written_as_csv_to_standard_output() -> None:
    rows = [{"a": 1.0, "b": 'x "y"', "c": None, "d": [1, None], "e": {"f": math.nan}, "g": True}]

    assert write_all(None, rows) == 'a,b,c,d,e,g\n1.0,"x ""y""",,"[1, null]","{""f"": null}",True\n'


def test_json_lines_are_strict_json(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"a": math.nan, "b": [math.inf, 1.5], "c": {"d": -math.inf}, "e": datetime(2026, 1, 31, tzinfo=UTC)}

    write_all(path, [row])

    written = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert written == {"a": None, "b": [None, 1.5], "c": {"d": None}, "e": "2026-01-31 00:00:00+00:00"}


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


def test_no_rows_give_a_parquet_file_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"

    write_all(path)

    assert read_all(path) == []


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


def test_a_file_of_no_known_kind_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(InferError, match=r"is of no known kind$"):
        write_all(tmp_path / "rows.xlsx", ODD_ROWS)

    assert list(tmp_path.iterdir()) == []


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
def test_what_installs_a_package_is_there(*, monkeypatch: pytest.MonkeyPatch, has_pip: bool) -> None:
    if not has_pip:
        monkeypatch.setattr(row_files, "find_spec", lambda _: None)

    words = shlex.split(row_files._install_command("pyarrow"))

    done = subprocess.run([*words, "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("pip" if has_pip else "uv") == words[2]
