from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.served_model import ServedFeature, ServedModel
from infer_cli.errors import InferError
from infer_cli.load.requests import prepare_requests

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.load.requests import PreparedRequest

URL = "http://localhost:5000"
FEATURES = {"size": ServedFeature("number"), "code": ServedFeature("text")}
MODEL = ServedModel("regressor", FEATURES, "/prediction?size=1.5&code=007")


def rows_of(request: PreparedRequest) -> object:
    head, _, body = request.content.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[:2] == ["POST /prediction HTTP/1.1", "Host: localhost:5000"]
    assert f"Content-Length: {len(body)}" in lines
    rows = json.loads(body)["rows"]
    assert rows == list(request.rows)
    return rows


def test_without_a_file_the_example_of_the_service_is_sent() -> None:
    (request,) = prepare_requests(MODEL, URL, None, rows_each=2)

    assert rows_of(request) == [{"size": 1.5, "code": "007"}] * 2


def test_an_example_that_no_query_can_say_is_sent() -> None:
    model = ServedModel("regressor", FEATURES, "/x", example_body={"size": 2, "code": "7"})

    (request,) = prepare_requests(model, URL, None, rows_each=1)

    assert rows_of(request) == [{"size": 2, "code": "7"}]


def test_rows_of_a_file_are_sent_as_predict_sends_them(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,size,code\n1,1,007\n2,2,b\n3,3,c\n")

    requests = prepare_requests(MODEL, URL, tmp_path / "rows.csv", rows_each=2)

    assert [rows_of(request) for request in requests] == [
        [{"size": 1, "code": "007"}, {"size": 2, "code": "b"}],
        [{"size": 3, "code": "c"}, {"size": 1, "code": "007"}],
    ]


def test_few_rows_are_repeated_until_a_request_is_full(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("size,code\n1,a\n2,b\n")

    (request,) = prepare_requests(MODEL, URL, tmp_path / "rows.csv", rows_each=5)

    assert [row["size"] for row in request.rows] == [1, 2, 1, 2, 1]


def test_of_a_long_file_the_first_rows_are_taken(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("size,code\n" + "1,a\n" * 5000)

    assert len(prepare_requests(MODEL, URL, tmp_path / "rows.csv", rows_each=1)) == 1000


@pytest.mark.parametrize(
    ("content", "message"), [("size,code\n", "has no rows"), ("size\n1\n", "has no column code")]
)
def test_a_file_that_does_not_fit_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(content)

    with pytest.raises(InferError, match=message):
        prepare_requests(MODEL, URL, tmp_path / "rows.csv", rows_each=1)
