"""Every method of every estimator, by its name, and the choice of results in a query."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors

from service.errors import InvalidInput
from service.models.fitted_model import FittedModel
from service.models.methods import FURTHER, SOLVED_TOGETHER, listed
from service.prediction.predictor import Predictor
from service.protocols.outputs import Outputs
from tests.service.models import every_estimator as every

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
TOLERANCE = 1e-6
# Their predictions are one array each, which `Outputs` has row by row.
PER_OUTPUT = {"MultiOutputClassifier"}


@pytest.mark.parametrize("name", every.NAMES)
@pytest.mark.filterwarnings("ignore")
def test_each_method_gives_what_it_gives_in_python(name: str) -> None:
    model, table = every.fitted(name)
    rows = [[text] for text in table] if name in every.TEXTS else table
    outputs = Outputs(Predictor(FittedModel(model)))
    methods = [method for method in FURTHER if callable(getattr(model, method, None))]

    assert {*outputs.results, *outputs.further} - {"distances"} == {*methods, outputs.main}
    for method in methods:
        found = outputs.ask(rows, outputs.chosen([method]))
        own = getattr(model, method)(table)
        if method == "kneighbors":
            distances, own = own
            more = outputs.ask(rows, ["distances"]) if outputs.main == method else found
            assert_same(more["distances" if outputs.main == method else f"{method}.distances"], distances)
        if isinstance(own, list):
            own = [list(row) for row in zip(*(part.tolist() for part in own))]
        if name not in SOLVED_TOGETHER:
            assert_same(found[method], own)


def assert_same(found: list[Any], own: Any) -> None:
    expected = own if isinstance(own, list) else listed(own)
    assert len(found) == len(expected)
    if found and isinstance(found[0], dict):
        assert found == expected
    else:
        np.testing.assert_allclose(np.array(found), np.array(expected), rtol=TOLERANCE, atol=TOLERANCE)


def test_results_come_in_the_order_of_the_model_and_once(
    classifier: LogisticRegression, make_predictor: Callable[[object], Predictor]
) -> None:
    outputs = Outputs(make_predictor(classifier))

    assert outputs.chosen(["predict_proba", "predict", "output-0", "predict"]) == ["predict_proba", "predict"]
    assert outputs.chosen([]) == []
    with pytest.raises(InvalidInput, match=r"has no predict_probs \(did you mean predict_proba\?\): it has"):
        outputs.chosen(["predict_probs"])
    with pytest.raises(InvalidInput, match="it has predict, predict_proba, predict_log_proba"):
        outputs.chosen([""])


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("", []),
        ("a=1", []),
        ("output=", []),
        ("output=,", []),
        ("my_output=predict", []),
        ("output=predict", ["predict"]),
        ("output=predict_proba,%20predict", ["predict_proba", "predict"]),
        ("output=predict&x=1&output=predict_proba", ["predict", "predict_proba"]),
        ("out%70ut=x&output=decision%5Ffunction", None),
    ],
)
def test_a_query_chooses(
    classifier: LogisticRegression,
    make_predictor: Callable[[object], Predictor],
    query: str,
    chosen: list[str] | None,
) -> None:
    outputs = Outputs(make_predictor(classifier))

    if chosen is None:
        with pytest.raises(InvalidInput, match="has no x"):
            outputs.of_query(query)
    else:
        assert outputs.of_query(query) == chosen


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def json_of(client: FlaskClient, path: str, body: object = None, status: int = 200) -> Any:
    response = client.get(path) if body is None else client.post(path, json=body)
    assert response.status_code == status, response.text
    return json.loads(response.data)


def test_a_query_gets_the_chosen_results_beside_each_other(
    client: FlaskClient, classifier: LogisticRegression
) -> None:
    found = json_of(client, f"{QUERY}&output=predict_proba,predict&output=decision_function")

    table = pd.DataFrame([ROW])
    assert list(found) == ["inputs", "predict", "predict_proba", "decision_function"]
    assert (found["inputs"], found["predict"]) == (ROW, "setosa")
    for name in ("predict_proba", "decision_function"):
        assert found[name] == pytest.approx(getattr(classifier, name)(table)[0].tolist(), abs=1e-9)


def test_a_body_gets_an_element_for_each_row(client: FlaskClient, classifier: LogisticRegression) -> None:
    rows = [ROW, {**ROW, "plength": 6.0, "pwidth": 2.3}]
    found = json_of(client, "/prediction?output=predict,predict_log_proba", {"rows": rows})

    assert found["predict"] == ["setosa", "virginica"]
    expected = classifier.predict_log_proba(pd.DataFrame(rows))
    np.testing.assert_allclose(found["predict_log_proba"], expected, atol=1e-9)
    assert json_of(client, "/prediction?output=predict", ROW) == {"predict": ["setosa"]}
    # Anything else in the URL means nothing to a body.
    assert json_of(client, "/prediction?a=b", ROW) == json_of(client, "/prediction", ROW)


@pytest.mark.parametrize("path", [f"{QUERY}&output=predikt", "/prediction?output=predikt"])
def test_an_unknown_result_is_refused(client: FlaskClient, path: str) -> None:
    error = json_of(client, path, ROW if path.startswith("/prediction?o") else None, status=400)["error"]

    assert error["message"].startswith("the model has no predikt (did you mean predict?): it has predict")


def test_wrong_rows_are_refused_as_without_a_choice(client: FlaskClient) -> None:
    wrong = {**ROW, "pwidth": "wide"}
    for path, body in ((f"{QUERY.replace('0.2', 'wide')}", None), ("/prediction", {"rows": [ROW, wrong]})):
        choice = "&output=predict" if "?" in path else "?output=predict"
        assert json_of(client, path + choice, body, status=400) == json_of(client, path, body, status=400)


def test_a_feature_called_output_keeps_its_meaning(make_client: MakeClient) -> None:
    table = pd.DataFrame({"output": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.5]})
    client = make_client(LinearRegression().fit(table, [1.0, 2.0, 3.0]))

    assert json_of(client, "/prediction?output=2&b=1")["inputs"] == {"output": 2.0, "b": 1.0}
    assert json_of(client, "/prediction?output=predict", {"output": 2, "b": 1}) == {
        "predict": [pytest.approx(2.0)]
    }


@pytest.mark.parametrize(
    ("model", "results"),
    [
        (NearestNeighbors(n_neighbors=2), ["kneighbors", "distances"]),
        (GaussianMixture(2, random_state=0), ["predict", "predict_proba", "score_samples"]),
        (IsolationForest(n_estimators=5, random_state=0), ["predict", "decision_function", "score_samples"]),
    ],
    ids=["neighbors", "mixture", "outlier detector"],
)
def test_results_beside_the_answer_may_be_chosen(
    make_client: MakeClient, model: Any, results: list[str]
) -> None:
    client = make_client(model.fit(np.random.default_rng(0).normal(size=(30, 2))))
    usual = json_of(client, "/prediction", {"x0": 0.1, "x1": 0.2})

    chosen = json_of(client, f"/prediction?output={','.join(results)}", {"x0": 0.1, "x1": 0.2})

    assert list(chosen) == results
    assert [*chosen.values()] == [*usual.values()]
