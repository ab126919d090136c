from __future__ import annotations

import gzip
import json
import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from werkzeug.test import Client

from service.application import build_application
from service.logs import JsonFormatter, TextFormatter
from service.settings import Settings
from service.web.logged_values import MOST_CHARACTERS, MOST_ROWS, MOST_TEXT, is_sampled
from service.web.request_log import HEADER
from tests.service.conftest import COLUMNS, Iris

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
VALUES = [*ROW.values()]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TENSOR = {"name": "input", "datatype": "FP64", "shape": [1, 4], "data": VALUES}
# The longest line that Docker's log driver does not divide.
LONGEST_LINE = 16 * 1024


@pytest.fixture
def make(save: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> Callable[..., Client]:
    """Make a client of the whole application with these settings."""
    caplog.set_level(logging.INFO, "service")
    made: list[Path] = []

    def client_of(estimator: object, **settings: Any) -> Client:
        # Applications of the same settings are the same one.
        file = save(estimator, f"{len(made)}.joblib")
        made.append(file)
        return Client(build_application(Settings(file, **settings)).wsgi)

    return client_of


def lines_of(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records = [record for record in caplog.records if hasattr(record, "fields")]
    lines = [JsonFormatter().format(record) for record in records]
    assert all(len(line) < LONGEST_LINE for line in lines)
    return [*map(json.loads, lines)]


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        pytest.param(
            "/prediction?" + "&".join(f"{name}={value}" for name, value in ROW.items()), {}, id="a query"
        ),
        pytest.param("/prediction", {"json": ROW}, id="one object"),
        pytest.param("/prediction", {"json": {"rows": [ROW]}}, id="rows"),
        pytest.param("/prediction?output=predict_proba,predict", {"json": {"rows": [ROW]}}, id="outputs"),
        pytest.param("/v1/models/model:predict", {"json": {"instances": [VALUES]}}, id="KServe 1"),
        pytest.param("/v2/models/model/infer", {"json": {"inputs": [TENSOR]}}, id="Open Inference"),
        pytest.param("/invocations", {"json": {"inputs": [VALUES]}}, id="MLflow"),
        pytest.param(
            "/invocations",
            {"data": ",".join(map(str, VALUES)).encode(), "content_type": "text/csv"},
            id="SageMaker's CSV",
        ),
        pytest.param(
            "/prediction",
            {
                "data": gzip.compress(json.dumps({"rows": [ROW]}).encode()),
                "content_type": "application/json",
                "headers": {"Content-Encoding": "gzip"},
            },
            id="Flask, not the fast path",
        ),
    ],
)
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, KNeighborsClassifier])
def test_all_wire_formats_are_written_alike_and_answer_alike(
    make: Callable[..., Client],
    iris: Iris,
    caplog: pytest.LogCaptureFixture,
    kind: Callable[[], Any],
    path: str,
    sent: Any,
) -> None:
    estimator = kind().fit(*iris)
    usual = make(estimator).open(path, method="POST" if sent else "GET", **sent)
    written = make(estimator, log_inputs=1.0).open(path, method="POST" if sent else "GET", **sent)

    [line] = lines_of(caplog)
    assert usual.status_code == written.status_code == 200
    assert written.data == usual.data
    assert (line["inputs"], line["predictions"], line["rows"]) == ([ROW], ["setosa"], 1)
    assert line["probabilities"] == [{"setosa": 1.0, "versicolor": 0.0, "virginica": 0.0}]
    assert "cut" not in line
    assert HEADER in written.headers


def test_the_readable_line_shows_the_values_on_one_line(
    make: Callable[..., Client], iris: Iris, caplog: pytest.LogCaptureFixture
) -> None:
    make(LinearRegression().fit(iris[0], np.arange(150.0)), log_inputs=1.0).post("/prediction", json=ROW)

    [record] = [record for record in caplog.records if hasattr(record, "fields")]
    line = TextFormatter().format(record)
    assert f", inputs {json.dumps([ROW])}, predictions [" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/prediction", {"rows": [ROW, {}]}, id="a refusal"),
        pytest.param(
            "/v2/models/model/infer", {"inputs": [{**TENSOR, "shape": [0, 4], "data": []}]}, id="no rows"
        ),
        pytest.param("/livez", None, id="no prediction"),
    ],
)
def test_a_request_of_which_the_model_saw_nothing_has_no_line(
    make: Callable[..., Client],
    classifier: LogisticRegression,
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: Any,
) -> None:
    make(classifier, log_inputs=1.0).open(path, method="GET" if body is None else "POST", json=body)

    assert lines_of(caplog) == []


def test_without_the_setting_there_is_no_value(
    make: Callable[..., Client], classifier: LogisticRegression, caplog: pytest.LogCaptureFixture
) -> None:
    make(classifier, request_log=True).post("/prediction", json=ROW)

    [line] = lines_of(caplog)
    assert "inputs" not in line
    assert "predictions" not in line


def test_the_other_requests_have_their_usual_line(
    make: Callable[..., Client], classifier: LogisticRegression, caplog: pytest.LogCaptureFixture
) -> None:
    client = make(classifier, request_log=True, log_inputs=0.5)
    names = [f"request-{number}" for number in range(40)]
    for name in names:
        assert client.post("/prediction", json=ROW, headers={HEADER: name}).status_code == 200

    lines = lines_of(caplog)
    chosen = [line["request_id"] for line in lines if "inputs" in line]
    assert [line["request_id"] for line in lines] == names
    assert chosen == [name for name in names if is_sampled(name, 0.5)]
    assert 0 < len(chosen) < len(names)


def test_services_of_a_chain_choose_the_same_requests_by_the_trace(
    make: Callable[..., Client], classifier: LogisticRegression, caplog: pytest.LogCaptureFixture
) -> None:
    client = make(classifier, log_inputs=0.5)
    traces = [f"{number:032x}" for number in range(1, 41)]
    for number, trace in enumerate(traces):
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", HEADER: f"hop-{number}"}
        client.post("/prediction", json=ROW, headers=headers)

    assert [line["trace_id"] for line in lines_of(caplog)] == [
        trace for trace in traces if is_sampled(trace, 0.5)
    ]


def test_a_share_is_a_share() -> None:
    chosen = {
        share: {key for key in range(10_000) if is_sampled(str(key), share)} for share in (0, 0.1, 0.3, 1)
    }

    assert [len(chosen[share]) for share in (0, 1)] == [0, 10_000]
    assert 900 < len(chosen[0.1]) < 1100
    # A service that writes more writes all that one writes which writes less.
    assert chosen[0.1] < chosen[0.3]


def test_many_rows_are_cut(
    make: Callable[..., Client], classifier: LogisticRegression, caplog: pytest.LogCaptureFixture
) -> None:
    make(classifier, log_inputs=1.0).post("/prediction", json={"rows": [ROW] * 500})

    [line] = lines_of(caplog)
    assert line["inputs"] == [ROW] * MOST_ROWS
    assert len(line["predictions"]) == len(line["probabilities"]) == MOST_ROWS
    assert (line["rows"], line["cut"]) == (500, True)


def test_wide_rows_are_cut(make: Callable[..., Client], caplog: pytest.LogCaptureFixture) -> None:
    table = np.random.default_rng(0).normal(size=(20, 3000))
    client = make(LinearRegression().fit(table, table), log_inputs=1.0)
    answer = client.post("/invocations", json={"inputs": table[:2].tolist()})

    [line] = lines_of(caplog)
    assert answer.status_code == 200
    assert [len(line[name]) for name in ("inputs", "predictions")] == [1, 1]
    assert 100 < len(json.dumps(line["inputs"])) <= MOST_CHARACTERS + 10
    assert 100 < len(json.dumps(line["predictions"])) <= MOST_CHARACTERS + 10
    assert line["cut"] is True


def test_long_texts_and_missing_values(
    make: Callable[..., Client], iris: Iris, caplog: pytest.LogCaptureFixture
) -> None:
    pandas = pytest.importorskip("pandas")
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (slow to import)
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    texts = pandas.DataFrame({"word": ["a", "b"] * 10})
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), LinearRegression())
    words = make(pipeline.fit(texts, range(20)), log_inputs=1.0)
    numbers = make(
        HistGradientBoostingClassifier(max_iter=2).fit(iris[0].where(iris[0] > 1, math.nan), iris[1]),
        log_inputs=1.0,
    )
    assert words.post("/prediction", json={"word": "é\n" * 5000}).status_code == 200
    assert numbers.post("/prediction", json={**ROW, COLUMNS[3]: None}).status_code == 200

    word, number = lines_of(caplog)
    assert word["inputs"][0]["word"] == ("é\n" * 5000)[:MOST_TEXT] + "…"
    assert word["cut"] is True
    assert number["inputs"] == [{**ROW, COLUMNS[3]: None}]


class Failing:
    """A model that fails for each row."""

    n_features_in_ = 1

    def predict(self, _: object) -> object:
        message = "not today"
        raise ValueError(message)


def test_a_prediction_that_fails_has_its_rows_once(
    make: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    answer = make(Failing(), trusted=(__name__,), log_inputs=1.0).post("/prediction", json={"x0": 1.5})

    [line] = lines_of(caplog)
    assert answer.status_code == line["status"] >= 400
    assert (line["inputs"], line["rows"]) == ([{"x0": 1.5}], 0)
    assert "predictions" not in line
