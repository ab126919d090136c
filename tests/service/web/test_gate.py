"""What is not let in meets one answer at every path, in the form of the path's wire format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Callable

import pytest
from openapi_spec_validator import validate
from werkzeug.test import Client

from service.application import build_application
from service.errors import WrongSettings
from service.settings import Settings
from tests.service.access.test_tokens import line
from tests.service.protocols import wire

if TYPE_CHECKING:
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from service.application import Application

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
EVIL = {"Host": "evil.example:5000"}


@pytest.fixture
def make_application(classifier: LogisticRegression, save: Callable[..., Path]) -> Callable[..., Application]:
    """Make the application of some settings, as a worker does."""

    def make(**variables: str) -> Application:
        return build_application(
            Settings.from_environment({"MODEL_FILE": str(save(classifier)), **variables})
        )

    return make


def test_a_page_of_a_site_reaches_no_service_of_this_machine(
    make_application: Callable[..., Application],
) -> None:
    application = make_application(ALLOWED_HOSTS="iris")
    client = Client(application.wsgi)

    refused = client.get(QUERY, headers=EVIL)

    assert refused.status_code == 421
    assert refused.get_json()["error"]["code"] == "misdirected_request"
    assert "--allowed-host evil.example" in refused.get_json()["error"]["message"]
    assert client.get(QUERY, headers={"Host": "iris:5000"}).get_json()["prediction"] == "setosa"
    assert client.get(QUERY).status_code == 200
    assert application.meter.totals().answers["/prediction", 421] == 1


def test_every_path_but_those_of_health_is_closed_to_another_name(
    make_application: Callable[..., Application],
) -> None:
    application = make_application(ALLOWED_HOSTS="iris", HEALTH_ROUTE="/healthy")
    client = Client(application.wsgi)
    paths = [*application.slot.served.resources, "/", "/docs", "/model", "/metrics", "/static/page.js", "/no"]

    answers = {path: client.get(path, headers=EVIL).status_code for path in paths}
    healths = {"/ping", "/health", "/v2/health/live", "/v2/health/ready", "/healthy"}

    assert {path for path, status in answers.items() if status != 421} == healths
    assert client.get("/readyz", headers=EVIL).status_code == 200
    assert client.get("/livez", headers=EVIL).status_code == 200


def test_the_refusal_has_the_form_of_the_wire_format(make_application: Callable[..., Application]) -> None:
    client = Client(make_application(ALLOWED_HOSTS="iris").wsgi)
    rows = [dict(zip(("slength", "swidth", "plength", "pwidth"), (5.1, 3.5, 1.4, 0.2)))]

    for name, write in wire.FORMS.items():
        sent = write(rows)
        answer = client.post(sent.path, data=sent.body, content_type=sent.content_type, headers=EVIL)
        assert answer.status_code == 421, name
        assert "--allowed-host" in json.dumps(answer.get_json()), name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("names", ["", "*", "iris,*"])
def test_any_name_passes_where_the_settings_say_so(
    make_application: Callable[..., Application], names: str
) -> None:
    client = Client(make_application(ALLOWED_HOSTS=names).wsgi)

    assert client.get(QUERY, headers=EVIL).status_code == 200


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def guarded(make_application: Callable[..., Application], tmp_path: Path) -> Application:
    file = tmp_path / "tokens"
    file.write_text(line("ada", "predict", "p-1") + line("all", "predict,metrics,admin", "all-1"))
    return make_application(TOKENS_FILE=str(file), PREDICT_ROUTE="/docs/ask")


def test_no_path_of_the_service_answers_without_a_token(guarded: Application) -> None:
    client = Client(guarded.wsgi)
    health = {"/ping", "/health", "/v2/health/live", "/v2/health/ready", "/readyz", "/livez"}
    own = {"/", "/docs", "/model", "/metrics", "/v2/models/stats", "/v2/models/model/stats", "/no"}
    paths = {*guarded.slot.served.resources, *own, *health}

    for headers in ({}, bearer("p-2"), {"Authorization": "Basic cDpw"}):
        answers = {
            (path, method): client.open(path, method=method, headers=headers)
            for path in paths
            for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT")
        }
        opened = {path for (path, _), answer in answers.items() if answer.status_code != 401}
        assert opened == health
        for (path, _), answer in answers.items():
            assert (path in health) or answer.headers["WWW-Authenticate"].startswith('Bearer realm="infer"')


def test_a_token_opens_the_fast_path_and_every_wire_format(guarded: Application) -> None:
    client = Client(guarded.wsgi)
    rows = [dict(zip(("slength", "swidth", "plength", "pwidth"), (5.1, 3.5, 1.4, 0.2)))]

    assert client.get(QUERY, headers=bearer("p-1")).get_json()["prediction"] == "setosa"
    for name, write in wire.FORMS.items():
        sent = write(rows)
        more = {} if sent.length is None else {wire.LENGTH: str(sent.length)}
        asked = {"data": sent.body, "content_type": sent.content_type}
        refused = client.post(sent.path, headers=more, **asked)
        answer = client.post(sent.path, headers={**more, **bearer("p-1")}, **asked)
        assert (refused.status_code, answer.status_code) == (401, 200), name
        assert wire.is_error_of_its_form(sent.path, refused.data), name


def test_predictions_that_are_not_let_in_are_counted_by_reason(guarded: Application) -> None:
    client = Client(guarded.wsgi)

    client.get(QUERY)
    client.post("/prediction", headers=bearer("p-2"), json={})
    client.get("/model")

    assert {name: count for name, count in guarded.meter.totals().refused.items() if count} == {
        "unauthorized": 2
    }


def test_the_description_tells_that_a_token_is_needed(guarded: Application) -> None:
    client = Client(guarded.wsgi)
    document = client.get("/openapi.json", headers=bearer("p-1")).get_json()

    validate(document)
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    for path, operations in document["paths"].items():
        asks = client.get(path).status_code == 401
        for operation in operations.values():
            assert (operation.get("security") != []) == asks, path
            assert ({"401", "403"} <= set(operation["responses"])) == asks, path


def test_metrics_and_administration_need_scopes_of_their_own(guarded: Application) -> None:
    client = Client(guarded.wsgi)
    load = "/v2/repository/models/model/load"

    assert client.get("/metrics", headers=bearer("p-1")).status_code == 403
    assert client.post(load, headers=bearer("p-1")).status_code == 403
    assert client.get("/metrics", headers=bearer("all-1")).status_code == 200
    # No process could load a model here.
    assert client.post(load, headers=bearer("all-1")).status_code == 501
    assert guarded.meter.totals().answers["/metrics", 403] == 1


@pytest.mark.parametrize(
    ("asker", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 501, id="the container itself"),
        pytest.param("::1", {}, 501, id="the container itself, by IPv6"),
        pytest.param("172.17.0.1", {}, 403, id="from outside"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, 403, id="through a proxy"),
        pytest.param("127.0.0.1", {"Origin": "http://evil.example"}, 403, id="a page of a site"),
    ],
)
def test_administration_without_tokens_is_for_the_container_alone(
    make_application: Callable[..., Application], asker: str, headers: dict[str, str], status: int
) -> None:
    client = Client(make_application().wsgi)

    answer = client.post(
        "/v2/repository/models/model/load", headers=headers, environ_base={"REMOTE_ADDR": asker}
    )

    assert answer.status_code == status
    assert isinstance(answer.get_json()["error"], str)


def test_a_browser_gets_a_page_that_asks_for_the_token_and_tells_nothing(guarded: Application) -> None:
    client = Client(guarded.wsgi)

    for path in ("/", "/docs", "/model"):
        answer = client.get(path, headers={"Accept": "text/html,*/*"})
        assert answer.status_code == 401
        assert answer.content_type == "text/html; charset=utf-8"
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "slength" not in answer.text
        assert "model.joblib" not in answer.text
    with client.get("/static/unlock.js") as script:
        assert script.status_code == 200
    opened = client.get("/", headers={"Accept": "text/html", **bearer("p-1")})
    assert "slength" in opened.text


def test_a_wrong_file_of_tokens_ends_the_start(make_application: Callable[..., Application]) -> None:
    with pytest.raises(WrongSettings, match="cannot read TOKENS_FILE /nowhere/tokens"):
        make_application(TOKENS_FILE="/nowhere/tokens")


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    """Give the headers by which a browser asks whether a page may send a request."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }


def test_a_page_of_an_allowed_site_asks_every_path_for_predictions(
    make_application: Callable[..., Application], tmp_path: Path
) -> None:
    file = tmp_path / "tokens"
    file.write_text(line("ada", "predict", "p-1"))
    application = make_application(TOKENS_FILE=str(file), CORS_ORIGINS="https://app.example")
    client = Client(application.wsgi)
    resources = application.slot.served.resources

    for path in [path for path, resource in resources.items() if resource.predicts]:
        allowed = client.options(path, headers=preflight("https://app.example"))
        assert allowed.status_code == 204, path
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
        assert allowed.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
        refused = client.options(path, headers=preflight("https://evil.example"))
        assert refused.status_code == 401, path
        assert "Access-Control-Allow-Origin" not in refused.headers
    origin = {"Origin": "https://app.example"}
    answer = client.get(QUERY, headers={**origin, **bearer("p-1")})
    assert answer.get_json()["prediction"] == "setosa"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
    # A page must be able to read why it is refused.
    assert client.get(QUERY, headers=origin).headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert client.get(QUERY, headers=bearer("p-1")).headers["Vary"] == "Origin"


def test_no_page_of_another_site_reads_anything_without_the_setting(
    make_application: Callable[..., Application],
) -> None:
    client = Client(make_application().wsgi)

    for answer in (
        client.options("/prediction", headers=preflight("https://app.example")),
        client.get(QUERY, headers={"Origin": "https://app.example"}),
    ):
        assert answer.status_code == 200
        assert not [name for name in answer.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118 (its iteration gives pairs)


def test_a_page_that_reaches_the_service_by_another_name_is_told_nothing(
    make_application: Callable[..., Application],
) -> None:
    client = Client(make_application(CORS_ORIGINS="*", ALLOWED_HOSTS="iris").wsgi)

    assert (
        client.options("/prediction", headers={**preflight("http://evil.example"), **EVIL}).status_code == 421
    )
