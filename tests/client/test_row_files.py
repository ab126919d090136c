from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.client.row_files import format_of, format_to_write, read_csv_cells, read_rows
from infer_cli.errors import InferError
from tests.client.conftest import FORMATS, ODD_ROWS, Rows, read_all, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
        pytest.param("rows.tsv", "csv", id="tsv"),
        pytest.param("rows.csv.gz", "csv", id="compressed csv"),
        pytest.param("rows.JSONL.GZ", "jsonl", id="compressed jsonl"),
    ],
)
def test_the_ending_decides_the_format(tmp_path: Path, name: str, expected: str) -> None:
    assert format_of(tmp_path / name) == expected


@pytest.mark.parametrize("name", ["rows.xlsx", "rows", "rows.gz", "rows.parquet.gz", ".csv"])
def test_another_ending_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InferError, match=r"has an unknown format$") as raised:
        format_of(tmp_path / name)

    assert str(raised.value.hint).startswith("name it with one of .csv, .jsonl, ")


def test_not_every_ending_to_read_is_one_to_write(tmp_path: Path) -> None:
    assert format_to_write(tmp_path / "rows.csv.gz") == "csv"
    with pytest.raises(InferError, match=r"has an unknown format$"):
        format_to_write(tmp_path / "rows.tsv")


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
            "a,b\n1,2\n3\n",
            ", line 3: expected 2 values, as in the line of the column names",
            id="too few values",
        ),
        pytest.param(
            "a,b\n1,2,3\n",
            ", line 2: expected 2 values, as in the line of the column names",
            id="too many values",
        ),
        pytest.param(
            'a,b\n"1\n2",3\n4\n',
            ", line 4: expected 2 values, as in the line of the column names",
            id="behind a long row",
        ),
        pytest.param('a,b\n1,"x"y\n', ", line 2: ',' expected after '\"'", id="stray quote"),
        pytest.param('a,b\n1,"x\n', ", line 2: unexpected end of data", id="open quote"),
        pytest.param("b,a,b,a,c\n", " has several columns called 'a', 'b'", id="repeated columns"),
        pytest.param(
            f"a\n{200_000 * 'x'}\n", ", line 2: field larger than field limit (131072)", id="huge cell"
        ),
        pytest.param(b"a\n1\n\xe9\n", ", line 3 is not UTF-8 text", id="Latin-1"),
        pytest.param("a,b\n".encode("utf-16-le"), ", line 1 is not UTF-8 text", id="UTF-16 without a mark"),
        pytest.param(
            "sep=;\na;b\n1\n",
            ", line 3: expected 2 values, as in the line of the column names",
            id="too few values below the line of Excel",
        ),
    ],
)
def test_a_wrong_csv_is_an_error_that_names_the_line(
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
        pytest.param("a|b\n1|2\n", [{"a": 1, "b": 2}], id="bars"),
        pytest.param("sep=|\r\na,b|c\r\n1|2\r\n", [{"a,b": 1, "c": 2}], id="the line of Excel"),
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


def test_the_cells_of_a_csv_can_stay_strings(write_file: Callable[..., Path]) -> None:
    path = write_file("rows.csv", "a,b\n007,\n1.50,x\n")

    assert list(read_csv_cells(path, batch_rows=1)) == [[{"a": "007", "b": ""}], [{"a": "1.50", "b": "x"}]]


def test_cells_that_cannot_be_read_are_an_error_too(write_file: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InferError, match=r"line 2 is not UTF-8 text$"):
        list(read_csv_cells(write_file("rows.csv", b"a\n\xff\n"), batch_rows=1))
    with pytest.raises(InferError, match=r"^cannot read "):
        list(read_csv_cells(tmp_path / "gone.csv", batch_rows=1))
