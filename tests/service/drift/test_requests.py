"""Each row of a request is counted once, however it is asked; rows that nobody asks are not counted."""

from __future__ import annotations

import http.client
import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient

    MakeClient = Callable[..., FlaskClient]
    Make = Callable[[Any, Any], Any]

NAMES = ["slength", "swidth", "plength", "pwidth"]
# Its class is the last one, and its last value lies outside of the range.
ROW = [6.5, 3.5, 5.5, 99.0]
OBJECT = dict(zip(NAMES, ROW))
V2 = "/v2/models/model/infer"
# What is asked, and how many rows that is.
REQUESTS = {
    "query": ("GET", f"/prediction?{'&'.join(f'{k}={v}' for k, v in OBJECT.items())}", None, 1),
    "query, by position": ("GET", "/prediction?slength=6.5&swidth=3.5&plength=5.5&pwidth=9.9e1", None, 1),
    "object": ("POST", "/prediction", OBJECT, 1),
    "one row": ("POST", "/prediction", {"rows": [OBJECT]}, 1),
    "rows": ("POST", "/prediction", {"rows": [OBJECT] * 5}, 5),
    "chosen results": ("POST", "/prediction?output=predict,decision_function", {"rows": [OBJECT] * 2}, 2),
    "v1, one row": ("POST", "/v1/models/model:predict", {"instances": [ROW]}, 1),
    "v1, rows": ("POST", "/v1/models/model:predict", {"instances": [ROW, ROW]}, 2),
    "v1, objects": ("POST", "/v1/models/model:predict", {"instances": [OBJECT]}, 1),
    "v2, one row": (
        *("POST", V2),
        {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}]},
        1,
    ),
    "v2, rows": (
        *("POST", V2),
        {"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP64", "data": ROW * 2}]},
        2,
    ),
    "invocations, one row": ("POST", "/invocations", {"inputs": [ROW]}, 1),
    "invocations, table": (
        "POST",
        "/invocations",
        {"dataframe_split": {"columns": NAMES, "data": [ROW] * 3}},
        3,
    ),
}


def counts(client: FlaskClient) -> dict[str, float]:
    return counts_in(client.get("/metrics").text)


def classes(client: FlaskClient) -> dict[str, float]:
    """Give how often each class was answered."""
    text = client.get("/metrics").text
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return {one.labels["class"]: one.value for one in samples if one.name == "infer_predicted_classes_total"}


def counts_in(text: str) -> dict[str, float]:
    """Give the compared rows, and the values of each feature by kind."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "infer_compared_rows_total":
                found["rows"] = sample.value
            elif sample.name == "infer_feature_values_total":
                name = f"{sample.labels['feature']} {sample.labels['kind']}"
                found[name] = found.get(name, 0) + sample.value
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda *iris: make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris),
        lambda *iris: KNeighborsClassifier().fit(*iris),
    ],
    ids=["program", "model"],
)
@pytest.mark.parametrize("is_fast", [True, False], ids=["fast path", "flask"])
def test_each_row_is_counted_once(
    make: Make,
    name: str,
    is_fast: bool,  # noqa: FBT001 (a case)
    iris: tuple[Any, Any],
    make_client: MakeClient,
) -> None:
    client = make_client(make(*iris), counts_inputs=True)
    method, path, body, rows = REQUESTS[name]
    if "decision_function" in path and not hasattr(make(*iris), "decision_function"):
        path = path.replace("decision_function", "kneighbors")
    # A client that wants its answer compressed is answered by Flask.
    headers = {} if is_fast else {"Accept-Encoding": "gzip"}

    answer = client.open(path, method=method, json=body, headers=headers)

    assert answer.status_code == 200
    assert classes(client) == {"setosa": 0, "versicolor": 0, "virginica": rows}
    inside = {f"{feature} inside": rows for feature in NAMES[:3]}
    assert counts(client) == {"rows": rows, **inside, "pwidth above": rows}


def test_what_is_refused_or_made_up_is_not_counted(iris: tuple[Any, Any], make_client: MakeClient) -> None:
    client = make_client(LogisticRegression(max_iter=500).fit(*iris), counts_inputs=True)

    client.get("/openapi.json")
    client.get("/v2/models/model")
    client.post(V2, json={"inputs": [{"name": "x", "shape": [0, 4], "datatype": "FP64", "data": []}]})
    refused = client.post("/prediction", json={"rows": [OBJECT, {**OBJECT, "pwidth": "wide"}]})

    assert refused.status_code == 400
    assert counts(client) == {}


def test_categories_of_the_model_are_bins_and_others_are_unseen(make_client: MakeClient) -> None:
    table = pd.DataFrame({"color": ["red", "blue"] * 5})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(table, [0, 1] * 5)
    client = make_client(model, counts_inputs=True)

    client.post("/prediction", json={"rows": [{"color": "red"}, {"color": "ada@example.org"}]})

    assert counts(client) == {"rows": 2, "color category": 1, "color unseen": 1}
    assert "ada" not in client.get("/metrics").text


def test_a_model_that_keeps_its_rows_tells_the_shares(iris: tuple[Any, Any], make_client: MakeClient) -> None:
    table, species = iris
    client = make_client(KNeighborsClassifier().fit(table, species), counts_inputs=True)

    def index() -> float:
        text = client.get("/metrics").text
        return float(text.partition('infer_feature_psi{feature="plength"} ')[2].partition("\n")[0])

    client.post("/prediction", json={"rows": table.to_dict("records") * 2})
    assert index() == pytest.approx(0)

    client.post("/prediction", json={"rows": [OBJECT] * 500})
    assert index() > 0.25


def test_without_the_setting_there_is_none_of_it(iris: tuple[Any, Any], make_client: MakeClient) -> None:
    client = make_client(LogisticRegression(max_iter=500).fit(*iris))

    client.post("/prediction", json=OBJECT)

    assert "infer_feature" not in client.get("/metrics").text


def test_workers_count_together(iris: tuple[Any, Any], save: Callable[..., Path], start_service: Any) -> None:
    model = save(make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris))
    service = start_service(model, WORKERS="2")
    for _ in range(20):
        assert service.request("POST", "/prediction", {"rows": [OBJECT] * 3})[0] == 200

    for _ in range(4):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        inside = {f"{feature} inside": 60 for feature in NAMES[:3]}
        assert counts_in(text) == {"rows": 60, **inside, "pwidth above": 60}
        assert 'infer_predicted_classes_total{class="virginica"} 60.0' in text


def test_a_declared_distribution_gives_an_index(save: Callable[..., Path], start_service: Any) -> None:
    table = pd.DataFrame({"a": [float(at % 100) for at in range(400)]})
    model = save(LogisticRegression().fit(table, table["a"] > 50))
    distribution = {"edges": [0, 24, 49, 74, 99], "shares": [0.25] * 4}
    declared = {"name": "a", "low": 0, "high": 9, "distribution": distribution}
    (model.parent / "infer.json").write_text(json.dumps({"features": [declared]}))
    service = start_service(model)
    found = []

    for rows in (table, table[table["a"] > 80]):
        service.request("POST", "/prediction", {"rows": rows.to_dict("records")})
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found.append(float(text.partition('infer_feature_psi{feature="a"} ')[2].partition("\n")[0]))

    assert found[0] == pytest.approx(0, abs=1e-3)
    assert found[1] > 0.05
    assert 'infer_feature_range{end="high",feature="a",source="sample"} 99.0' in text
