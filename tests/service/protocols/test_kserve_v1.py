"""KServe's protocol, version 1: what is read, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

PATH = "/v1/models/model:predict"
COLUMNS = ["slength", "swidth", "plength", "pwidth"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
OBJECTS = [dict(zip(COLUMNS, row)) for row in ROWS]
LABELS = ["setosa", "virginica"]


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def ask(client: FlaskClient, body: object, status: int = 200, query: str = "") -> Any:
    response = client.post(f"{PATH}{query}", data=json.dumps(body))
    assert response.status_code == status, response.text
    return json.loads(response.data)


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        OBJECTS,
        [{name: [value] for name, value in row.items()} for row in OBJECTS],
        [dict(reversed([*row.items()])) for row in OBJECTS],
    ],
    ids=["lists", "objects", "scalars in lists", "another order"],
)
@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_rows_get_predictions(client: FlaskClient, key: str, rows: object) -> None:
    assert ask(client, {key: rows}) == {"predictions": LABELS}
    # Clients of TensorFlow Serving and of Vertex AI send these, too.
    assert ask(client, {key: rows, "signature_name": "x", "parameters": {}}) == {"predictions": LABELS}


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "", "x/y"])
def test_a_body_is_json_whatever_it_is_called(client: FlaskClient, content_type: str) -> None:
    body = json.dumps({"instances": ROWS})
    response = client.post(PATH, data=body, headers={"Content-Type": content_type})

    assert json.loads(response.data) == {"predictions": LABELS}


def test_no_rows_get_no_predictions(client: FlaskClient) -> None:
    assert ask(client, {"instances": []}) == {"predictions": []}
    assert ask(client, {"instances": []}, query="?output=predict,predict_proba") == {"predictions": []}


def test_results_are_chosen_by_name(client: FlaskClient, classifier: LogisticRegression) -> None:
    table = pd.DataFrame(ROWS, columns=COLUMNS)
    shares = ask(client, {"instances": ROWS}, query="?output=predict_proba")["predictions"]
    assert shares == [pytest.approx(row, abs=1e-12) for row in classifier.predict_proba(table).tolist()]

    both = ask(client, {"instances": ROWS}, query="?output=predict,decision_function")["predictions"]
    scores = classifier.decision_function(table).tolist()
    assert both == [
        {"predict": label, "decision_function": pytest.approx(row, abs=1e-9)}
        for label, row in zip(LABELS, scores)
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param([], "must be an object with instances; it is a list", id="a list"),
        pytest.param({}, "either instances or inputs", id="nothing"),
        pytest.param({"instances": ROWS, "inputs": ROWS}, "either instances or inputs", id="both"),
        pytest.param({"instances": OBJECTS[0]}, "instances must be a list of rows", id="an object"),
        pytest.param(
            {"instances": [[5.1, 3.5]]},
            "the rows are 1x2, and the model takes 4 columns: slength",
            id="short",
        ),
        pytest.param({"instances": [ROWS[0], 7]}, "row 1 must be a list of values", id="a number"),
        pytest.param({"instances": [7, 8]}, "row 0 must be a list of values", id="numbers"),
        pytest.param({"instances": [ROWS[0], OBJECTS[0]]}, "row 1 must be a list", id="a mixture"),
        pytest.param({"instances": [OBJECTS[0], ROWS[0]]}, "row 1: is not an object", id="another mixture"),
        pytest.param({"instances": [[[5.1], 3.5, 1.4, 0.2]]}, "slength", id="a list in a row"),
        pytest.param({"instances": [{**OBJECTS[0], "slength": [1, 2]}]}, "slength", id="a list of two"),
        pytest.param({"instances": [{**OBJECTS[0], "width": 1}]}, "did you mean swidth?", id="unknown"),
        pytest.param({"instances": [["a", 3.5, 1.4, 0.2]]}, "row 0: slength is not a number", id="a text"),
    ],
)
def test_what_is_wrong_is_said(client: FlaskClient, body: object, message: str) -> None:
    error = ask(client, body, status=400)

    assert list(error) == ["error"]
    assert message in error["error"]
