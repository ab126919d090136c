from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.refused_rows import RefusedRows, check_rejected_path, usual_path
from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.client.rows import Row


class Kept:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        self.rows += rows


@pytest.mark.parametrize(
    ("target", "source", "expected"),
    [
        ("answers.csv", "in.csv", "answers.rejected.csv"),
        ("answers.csv.gz", "in.tsv", "answers.rejected.csv"),
        ("answers.parquet", "in.csv.gz", "answers.rejected.csv"),
        ("answers.csv", "in.jsonl", "answers.rejected.jsonl"),
        ("there/answers.parquet", "in.parquet", "there/answers.rejected.jsonl"),
        ("answers.v2.jsonl", "in.json", "answers.v2.rejected.jsonl"),
    ],
)
def test_refused_rows_lie_beside_the_output(target: str, source: str, expected: str) -> None:
    assert usual_path(Path(target), Path(source)) == Path(expected)


def test_a_refused_row_keeps_its_columns_behind_its_number_and_the_reason() -> None:
    kept = Kept()

    RefusedRows(kept).write([(7, "a is missing", {"id": "n7", "b": "007"})])

    assert [list(row.items()) for row in kept.rows] == [
        [("row", 7), ("reason", "a is missing"), ("id", "n7"), ("b", "007")]
    ]


def test_a_column_of_the_row_is_never_replaced() -> None:
    kept = Kept()

    RefusedRows(kept).write([(7, "no", {"row": 1, "row_2": 2, "reason": "mine"})])

    assert kept.rows == [{"row_3": 7, "reason_2": "no", "row": 1, "row_2": 2, "reason": "mine"}]


@pytest.mark.parametrize(
    ("path", "source", "hint"),
    [
        pytest.param("bad.parquet", "in.csv", "name it .csv or .jsonl", id="parquet"),
        pytest.param("bad.csv.gz", "in.csv", "name it .csv or .jsonl", id="compressed"),
        pytest.param("bad.csv", "in.jsonl", "name it .jsonl", id="rows of any columns"),
        pytest.param("in.csv", "in.csv", "name another file", id="the input"),
        pytest.param("out.csv", "in.csv", "name another file", id="the output"),
    ],
)
def test_not_every_file_takes_refused_rows(path: str, source: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"^--rejected {path}: ") as raised:
        check_rejected_path(Path(path), Path(source), Path("out.csv"))

    assert raised.value.hint == hint
