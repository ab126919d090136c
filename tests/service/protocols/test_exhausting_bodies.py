"""Bodies for /invocations that would cost many times what they are: each is answered at once with 400."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
MIB = 2**20


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        # As an array of NumPy, each text would take as much memory as the longest one: 2.4 GB.
        (JSON, json.dumps([["x" * 50_000, 1, 1, 1], *[["a"] * 4] * 3000]).encode(), "not a number"),
        (CSV, b"1\n" * 500_000, "row 0 has 1 cells"),
        (LINES, b"1\n" * 500_000, "row 0 must be a list or an object"),
        (LINES, b"[]\n" * 500_000, "the rows are 1x0"),
        (JSON, b'{"a":' * 1000 + b"1" + b"}" * 1000, ""),
        (JSON, b"[" * 1000 + b"]" * 1000, ""),
    ],
)
def test_a_wrong_body_takes_little_memory(
    client: FlaskClient, content_type: str, body: bytes, said: str
) -> None:
    tracemalloc.start()
    try:
        response = client.post("/invocations", data=body, content_type=content_type)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert response.status_code == 400
    assert said in response.text
    assert most < 50 * MIB


def test_a_column_that_is_named_twice_is_found_among_a_million(client: FlaskClient) -> None:
    names = [*map(str, range(300_000)), "299999"]
    body = {"dataframe_split": {"columns": names, "data": [[1.0]]}}

    response = client.post("/invocations", json=body)

    assert response.status_code == 400
    assert "several columns called 299999" in response.text


def test_csv_is_read_with_and_without_a_heading(client: FlaskClient) -> None:
    lines = "5.1,3.5,1.4,0.2\n\n6.7,3.0,5.2,2.3\n"
    bodies = (lines, "slength,swidth,plength,pwidth\n" + lines)

    answers = [client.post("/invocations", data=body, content_type=CSV) for body in bodies]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json for answer in answers] == [
        ["setosa", "virginica"],
        {"predictions": ["setosa", "virginica"]},
    ]
