from __future__ import annotations

import gzip
import io
import json
import logging
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from service.admission import MOST_PREDICTIONS_AT_ONCE
from service.web.viewer import FILES

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.service.conftest import MakeClient

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
ROUTES = [
    "GET /",
    "GET /docs",
    "GET /model",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
    "GET /prediction",
    "POST /prediction",
    "GET /openapi.json",
]


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier, max_body_bytes=1000)


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    """The error that was answered, which has the one form that all have."""
    assert response.status_code == status
    assert response.content_type == "application/json"
    answer = json.loads(response.data)
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"code", "message", "details"}
    error: dict[str, Any] = answer["error"]
    return error


def test_one_prediction(client: FlaskClient) -> None:
    response = client.get(QUERY)

    assert response.status_code == 200
    assert response.content_type == "application/json"
    answer = json.loads(response.data)
    assert list(answer) == ["inputs", "prediction", "probabilities"]
    assert list(answer["inputs"].items()) == list(ROW.items())
    assert answer["prediction"] == "setosa"
    assert list(answer["probabilities"]) == ["setosa", "versicolor", "virginica"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize("body", [ROW, {"rows": [ROW]}])
def test_predictions_are_lists_for_one_object_too(client: FlaskClient, body: object) -> None:
    response = client.post("/prediction", json=body)

    assert response.status_code == 200
    answer = json.loads(response.data)
    assert list(answer) == ["predictions", "probabilities"]
    assert answer["predictions"] == ["setosa"]
    assert len(answer["probabilities"]) == 1


def test_a_model_without_probabilities(make_client: MakeClient) -> None:
    client = make_client(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]))

    assert json.loads(client.get("/prediction?x0=2").data) == {
        "inputs": {"x0": 2.0},
        "prediction": pytest.approx(4),
    }
    assert list(json.loads(client.post("/prediction", json={"x0": 2}).data)) == ["predictions"]


def test_what_is_no_number_in_a_prediction_is_null(
    make_client: MakeClient, make_instance: Callable[[str, str], object]
) -> None:
    code = """
class Empty:
    n_features_in_ = 1
    def predict(self, table):
        return [float("nan")]
"""
    client = make_client(make_instance("Empty", code))

    assert json.loads(client.get("/prediction?x0=2").data)["prediction"] is None


def test_names_outside_ascii_stay_readable(
    make_client: MakeClient, make_instance: Callable[[str, str], object]
) -> None:
    code = """
class Odd:
    n_features_in_ = 1
    def predict(self, table):
        return ["größer \\ud800"]
"""
    client = make_client(make_instance("Odd", code))

    data = client.get("/prediction?x0=2").data

    assert "größer \\ud800" in data.decode()
    assert json.loads(data)["prediction"] == "größer \ud800"


@pytest.mark.parametrize("path", ["/", "/model", "/livez", "/readyz", QUERY])
def test_head_is_get_without_the_body(client: FlaskClient, path: str) -> None:
    response = client.head(path)

    assert response.status_code == 200
    assert response.data == b""


def test_health(client: FlaskClient) -> None:
    assert json.loads(client.get("/livez").data) == {"status": "alive"}
    assert json.loads(client.get("/readyz").data) == {"status": "ready"}


def test_the_example_of_the_model_works(make_client: MakeClient, iris: tuple[Any, Any]) -> None:
    table, species = iris
    client = make_client(
        LinearRegression().fit(table.set_axis(["a b", "c&d", "größe", "%"], axis=1), species == "setosa")
    )

    model = json.loads(client.get("/model").data)

    assert model["kind"] == "regressor"
    assert client.get(model["example"]).status_code == 200


def test_the_page_has_a_field_for_each_feature_and_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    response = client.get("/", headers={"Accept": "text/html"})

    page = response.text
    assert re.findall(r'<input id="f\d+" name="(\w+)"', page) == list(ROW)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert not re.search(r"https?://|<style|style=|onsubmit|<script>", page)
    # Relative, so that the page also works behind a proxy that gives the service a path of its own.
    paths = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert {"static/page.css", "static/page.js", "static/favicon.svg", "model", "metrics"} <= set(paths)
    for path in paths:
        with client.get(f"/{path}") as file:
            assert file.status_code == 200


def test_the_page_escapes_names(make_client: MakeClient, iris: tuple[Any, Any]) -> None:
    table, species = iris
    client = make_client(
        LinearRegression().fit(table.set_axis(['"><script>', "b", "c", "d"], axis=1), species == "setosa")
    )

    assert "<script>" not in client.get("/", headers={"Accept": "text/html"}).text


def test_every_wrong_field_is_named(client: FlaskClient) -> None:
    error = error_of(client.get("/prediction?slength=a&swidth=inf&plenght=1&pwidth=1"), 400)

    assert error["code"] == "invalid_input"
    problems = {field["field"]: field["problem"] for field in error["details"]["fields"]}
    assert problems == {
        "slength": "not_a_number",
        "swidth": "not_finite",
        "plength": "missing",
        "plenght": "unknown",
    }


def test_bad_json(client: FlaskClient) -> None:
    response = client.post("/prediction", data="{", content_type="application/json")

    assert error_of(response, 400)["code"] == "invalid_json"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json(client: FlaskClient, content_type: str | None) -> None:
    error = error_of(client.post("/prediction", data=json.dumps(ROW), content_type=content_type), 415)

    assert error["code"] == "unsupported_media_type"
    assert "Content-Type: application/json" in error["message"]


def test_a_content_type_may_have_a_charset(client: FlaskClient) -> None:
    data = json.dumps(ROW)

    assert (
        client.post("/prediction", data=data, content_type="application/json; charset=utf-8").status_code
        == 200
    )


def test_an_unknown_path_lists_the_routes(client: FlaskClient) -> None:
    error = error_of(client.get("/predict"), 404)

    assert error["code"] == "not_found"
    assert error["details"] == {"routes": ROUTES}


def test_an_unknown_static_file(client: FlaskClient) -> None:
    assert error_of(client.get("/static/../app.py"), 404)["code"] == "not_found"


def test_a_wrong_method_keeps_the_allow_header(client: FlaskClient) -> None:
    response = client.delete("/prediction")

    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413), (1002, 413), (5000, 413)])
@pytest.mark.parametrize("says_length", [True, False])
def test_a_body_over_the_limit(client: FlaskClient, size: int, status: int, *, says_length: bool) -> None:
    data = json.dumps(ROW).ljust(size).encode()
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}

    response = client.post(
        "/prediction",
        input_stream=io.BytesIO(data),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": str(size)} if says_length else chunked,
    )

    assert response.status_code == status
    if status == 413:
        error = error_of(response, 413)
        assert (error["code"], error["details"]) == ("body_too_large", {"max_body_bytes": 1000})


def test_a_client_that_breaks_off(client: FlaskClient) -> None:
    response = client.post(
        "/prediction",
        input_stream=io.BytesIO(b"{"),
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": "100"},
    )

    assert error_of(response, 400)["code"] == "bad_request"


def test_the_log_says_how_to_allow_what_the_kernel_refused(
    make_client: MakeClient, make_instance: Callable[[str, str], object], caplog: pytest.LogCaptureFixture
) -> None:
    code = """
class Asking:
    n_features_in_ = 1
    def predict(self, table):
        try:
            raise PermissionError(1, "Operation not permitted")
        except OSError as error:
            raise RuntimeError("the database does not answer") from error
"""
    client = make_client(make_instance("Asking", code))

    with caplog.at_level(logging.ERROR, logger="service"):
        error_of(client.get("/prediction?x0=1"), 500)

    assert "allow it with --egress" in caplog.text


def test_a_failing_model_shows_nothing_of_the_inside(
    make_client: MakeClient, make_instance: Callable[[str, str], object], caplog: pytest.LogCaptureFixture
) -> None:
    code = """
class Failing:
    n_features_in_ = 1
    def predict(self, table):
        raise ValueError("the secret")
"""
    client = make_client(make_instance("Failing", code))

    with caplog.at_level(logging.ERROR, logger="service"):
        response = client.get("/prediction?x0=1")

    error = error_of(response, 500)
    assert error["code"] == "internal_error"
    assert "secret" not in response.text
    assert "GET /prediction failed" in caplog.text
    assert "ValueError: the secret" in caplog.text


def test_a_model_with_too_much_to_do_is_given_no_more(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> None:
    code = """
import threading
class Held:
    n_features_in_ = 1
    release = threading.Event()
    # It is asked for an answer when it is loaded, too.
    release.set()
    def predict(self, table):
        self.release.wait(30)
        return [0]
"""
    held = make_instance("Held", code)
    client = make_client(held)
    type(held).release.clear()
    answers: list[int] = []
    ask = lambda: answers.append(client.application.test_client().get("/prediction?x0=1").status_code)  # noqa: E731
    waiting = [threading.Thread(target=ask) for _ in range(MOST_PREDICTIONS_AT_ONCE)]
    for thread in waiting:
        thread.start()

    response = client.get("/prediction?x0=1")

    alive = client.get("/livez").status_code
    type(held).release.set()
    for thread in waiting:
        thread.join()
    assert error_of(response, 503)["code"] == "busy"
    assert response.headers["Retry-After"] == "1"
    assert alive == 200
    assert answers == [200] * MOST_PREDICTIONS_AT_ONCE
    assert client.get("/prediction?x0=1").status_code == 200


def test_answers_are_not_kept_or_guessed_at(client: FlaskClient) -> None:
    headers = client.get(QUERY).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_viewer_is_served_from_the_service_itself(
    classifier: LogisticRegression, make_client: MakeClient
) -> None:
    client = make_client(classifier)

    page = client.get("/docs")

    assert (
        "default-src 'none'; script-src 'self'; style-src 'self'" in page.headers["Content-Security-Policy"]
    )
    for file in re.findall(r'(?:href|src)="((?:docs|static)/[^"]+)"', page.text):
        with client.get(f"/{file}") as answer:
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "no-cache"
        with client.get(f"/{file}", headers={"If-None-Match": answer.headers["ETag"]}) as again:
            assert again.status_code == 304
    with client.get("/docs/") as moved:
        assert (moved.status_code, moved.headers["Location"]) == (308, "../docs")


@pytest.mark.parametrize("file", [*(f"docs/{file}" for file in FILES), "static/page.css", "static/page.js"])
def test_the_files_of_the_pages_are_compressed(
    file: str, classifier: LogisticRegression, make_client: MakeClient
) -> None:
    client = make_client(classifier)

    with client.get(f"/{file}") as plain:
        whole = plain.data
    packed = client.get(f"/{file}", headers={"Accept-Encoding": "gzip, deflate, br"})
    same = {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}

    assert gzip.decompress(packed.data) == whole
    assert len(packed.data) < len(whole) / 2
    with client.get(f"/{file}", headers=same) as again:
        assert again.status_code == 304


@pytest.mark.parametrize("file", ["swagger-ui.js", "LICENSE", "..%2Fflask_swagger_ui.py", "x"])
def test_nothing_else_of_the_viewer_is_served(
    file: str, classifier: LogisticRegression, make_client: MakeClient
) -> None:
    assert make_client(classifier).get(f"/docs/{file}").status_code == 404
