"""`/invocations`: what each content type means, and which form an answer has."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from tests.service.protocols import wire
from tests.service.protocols.test_same_rows import mixed_model

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression
    from werkzeug.test import TestResponse

    from tests.service.conftest import MakeClient

NAMES = ["slength", "swidth", "plength", "pwidth"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
OBJECTS = [dict(zip(NAMES, row)) for row in ROWS]
COLUMNS = {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}
LABELS = ["setosa", "virginica"]
CSV = "5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"
HEADING = "slength,swidth,plength,pwidth\n"


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def post(client: FlaskClient, body: Any, content_type: str = wire.JSON, **more: str) -> TestResponse:
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    headers = {"Content-Type": content_type}
    if "accept" in more:
        headers["Accept"] = more["accept"]
    return client.post(f"/invocations{more.get('query', '')}", data=data, headers=headers)


def array_of(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "is_keyed"),
    [
        pytest.param(ROWS, False, id="lists"),
        pytest.param(OBJECTS, False, id="objects"),
        pytest.param({"dataframe_split": {"columns": NAMES, "data": ROWS}}, True, id="split"),
        pytest.param({"dataframe_split": {"data": ROWS}}, True, id="split without columns"),
        pytest.param(
            {
                "dataframe_split": {
                    "columns": NAMES[::-1],
                    "index": [4, 7],
                    "data": [row[::-1] for row in ROWS],
                }
            },
            True,
            id="split in another order",
        ),
        pytest.param({"columns": NAMES, "index": [0, 1], "data": ROWS}, True, id="MLflow 1"),
        pytest.param({"dataframe_records": OBJECTS}, True, id="records"),
        pytest.param({"instances": ROWS}, True, id="instances"),
        pytest.param({"instances": OBJECTS}, True, id="instances of objects"),
        pytest.param({"inputs": ROWS}, True, id="inputs"),
        pytest.param({"inputs": COLUMNS}, True, id="inputs of columns"),
        pytest.param(
            {"inputs": {name: [[one] for one in column] for name, column in COLUMNS.items()}},
            True,
            id="columns of lists of one",
        ),
        pytest.param({"input_data": {"columns": NAMES, "index": [0, 1], "data": ROWS}}, True, id="Azure"),
        pytest.param({"input_data": OBJECTS}, True, id="Azure's records"),
        pytest.param({"inputs": ROWS, "params": {}}, True, id="parameters"),
        pytest.param({"inputs": ROWS, "params": None}, True, id="no parameters"),
        pytest.param({"inputs": ROWS, "params": {"any": 1}}, True, id="other parameters"),
    ],
)
def test_json_is_answered_as_it_asks(client: FlaskClient, body: Any, *, is_keyed: bool) -> None:
    response = post(client, body)

    assert response.status_code == 200, response.text
    assert json.loads(response.data) == ({"predictions": LABELS} if is_keyed else LABELS)


@pytest.mark.parametrize(
    ("text", "is_keyed"),
    [
        (CSV, False),
        (HEADING + CSV, True),
        ("pwidth,plength,swidth,slength\n0.2,1.4,3.5,5.1\n2.3,5.2,3.0,6.7\n", True),
        ("\ufeff" + HEADING + CSV, True),
        ('"slength","swidth", plength,pwidth \n' + CSV, True),
        (CSV.replace("\n", "\r\n"), False),
        (CSV.rstrip(), False),
        ("\n" + CSV + "\n\n", False),
    ],
)
def test_csv_with_and_without_a_heading(client: FlaskClient, text: str, *, is_keyed: bool) -> None:
    response = post(client, text.encode(), "text/csv; charset=utf-8")

    assert response.status_code == 200, response.text
    assert json.loads(response.data) == ({"predictions": LABELS} if is_keyed else LABELS)


@pytest.mark.parametrize("content_type", ["application/x-npy", "Application/X-NPY"])
def test_an_array_gets_an_array(client: FlaskClient, content_type: str) -> None:
    response = post(client, array_of(ROWS), content_type)

    assert response.content_type == wire.NPY
    assert np.load(io.BytesIO(response.data)).tolist() == LABELS


def test_lines_get_lines(client: FlaskClient) -> None:
    for rows in (ROWS, OBJECTS):
        response = post(client, "\n".join(map(json.dumps, rows)) + "\n\n", wire.LINES)

        assert response.content_type == wire.LINES
        assert response.data == b'"setosa"\n"virginica"\n'


@pytest.mark.parametrize(
    ("accept", "given", "content_type"),
    [
        ("", wire.JSON, wire.JSON),
        ("*/*", wire.JSON, wire.JSON),
        ("text/csv", wire.JSON, "text/csv; charset=utf-8"),
        ("application/x-npy", wire.JSON, wire.NPY),
        ("text/html, text/csv;q=0.5", wire.JSON, "text/csv; charset=utf-8"),
        ("text/html, */*", wire.NPY, wire.NPY),
        ("application/json", wire.NPY, wire.JSON),
        ("*/*", "text/csv", wire.JSON),
        ("text/csv", "text/csv", "text/csv; charset=utf-8"),
        ("application/jsonlines", "text/csv", wire.LINES),
    ],
)
def test_the_form_of_the_answer(client: FlaskClient, accept: str, given: str, content_type: str) -> None:
    body = {wire.JSON: json.dumps(ROWS), wire.NPY: array_of(ROWS), "text/csv": CSV}[given]

    assert post(client, body, given, accept=accept).content_type == content_type


def test_any_result_is_written_as_csv_and_as_an_array(
    client: FlaskClient, classifier: LogisticRegression
) -> None:
    shares = classifier.predict_proba(pd.DataFrame(ROWS, columns=NAMES))

    cells = post(client, ROWS, accept="text/csv", query="?output=predict,predict_proba").text
    found = [line.split(",") for line in cells.splitlines()]
    assert [row[0] for row in found] == LABELS
    np.testing.assert_allclose(np.array([row[1:] for row in found], float), shares, atol=1e-12)

    array = post(client, ROWS, accept=wire.NPY, query="?output=predict_proba")
    np.testing.assert_allclose(np.load(io.BytesIO(array.data)), shares, atol=1e-12)
    both = post(client, ROWS, accept=wire.NPY, query="?output=predict,predict_proba")
    assert (both.status_code, "one output" in both.text) == (400, True)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "predict_log_proba"])
def test_a_parameter_of_mlflow_chooses_the_method(
    client: FlaskClient, classifier: LogisticRegression, method: str
) -> None:
    response = post(client, {"inputs": ROWS, "params": {"predict_method": method}})

    expected = getattr(classifier, method)(pd.DataFrame(ROWS, columns=NAMES))
    found = np.array(json.loads(response.data)["predictions"])
    assert found.tolist() == LABELS if method == "predict" else np.allclose(found, expected, atol=1e-9)


def test_no_rows_get_no_answers(client: FlaskClient) -> None:
    for body, content_type, expected in (
        ([], wire.JSON, b"[]\n"),
        ({"inputs": []}, wire.JSON, b'{"predictions":[]}\n'),
        ({"dataframe_split": {"columns": NAMES, "data": []}}, wire.JSON, b'{"predictions":[]}\n'),
        (HEADING.encode(), "text/csv", b'{"predictions":[]}\n'),
        (b"", "text/csv", b"[]\n"),
        (b"\n", wire.LINES, b""),
    ):
        assert post(client, body, content_type).data == expected


def test_missing_values_are_taken_where_the_model_takes_them(make_client: MakeClient) -> None:
    client = make_client(mixed_model())
    row = {"age": None, "rooms": 1, "town": "NA", "size": "S", "member": True, "note": "true"}
    [expected] = json.loads(client.post("/prediction", json=row).data)["predictions"]

    assert json.loads(post(client, [row]).data) == [expected]
    for cell in ("", "NaN"):
        text = f"{','.join(row)}\n{cell},1,NA,S,True,true\n"
        assert json.loads(post(client, text, "text/csv").data) == {"predictions": [expected]}


def test_results_that_are_lists_or_pairs(make_client: MakeClient) -> None:
    table = np.random.default_rng(0).normal(size=(20, 3))
    scaler = StandardScaler().fit(table)
    found = post(make_client(scaler), array_of(table[:2]), wire.NPY)
    np.testing.assert_allclose(np.load(io.BytesIO(found.data)), scaler.transform(table[:2]))

    neighbors = NearestNeighbors(n_neighbors=2).fit(table)
    rows = post(make_client(neighbors), table[:2].tolist(), query="?output=kneighbors,distances")
    distances, positions = neighbors.kneighbors(table[:2])
    assert [row["kneighbors"] for row in json.loads(rows.data)] == positions.tolist()
    np.testing.assert_allclose([row["distances"] for row in json.loads(rows.data)], distances, atol=1e-9)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (7, "must be a list of rows or an object; it is a number"),
        ({}, "must have exactly one of dataframe_split"),
        ({"inputs": ROWS, "instances": ROWS}, "must have exactly one of"),
        ({"dataframe_split": ROWS}, "dataframe_split cannot be a list"),
        ({"dataframe_split": {}}, "dataframe_split must have data"),
        ({"dataframe_split": {"data": {}, "columns": []}}, "must have data, and may have columns: lists"),
        *(
            ({"dataframe_split": {"data": [[1.0]], "columns": [name]}}, f"which are strings; one is {found}")
            for name, found in ((2**64, "a number"), (1.0, "a number"), (None, "null"), (["a"], "a list"))
        ),
        ({"dataframe_split": {"data": [[1.0]], "columns": [7]}}, "7 is not a feature of the model"),
        ({"dataframe_records": {"slength": [1]}}, "dataframe_records cannot be an object"),
        ({"inputs": 7}, "inputs cannot be a number"),
        ({"inputs": {"slength": 5}}, "the column slength must be a list; it is a number"),
        ({"inputs": {**COLUMNS, "pwidth": [1.0]}}, "the columns have different lengths"),
        ([5.1, 3.5, 1.4, 0.2], "row 0 must be a list of values; it is a number"),
        ({"inputs": ROWS, "params": {"predict_method": "predikt"}}, "did you mean predict?"),
        ([{**OBJECTS[0], "pwidth": None}], "row 0: pwidth has no value"),
    ],
)
def test_what_is_wrong_is_said_as_mlflow_says_it(client: FlaskClient, body: Any, message: str) -> None:
    response = post(client, body)

    assert response.status_code == 400
    error = json.loads(response.data)
    assert error["error_code"] == "INVALID_INPUT"
    assert message in error["message"]
