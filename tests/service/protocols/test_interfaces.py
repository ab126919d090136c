"""What stands at which path, also at paths that Vertex AI chooses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import pytest

from service.application import make_served_model
from service.prediction.served_model import ModelSlot
from service.protocols.interfaces import Interface
from service.web.app import create_app
from tests.service.protocols import wire

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression
    from werkzeug.test import TestResponse

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
LABELS = ["setosa", "virginica"]


@pytest.fixture
def serve(classifier: LogisticRegression, load: Callable[..., Any]) -> Callable[..., FlaskClient]:
    def make(**options: Any) -> FlaskClient:
        served = make_served_model(load(classifier), Interface(**options))
        app, _ = create_app(ModelSlot(served), max_body_bytes=100_000)
        return app.test_client()

    return make


def post(client: FlaskClient, path: str, body: object, content_type: str = wire.JSON) -> Any:
    data = body if isinstance(body, bytes) else wire.dumps(body)
    response = client.post(path, data=data, headers={"Content-Type": content_type})
    assert response.status_code == 200, response.text
    return json.loads(response.data)


@pytest.mark.parametrize("health", ["/health-of-vertex", "/ping", "/readyz2"])
@pytest.mark.parametrize("predict", ["/predict-of-vertex", "/invocations", "/prediction", "/ping"])
def test_vertex_ai_may_choose_any_path(serve: Callable[..., FlaskClient], predict: str, health: str) -> None:
    client = serve(predict_route=predict, health_route=health)

    assert client.get(health).status_code == 200
    assert post(client, predict, {"instances": ROWS, "parameters": {"x": 1}}) == {"predictions": LABELS}
    refused = client.post(predict, data=b"{}")
    assert (refused.status_code, list(json.loads(refused.data))) == (400, ["error"])
    # All else stays where it was.
    assert post(client, "/v1/models/model:predict", {"instances": ROWS}) == {"predictions": LABELS}


def test_without_a_choice_there_is_nothing_more(serve: Callable[..., FlaskClient]) -> None:
    assert serve().post("/predict", json={"instances": ROWS}).status_code == 404


@pytest.mark.parametrize("path", ["/vertex", "/invocations"])
@pytest.mark.parametrize("kind", ["vertex-ai-triton", "sagemaker-triton"])
def test_tensors_may_come_where_unknown_headers_get_lost(
    serve: Callable[..., FlaskClient], path: str, kind: str
) -> None:
    client = serve(predict_route="/vertex")
    data = np.array(ROWS).tobytes()
    entry = {"name": "x", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(data)}}
    text = wire.dumps({"inputs": [entry]})

    found = post(
        client, path, text + data, f"application/vnd.{kind}.binary+json;json-header-size={len(text)}"
    )

    assert found["outputs"][0]["data"] == LABELS
    wrong = {"Content-Type": f"application/vnd.{kind}.binary+json;json-header-size=999999"}
    assert client.post(path, data=text + data, headers=wrong).status_code == 400


@pytest.mark.parametrize("name", ["iris", "flowers", "model", "mlflow-model"])
def test_each_name_is_answered(serve: Callable[..., FlaskClient], name: str) -> None:
    client = serve(model_names=("iris", "flowers"))

    assert post(client, f"/v1/models/{name}:predict", {"instances": ROWS}) == {"predictions": LABELS}
    # Strict HTTP libraries write the colon as an escape.
    assert post(client, f"/v1/models/{name}%3Apredict", {"instances": ROWS}) == {"predictions": LABELS}
    assert json.loads(client.get(f"/v1/models/{name}").data) == {"name": name, "ready": True}
    assert json.loads(client.get(f"/v2/models/{name}/versions/1/ready").data) == {"name": name, "ready": True}
    assert json.loads(client.get("/v1/models").data)["models"][:2] == ["iris", "flowers"]


def test_the_root_answers_probes_and_browsers(serve: Callable[..., FlaskClient]) -> None:
    def ask(accept: str | None) -> TestResponse:
        return serve().get("/", headers={} if accept is None else {"Accept": accept})

    for accept in (None, "*/*", "application/json"):
        found = ask(accept)
        assert (json.loads(found.data)["status"], found.headers["Vary"]) == ("alive", "Accept")
    page = ask("text/html,application/xhtml+xml,*/*;q=0.8")
    assert (page.mimetype, page.headers["Vary"]) == ("text/html", "Accept")


def test_probes_of_other_servers_are_answered(serve: Callable[..., FlaskClient]) -> None:
    client = serve(version="9.9", max_body_bytes=5 * 2**20)

    for path in ("/ping", "/health"):
        assert (client.get(path).status_code, client.get(path).data) == (200, b"\n")
        assert client.head(path).status_code == 200
    assert client.get("/version").data == b"9.9"
    told = json.loads(client.get("/execution-parameters").data)
    assert (told["BatchStrategy"], told["MaxPayloadInMB"]) == ("MULTI_RECORD", 5)
    assert json.loads(client.get("/v2/health/live").data) == {"live": True}
    assert json.loads(client.get("/v2/health/ready").data) == {"ready": True}
    assert json.loads(client.get("/v2").data)["version"] == "9.9"
    index = client.post("/v2/repository/index", data=b"")
    assert {one["state"] for one in json.loads(index.data)} == {"READY"}
    # No process of this test loads another model; tests/service/workers/test_generations.py has some that do.
    for change, status, said in (
        ("load", 501, "this service cannot load another model"),
        ("unload", 400, "this service always has its model loaded"),
    ):
        refused = client.post(f"/v2/repository/models/model/{change}", data=b"{}")
        assert refused.status_code == status
        assert said in json.loads(refused.data)["error"]
