"""The formats of the metrics, and the wire formats of the requests that they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def test_the_wire_format_of_a_request_is_told(client: FlaskClient) -> None:
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
    name = client.get("/v2/models/model").get_json()["name"]
    for path, body in (
        ("/prediction", ROW),
        (f"/v2/models/{name}/infer", {"inputs": [tensor]}),
        (f"/v1/models/{name}:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]}),
        ("/invocations", {"instances": [[5.1, 3.5, 1.4, 0.2]]}),
    ):
        assert client.post(path, json=body).status_code == 200, path
    client.get("/v2/models/stats")
    client.get("/nowhere")

    samples = [
        (sample.labels, sample.value)
        for family in parse(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "infer_requests_total"
    ]

    for protocol, route, status in (
        ("infer", "/prediction", "200"),
        ("open_inference", "/v2/models/{model}/infer", "200"),
        ("open_inference", "/v2/models/stats", "200"),
        ("kserve_v1", "/v1/models/{model}:predict", "200"),
        ("invocations", "/invocations", "200"),
        ("other", "other", "404"),
    ):
        labels = {"protocol": protocol, "route": route, "status": status}
        assert (labels, 1) in samples


def test_openmetrics_for_who_asks(client: FlaskClient) -> None:
    response = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})

    assert response.content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = openmetrics.text_string_to_metric_families(response.text)  # type: ignore[no-untyped-call]
    assert "infer_requests" in {family.name for family in families}


@pytest.mark.parametrize("accept", ["", "*/*", "text/html", "application/openmetrics-text;version=new"])
def test_plain_text_for_all_others(client: FlaskClient, accept: str) -> None:
    response = client.get("/metrics", headers={"Accept": accept})

    assert response.content_type.startswith("text/plain; ")
    assert len([*parse(response.text)]) > 5
