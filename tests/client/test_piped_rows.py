from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from infer_cli.client.piped_rows import file_of_rows
from infer_cli.client.row_files import read_rows
from infer_cli.errors import InferError


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"a,b\n1,x\n", [{"a": 1, "b": "x"}], id="CSV"),
        pytest.param(b'\xef\xbb\xbf"a b",b\n1,x\n', [{"a b": 1, "b": "x"}], id="CSV with quotes and a mark"),
        pytest.param(b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}], id="a JSON array"),
        pytest.param(b'\n {"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}], id="JSON Lines"),
        pytest.param("a;b\n1;é\n".encode("utf-16"), [{"a": 1, "b": "é"}], id="CSV in UTF-16"),
        pytest.param('{"a": 1}'.encode("utf-16"), [{"a": 1}], id="JSON in UTF-16"),
        pytest.param(gzip.compress(b"a\n1\n"), [{"a": 1}], id="compressed CSV"),
        pytest.param(
            gzip.compress(b'{"a": 1}\n{"a": 2}\n'), [{"a": 1}, {"a": 2}], id="compressed JSON Lines"
        ),
        pytest.param(b"a\n" + 5000 * b"1\n", 5000 * [{"a": 1}], id="more than the start"),
    ],
)
def test_rows_from_a_pipe_are_read_in_their_format(content: bytes, expected: list[object]) -> None:
    with file_of_rows(Path("-"), io.BytesIO(content)) as source:
        rows = [row for batch in read_rows(source, batch_rows=1000) for row in batch]

    assert rows == expected
    assert not source.exists()


def test_parquet_from_a_pipe_is_known_by_its_first_bytes() -> None:
    with file_of_rows(Path("-"), io.BytesIO(b"PAR1\x15\x04")) as source:
        assert source.suffix == ".parquet"


def test_a_file_with_a_name_is_read_where_it_is() -> None:
    with file_of_rows(Path("rows.csv"), io.BytesIO(b"not read")) as source:
        assert source == Path("rows.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            b"a,b\n1,2\n3\n",
            "standard input, line 3: expected 2 values, as in the line of the column names",
            id="a line",
        ),
        pytest.param(b"", "standard input is empty", id="nothing"),
    ],
)
def test_an_error_names_standard_input(content: bytes, message: str) -> None:
    with pytest.raises(InferError) as raised, file_of_rows(Path("-"), io.BytesIO(content)) as source:
        list(read_rows(source, batch_rows=10))

    assert raised.value.message == message
