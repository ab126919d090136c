from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.client.row_files import format_of, read_rows
from infer_cli.errors import InferError
from tests.client.conftest import Rows, read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


@pytest.mark.parametrize(
    ("content", "batches"),
    [
        pytest.param('[{"a": 1}, {"a": 2}, {"a": 3}]', [[{"a": 1}, {"a": 2}], [{"a": 3}]], id="array"),
        pytest.param('[\n  {\n    "a": 1\n  }\n]\n', [[{"a": 1}]], id="array over several lines"),
        pytest.param('{"rows": [{"a": 1}]}', [[{"a": 1}]], id="as the service takes them"),
        pytest.param('{\n  "a": 1,\n  "b": 2\n}', [[{"a": 1, "b": 2}]], id="one object"),
        pytest.param('{"rows": 7, "b": 2}', [[{"rows": 7, "b": 2}]], id="a feature called rows"),
        pytest.param(
            '[{"a": 9223372036854775807}]', [[{"a": 9223372036854775807}]], id="a whole number of 64 bits"
        ),
        pytest.param('{"a": 1}\n{"a": 2}\n', [[{"a": 1}, {"a": 2}]], id="JSON Lines"),
        pytest.param('\ufeff[{"a": 1}]', [[{"a": 1}]], id="byte order mark"),
        pytest.param('[{"a": NaN}]', [[{"a": None}]], id="NaN as Python and MLflow write it"),
        pytest.param(
            '{"a": [1, 2], "b": ["x", "y"]}', [[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]], id="lists"
        ),
        pytest.param("[]", [], id="no rows"),
        pytest.param("", [], id="empty file"),
    ],
)
def test_each_form_of_rows_is_read(path: Path, content: str, batches: list[list[dict[str, object]]]) -> None:
    path.write_text(content, encoding="utf-8")

    assert list(read_rows(path, batch_rows=2)) == batches
    assert format_of(path) == "json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param('[{"a": 1}, {"a"', " is not JSON: Expecting ':' delimiter: line 1", id="cut short"),
        pytest.param('[{"a": 1}, 2]', ", row 2 is not a JSON object", id="no object"),
        pytest.param(
            '[\n{"a": 1},\n{"a": "Infinity", "b": Infinity}]', ", line 3: Infinity is not JSON", id="infinity"
        ),
        pytest.param('{"a": -Infinity}', ", line 1: -Infinity is not JSON", id="an infinity"),
        pytest.param('[{"a": 1}, {"a": 1, "a": 2}]', ", row 2 has 'a' more than once", id="a name twice"),
        pytest.param('{"a": [1], "a": [2]}', " has 'a' more than once", id="a column twice"),
        pytest.param('{"rows": [], "rows": [{}]}', " has 'rows' more than once", id="rows twice"),
        pytest.param("1", " holds no rows", id="a number"),
        pytest.param('{"a": 1}\n{"a": \n', ", line 2 is not JSON: Expecting value", id="JSON Lines"),
    ],
)
def test_json_without_rows_is_an_error_that_names_the_row(path: Path, content: str, message: str) -> None:
    path.write_text(content)

    with pytest.raises(InferError) as raised:
        list(read_rows(path, batch_rows=2))

    assert raised.value.message.startswith(f"{path}{message}")
    assert raised.value.hint


def test_text_that_is_not_utf8_is_an_error(path: Path) -> None:
    path.write_bytes(b'[\n{"a": "\xff"}]')

    with pytest.raises(InferError, match=r"line 2 is not UTF-8 text$"):
        list(read_rows(path, batch_rows=2))


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
        pytest.param('{"a": 1}\n\n{"a": Infinity}\n', ", line 3: Infinity is not JSON", id="infinity"),
        pytest.param('{"a": 1}\n{"a": 1, "a": 1}\n', ", line 2 has 'a' more than once", id="a name twice"),
        pytest.param(b'{"a": 1}\n"\xff"\n', ", line 2 is not UTF-8 text", id="not UTF-8"),
    ],
)
def test_wrong_json_lines_are_an_error_that_names_the_line(
    write_file: Callable[..., Path], content: str | bytes, message: str
) -> None:
    path = write_file("rows.jsonl", content)

    with pytest.raises(InferError) as raised:
        read_all(path)

    assert raised.value.message.startswith(f"{path}{message}")
