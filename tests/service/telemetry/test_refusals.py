"""Refused requests are counted by their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def test_refused_requests_have_their_reasons(client: FlaskClient) -> None:
    before = refusals(client)
    client.post("/prediction", json={"rows": [{"slength": "wide"}]})
    client.post("/prediction", data="{", content_type="application/json")
    client.post("/prediction", data="{}", content_type="text/plain")
    client.get("/nothing")

    assert {reason: count - before.get(reason, 0) for reason, count in refusals(client).items()} == {
        "missing": 1,
        "not_a_number": 1,
        "invalid_json": 1,
        "unsupported_media_type": 1,
    }


def refusals(client: FlaskClient) -> dict[str, float]:
    families = parse(client.get("/metrics").text)
    [refused] = [family for family in families if family.name == "infer_refused_requests"]
    return {sample.labels["reason"]: sample.value for sample in refused.samples if "reason" in sample.labels}
