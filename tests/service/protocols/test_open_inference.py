"""The Open Inference Protocol as clients of Triton and KServe speak it, without a server."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression
    from werkzeug.test import TestResponse

    from tests.service.conftest import Iris, Json, MakeClient

COLUMNS = ["slength", "swidth", "plength", "pwidth"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
INFER = "/v2/models/model/infer"
LENGTH = "Inference-Header-Content-Length"


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def matrix(datatype: str = "FP64", data: object = ROWS, **more: object) -> Json:
    return {"inputs": [{"name": "x", "shape": [2, 4], "datatype": datatype, "data": data}], **more}


def json_of(response: TestResponse) -> Json:
    return json.loads(response.data)


def outputs_of(client: FlaskClient, body: Json, path: str = INFER) -> dict[str, Any]:
    response = client.post(path, data=json.dumps(body))
    assert response.status_code == 200, response.text
    return {one["name"]: one for one in json_of(response)["outputs"]}


def error_of(client: FlaskClient, body: object) -> str:
    data = body if isinstance(body, bytes) else json.dumps(body)
    response = client.post(INFER, data=data)
    assert response.status_code == 400
    assert list(json_of(response)) == ["error"]
    return str(json_of(response)["error"])


@pytest.mark.parametrize("datatype", ["FP32", "FP64"])
@pytest.mark.parametrize("data", [ROWS, [value for row in ROWS for value in row]], ids=["nested", "flat"])
def test_a_matrix_gets_the_answers_of_the_model(
    client: FlaskClient, classifier: LogisticRegression, datatype: str, data: object
) -> None:
    found = outputs_of(client, matrix(datatype, data))

    table = np.array(ROWS, np.float32 if datatype == "FP32" else np.float64).astype(np.float64)
    assert found["predict"] == {
        "name": "predict",
        "datatype": "BYTES",
        "shape": [2],
        "data": ["setosa", "virginica"],
    }
    assert found["predict_proba"]["shape"] == [2, 3]
    expected = classifier.predict_proba(pd.DataFrame(table, columns=COLUMNS)).ravel()
    assert found["predict_proba"]["data"] == pytest.approx(expected.tolist(), abs=1e-12)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_columns_are_found_by_their_names(client: FlaskClient, shape: list[int]) -> None:
    inputs = [
        {"name": name, "shape": shape, "datatype": "FP64", "data": [row[at] for row in ROWS]}
        for at, name in reversed([*enumerate(COLUMNS)])
    ]

    assert outputs_of(client, {"inputs": inputs}) == outputs_of(client, matrix())


def test_chosen_outputs_come_in_the_order_and_under_the_name_that_were_asked(
    client: FlaskClient, classifier: LogisticRegression
) -> None:
    wanted = [{"name": "decision_function"}, {"name": "output-0"}, {"name": "predict_log_proba"}]
    found = outputs_of(client, matrix(outputs=wanted))

    assert list(found) == [one["name"] for one in wanted]
    assert found["output-0"]["data"] == ["setosa", "virginica"]
    expected = classifier.decision_function(pd.DataFrame(ROWS, columns=COLUMNS)).ravel()
    assert found["decision_function"]["data"] == pytest.approx(expected.tolist(), abs=1e-12)


def test_the_best_classes_are_texts(client: FlaskClient) -> None:
    wanted = [{"name": "predict_proba", "parameters": {"classification": 2}}]
    found = outputs_of(client, matrix(outputs=wanted))["predict_proba"]

    assert (found["datatype"], found["shape"]) == ("BYTES", [2, 2])
    assert [text.split(":")[1:] for text in found["data"]] == [
        ["0", "setosa"],
        ["1", "versicolor"],
        ["2", "virginica"],
        ["1", "versicolor"],
    ]


def test_tensors_are_binary_both_ways(client: FlaskClient) -> None:
    data = np.array(ROWS, "<f4").tobytes()
    entry = {"name": "x", "shape": [2, 4], "datatype": "FP32", "parameters": {"binary_data_size": len(data)}}
    text = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()

    response = client.post(INFER, data=text + data, headers={LENGTH: str(len(text))})

    assert response.content_type == "application/octet-stream"
    length = int(response.headers[LENGTH])
    labels, shares = json.loads(response.data[:length])["outputs"]
    size = labels["parameters"]["binary_data_size"]
    rest = response.data[length:]
    assert rest[:size] == b"".join(struct.pack("<I", len(one)) + one for one in (b"setosa", b"virginica"))
    assert len(rest) == size + shares["parameters"]["binary_data_size"]
    expected = outputs_of(client, matrix("FP32"))["predict_proba"]["data"]
    assert np.frombuffer(rest[size:]).tolist() == expected


def test_a_body_without_json_is_the_one_matrix(client: FlaskClient) -> None:
    response = client.post(INFER, data=np.array(ROWS).tobytes(), headers={LENGTH: "0"})

    assert response.status_code == 200
    assert b"virginica" in response.data


def test_no_rows_get_empty_outputs(client: FlaskClient) -> None:
    body = {"inputs": [{"name": "x", "shape": [0, 4], "datatype": "FP64", "data": []}]}
    found = outputs_of(client, body)

    assert {name: (one["shape"], one["data"]) for name, one in found.items()} == {
        "predict": ([0], []),
        "predict_proba": ([0, 3], []),
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"{", "The body is not JSON", id="no JSON"),
        pytest.param([], "the body must be an object", id="a list"),
        pytest.param({"inputs": []}, "at least one tensor", id="no inputs"),
        pytest.param(matrix("FP99"), "datatype of input", id="unknown datatype"),
        pytest.param(matrix("FP16"), "datatype of input", id="16 bits in JSON"),
        pytest.param(matrix("BYTES"), "holds a number", id="numbers as texts"),
        pytest.param(matrix("INT64"), "of datatype INT64 holds a number", id="fractions as integers"),
        pytest.param(matrix("UINT8", [[300] * 4] * 2), "too large for UINT8", id="too large"),
        pytest.param(matrix(data=[1.0]), "has 1 values, and its shape [2, 4] needs 8", id="too few values"),
        pytest.param(matrix(data=[[1.0, 2.0, 3.0, None]] * 2), "pwidth has no value", id="missing"),
        pytest.param(matrix(data=[[1.0, 2.0, 3.0, 1e39]] * 2), "pwidth", id="beyond 32 bits"),
        pytest.param(matrix(outputs=[{"name": "predikt"}]), "did you mean predict?", id="unknown output"),
        pytest.param(
            {"inputs": [{"name": "x", "shape": [4], "datatype": "FP64", "data": [1.0] * 4}]},
            "one input of shape [rows, 4]",
            id="one dimension",
        ),
        pytest.param(
            {"inputs": [{"name": "slength", "shape": [1], "datatype": "FP64", "data": [1.0]}]},
            "swidth is missing",
            id="missing columns",
        ),
        pytest.param(
            {
                "inputs": [
                    {"name": "x", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": 64}}
                ]
            },
            f"the request has no {LENGTH}",
            id="binary without its header",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_form_of_the_protocol(
    client: FlaskClient, body: object, message: str
) -> None:
    assert message in error_of(client, body)


def test_other_models_and_versions_are_not_here(client: FlaskClient) -> None:
    response = client.get("/v2/models/iris2")
    assert response.status_code == 404
    assert json_of(response)["error"].startswith('no model "iris2" here; this service has "model"')

    response = client.post("/v2/models/model/versions/9/infer", data="{}")
    assert response.status_code == 404
    assert json_of(response)["error"].startswith('no version "9" of "model" here')


def test_what_is_counted_is_told(client: FlaskClient) -> None:
    outputs_of(client, matrix())
    error_of(client, {})

    [found] = json_of(client.get("/v2/models/model/stats"))["model_stats"]
    assert found["inference_count"] == 2
    assert found["inference_stats"]["success"]["count"] == 1
    assert found["inference_stats"]["fail"]["count"] == 1
    assert json_of(client.get("/v2/models/stats"))["model_stats"][0]["name"] == "model"
    assert client.get("/v2/models/nope/stats").status_code == 404


def test_each_of_several_outputs_is_told_and_may_be_chosen(iris: Iris, make_client: MakeClient) -> None:
    table, species = iris
    labels = np.column_stack([species, np.where(species == "setosa", "yes", "no")])
    client = make_client(RandomForestClassifier(3, random_state=0).fit(table, labels))

    told = json_of(client.get("/v2/models/model"))["outputs"]

    assert told == [
        {"name": "predict", "datatype": "BYTES", "shape": [-1, 2]},
        {"name": "predict_proba.0", "datatype": "FP64", "shape": [-1, 3]},
        {"name": "predict_proba.1", "datatype": "FP64", "shape": [-1, 2]},
    ]
    usual = outputs_of(client, matrix())
    for one in told:
        assert outputs_of(client, matrix(outputs=[one])) == {one["name"]: usual[one["name"]]}
    assert [*outputs_of(client, matrix(outputs=[{"name": "predict_proba"}]))] == [
        "predict_proba.0",
        "predict_proba.1",
    ]
    assert "it has predict_proba.0, predict_proba.1" in error_of(
        client, matrix(outputs=[{"name": "predict_proba.7"}])
    )
    empty = {"inputs": [{"name": "x", "shape": [0, 4], "datatype": "FP64", "data": []}]}
    assert {name: one["shape"] for name, one in outputs_of(client, empty).items()} == {
        one["name"]: [0, one["shape"][1]] for one in told
    }


# NumPy warns of the logarithm of 0.
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_json_says_where_an_infinity_is(iris: Iris, make_client: MakeClient) -> None:
    client = make_client(RandomForestClassifier(3, random_state=0).fit(*iris))
    wanted = [{"name": "predict_log_proba"}]

    found = outputs_of(client, matrix(outputs=wanted))["predict_log_proba"]

    nulls = [at for at, value in enumerate(found["data"]) if value is None]
    assert nulls
    assert found["parameters"]["non_finite"] == ", ".join(f"{at}: -inf" for at in nulls)


def test_columns_of_different_lengths_are_refused_also_if_the_first_has_none(client: FlaskClient) -> None:
    inputs = [
        {"name": name, "shape": [count], "datatype": "FP64", "data": [1.0] * count}
        for name, count in zip(COLUMNS, (0, 1, 1, 1))
    ]

    assert "the columns have different lengths" in error_of(client, {"inputs": inputs})


@pytest.mark.parametrize("length", ["-32", "+1", "1_0", "99999", "x"])
def test_a_length_that_is_none_is_refused(client: FlaskClient, length: str) -> None:
    data = np.array(ROWS[:1]).tobytes()
    entry = {"name": "x", "shape": [1, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}

    response = client.post(
        INFER, data=json.dumps({"inputs": [entry]}).encode() + data, headers={LENGTH: length}
    )

    assert response.status_code == 400
    assert LENGTH in json_of(response)["error"]


def test_an_output_is_asked_for_once(client: FlaskClient) -> None:
    asked = matrix(outputs=[{"name": "predict"}, {"name": "predict_proba"}, {"name": "predict"}])

    assert error_of(client, asked) == 'output "predict" is asked for more than once'


def test_a_length_of_thousands_of_digits_is_refused(client: FlaskClient) -> None:
    response = client.post(INFER, data=b"{}", headers={LENGTH: "9" * 5000})

    assert response.status_code == 400
    assert LENGTH in response.text
