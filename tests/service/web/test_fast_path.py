"""The short way to a prediction gives byte for byte what Flask gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
from werkzeug.test import Client

from service.protocols.description import example
from service.web.fast_path import FastPath
from tests.service.conftest import app_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from service.loading.model_file import LoadedModel

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
QUERIES = [
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2",
    "pwidth=0.2&plength=1.4&swidth=3.5&slength=5.1",
    "slength=-5e0&swidth=.5&plength=0&pwidth=1E2",
    "slength=%2B5.1&swidth=3.5&plength=1.4&pwidth=0.2",
    "slength=+5.1&swidth=3.5&plength=1.4&pwidth=0.2",
    "%73length=5.1&swidth=3.5&plength=1.4&pwidth=0.2",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2&",
    "&slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2",
    "slength=5.1;swidth=3.5&plength=1.4&pwidth=0.2",
    "slength=5.1&swidth=3.5&plength=1.4",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=nan",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=inf",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=1e39",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=1_0",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=0x1",
    "slength=5.1&swidth=3.5&plength=1.4&pwidth=٣",
    "slength=5.1&slength=5.1&plength=1.4&pwidth=0.2",
    "slength=5.1&slength=5.2&swidth=3.5&plength=1.4&pwidth=0.2",
    "slength=5.1&swidth=3.5&plength=1.4&petal=0.2",
    "slength=5.1=&swidth=3.5&plength=1.4&pwidth=0.2",
    "slength&swidth&plength&pwidth",
    "=",
    "",
    "%ff=%fe",
]
BODIES: list[object] = [
    ROW,
    {"rows": [ROW]},
    {"rows": [ROW, {**ROW, "pwidth": 1e-7}, {**ROW, "slength": 12345678901234567890}]},
    {"rows": []},
    {"rows": [ROW, 1]},
    {"rows": [ROW, {**ROW, "pwidth": None}]},
    {"rows": [{**ROW, "pwidth": "0.2"}]},
    {"rows": [{**ROW, "pwidth": True}]},
    {"rows": [{**ROW, "pwidth": 1e39}]},
    {"rows": [{**ROW, "petal": 1}]},
    {"rows": ROW},
    {},
    [],
    None,
    b"",
    b"{",
    b'{"slength": 5.1, "slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}',
    b'{"slength": 5.1, "swidth": NaN, "plength": 1.4, "pwidth": 0.2}',
    b"\xff",
    "ä".encode("utf-16"),
    {"rows": [ROW] * 100},
]
TYPES = ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", None]


@pytest.fixture
def both(classifier: LogisticRegression, load: Callable[[object], LoadedModel]) -> tuple[Client, Client]:
    """The whole application, and Flask alone."""
    return clients_of(load(classifier))


def clients_of(loaded: LoadedModel) -> tuple[Client, Client]:
    fast_path: Any = app_of(loaded, max_body_bytes=2000).wsgi_app
    assert isinstance(fast_path, FastPath)
    return Client(fast_path), Client(fast_path.application)


def same(clients: tuple[Client, Client], path: str, **request: Any) -> Any:
    first, second = (client.open(path, **request) for client in clients)
    assert first.status == second.status
    assert first.data == second.data
    assert sorted(first.headers) == sorted(second.headers)
    return first


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_queries(both: tuple[Client, Client], query: str, method: str) -> None:
    same(both, "/prediction", query_string=quote(query, safe="=&+%;"), method=method)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("content_type", TYPES)
def test_bodies(both: tuple[Client, Client], body: object, content_type: str | None) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    same(both, "/prediction", method="POST", data=data, content_type=content_type)


@pytest.mark.parametrize("path", ["/", "/model", "/livez", "/readyz", "/nothing", "/prediction/"])
def test_all_else(both: tuple[Client, Client], path: str) -> None:
    same(both, path)


def test_the_short_way_is_taken(both: tuple[Client, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both[0].application, "application", None)

    assert both[0].get(f"/prediction?{QUERIES[0]}").status_code == 200
    assert both[0].post("/prediction", json={"rows": [ROW]}).status_code == 200


@pytest.mark.parametrize("header", ["x-envoy-expected-rq-timeout-ms", "grpc-timeout"])
@pytest.mark.parametrize("value", ["60000", "60S", "soon"])
def test_a_deadline_that_is_far_changes_nothing(both: tuple[Client, Client], header: str, value: str) -> None:
    answer = same(both, "/prediction", method="POST", json=ROW, headers={header: value})

    assert answer.status_code == 200


def test_a_deadline_that_is_past_is_504_on_both_ways(both: tuple[Client, Client]) -> None:
    answer = same(both, "/prediction", method="POST", json=ROW, headers={"grpc-timeout": "0S"})

    assert answer.status_code == 504


def test_a_body_of_unknown_length_is_left_to_flask(both: tuple[Client, Client]) -> None:
    data = json.dumps(ROW).encode()
    request = {"method": "POST", "data": data, "content_type": "application/json"}

    same(both, "/prediction", **request, headers={"Transfer-Encoding": "chunked", "Content-Length": ""})


def test_a_model_that_fails_is_a_500_on_both_ways(
    make_instance: Callable[[str, str], Any], load: Callable[[object], LoadedModel]
) -> None:
    code = """
class Failing:
    n_features_in_ = 1
    def predict(self, table):
        raise ValueError("the secret")
"""
    clients = clients_of(load(make_instance("Failing", code)))

    answer = same(clients, "/prediction?x0=1")

    assert answer.status_code == 500
    assert b"secret" not in answer.data


@pytest.mark.parametrize("name", ["many", "nested", "boosting", "texts", "array"])
def test_mixed_tables(name: str, mixed_models: dict[str, Any], load: Callable[[object], LoadedModel]) -> None:
    loaded = load(mixed_models[name])
    clients = clients_of(loaded)

    inputs = json.loads(same(clients, example(loaded.model.features)).data)["inputs"]

    assert same(clients, "/prediction", method="POST", json={"rows": [inputs]}).status_code == 200
    assert same(clients, "/prediction", method="POST", json={"rows": [{}]}).status_code in (200, 400)


def test_rows_of_a_batch_are_those_of_single_requests(both: tuple[Client, Client]) -> None:
    chance = np.random.default_rng(5)
    rows = [dict(zip(ROW, values)) for values in chance.normal(3, 2, size=(15, 4)).round(3).tolist()]

    together = json.loads(both[0].post("/prediction", json={"rows": rows}).data)
    alone = [json.loads(both[0].get("/prediction", query_string=row).data) for row in rows]

    assert together["predictions"] == [answer["prediction"] for answer in alone]
