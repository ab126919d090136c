from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.service.conftest import MakeClient

TABLE = np.random.default_rng(0).normal(size=(40, 3))
MODELS: dict[str, Any] = {
    "regressor": LinearRegression().fit(TABLE, TABLE[:, 0]),
    "several outputs": KNeighborsClassifier(2).fit(TABLE, np.where(TABLE[:, :2] > 0, "up", "down")),
    "transformer": StandardScaler().fit(TABLE),
    "neighbors": NearestNeighbors(n_neighbors=2).fit(TABLE),
}
MIXED = ("many", "selected", "nested", "search", "boosting", "stacking", "array", "texts")


def document_of(client: FlaskClient) -> Any:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    return answer.get_json()


def problems(document: Any, name: str, value: Any) -> list[str]:
    """Give what is wrong with a value by a named schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return [error.message for error in OAS30Validator(schema).iter_errors(value)]


def example_of(operation: Any) -> Any:
    return operation["requestBody"]["content"]["application/json"]["example"]


@pytest.mark.parametrize("name", [*MODELS, *MIXED])
def test_the_document_is_right_and_its_examples_are_answered_as_it_says(
    name: str, make_client: MakeClient, mixed_models: dict[str, Any]
) -> None:
    client = make_client(MODELS[name] if name in MODELS else mixed_models[name])

    document = document_of(client)

    validate(document)
    one, instances = document["paths"]["/prediction"], "/v1/models/model:predict"
    rows = example_of(one["post"])
    assert problems(document, "Rows", rows) == []
    assert problems(document, "Row", rows["rows"][0]) == []
    answer = client.post("/prediction", json=rows)
    assert answer.status_code == 200
    assert problems(document, "Predictions", answer.get_json()) == []
    answer = client.post(instances, json=example_of(document["paths"][instances]["post"]))
    assert problems(document, "InstancePredictions", answer.get_json()) == []
    features = [each for each in one["get"]["parameters"] if each["name"] != "output"]
    query = {each["name"]: each.get("example") for each in features}
    if None not in query.values():
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()}
        answer = client.get("/prediction", query_string=texts)
        assert answer.status_code == 200
        assert problems(document, "Prediction", answer.get_json()) == []


def test_a_label_that_the_model_does_not_know_is_no_answer(
    make_client: MakeClient, classifier: LogisticRegression
) -> None:
    client = make_client(classifier)
    document = document_of(client)
    answer = client.post("/prediction", json=example_of(document["paths"]["/prediction"]["post"])).get_json()

    assert problems(document, "Predictions", {**answer, "predictions": ["tulip"]}) != []
    assert problems(document, "Predictions", {"predictions": answer["predictions"]}) != []


def test_results_are_chosen_by_their_names(make_client: MakeClient, classifier: LogisticRegression) -> None:
    client = make_client(classifier)
    document = document_of(client)
    example = example_of(document["paths"]["/prediction"]["post"])
    names = document["paths"]["/prediction"]["post"]["parameters"][0]["schema"]["items"]["enum"]

    assert names == ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    for chosen in (names, names[2:], names[:1]):
        answer = client.post("/prediction?output=" + ",".join(chosen), json=example).get_json()
        assert {*answer} == {*chosen}
        assert problems(document, "ChosenResults", answer) == []
    row = {name: str(value) for name, value in example["rows"][0].items()}
    answer = client.get("/prediction", query_string={**row, "output": names}).get_json()
    assert problems(document, "ChosenResult", answer) == []
    usual = client.post("/prediction", json=example).get_json()
    assert problems(document, "ChosenResults", usual) != []


def test_a_feature_called_output_keeps_its_meaning(make_client: MakeClient) -> None:
    import pandas as pd  # noqa: PLC0415 (slow to import)

    table = pd.DataFrame(TABLE, columns=["a", "b", "output"])
    document = document_of(make_client(LinearRegression().fit(table, TABLE[:, 0])))

    validate(document)
    parameters = document["paths"]["/prediction"]["get"]["parameters"]
    assert [(each["name"], each["required"]) for each in parameters] == [
        ("a", True),
        ("b", True),
        ("output", True),
    ]


def test_what_else_the_service_answers_is_as_described(
    make_client: MakeClient, mixed_models: dict[str, Any]
) -> None:
    client = make_client(mixed_models["many"])
    document = document_of(client)

    assert problems(document, "Model", client.get("/model").get_json()) == []
    assert problems(document, "Status", client.get("/livez").get_json()) == []
    assert problems(document, "Status", client.get("/readyz").get_json()) == []
    refused = client.post("/prediction", json={"rows": [{"age": "x"}, 5]})
    assert refused.status_code == 400
    assert problems(document, "Error", refused.get_json()) == []
    assert problems(document, "Error", client.post("/prediction", data="x").get_json()) == []
    assert (
        problems(document, "ErrorMessage", client.post("/v1/models/model:predict", data="x").get_json()) == []
    )
    types = {
        client.get("/metrics", headers={"Accept": kind}).mimetype
        for kind in ("*/*", "application/openmetrics-text")
    }
    content = document["paths"]["/metrics"]["get"]["responses"]["200"]["content"]
    assert types == {*content}


def test_a_value_that_needs_its_type_has_no_example_in_the_query(make_client: MakeClient) -> None:
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import FunctionTransformer  # noqa: PLC0415

    pipeline = make_pipeline(FunctionTransformer(feature_names_out="one-to-one"), LinearRegression())
    client = make_client(pipeline.fit(TABLE, TABLE[:, 0]))
    features = client.get("/model").get_json()["features"]

    *parameters, _ = document_of(client)["paths"]["/prediction"]["get"]["parameters"]

    assert ["example" not in each for each in parameters] == [
        one.get("needs_types", False) for one in features
    ]


def test_the_document_is_made_once(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.protocols import openapi  # noqa: PLC0415

    client = make_client(MODELS["regressor"])
    first = client.get("/openapi.json").data
    monkeypatch.delattr(openapi, "answer_schemas")

    assert client.get("/openapi.json").data == first


def test_the_document_is_told_where_paths_are_told(make_client: MakeClient) -> None:
    routes = make_client(MODELS["regressor"]).get("/nothing").get_json()["error"]["details"]["routes"]

    assert "GET /openapi.json" in routes
