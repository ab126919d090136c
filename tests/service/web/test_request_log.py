from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from service.logs import JsonFormatter
from service.web.request_log import HEADER, RequestLog
from tests.service.conftest import app_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from service.loading.model_file import LoadedModel

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def client(classifier: LogisticRegression, load: Callable[[object], LoadedModel]) -> Client:
    fast_path: Any = app_of(load(classifier)).wsgi_app
    return Client(RequestLog(fast_path, fast_path.model_slot))


def fields_of(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    [record] = [record for record in caplog.records if hasattr(record, "fields")]
    found: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return found


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "rows"),
    [
        pytest.param("POST", "/prediction", {"rows": [ROW, ROW]}, 200, 2, id="the fast path"),
        pytest.param("POST", "/prediction?output=predict", {"rows": [ROW]}, 200, 1, id="an output"),
        pytest.param("GET", "/livez", None, 200, 0, id="Flask"),
        pytest.param("POST", "/prediction", {"rows": []}, 400, 0, id="a refusal"),
        pytest.param("GET", "/secret%0Apath", None, 404, 0, id="no such path"),
    ],
)
def test_each_request_is_one_line(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: Any,
    status: int,
    rows: int,
) -> None:
    caplog.set_level(logging.INFO, "service")
    response = client.open(path, method=method, json=body)

    found = fields_of(caplog)
    assert (response.status_code, found["status"], found["rows"]) == (status, status, rows)
    assert found["bytes"] == len(response.data)
    assert found["request_id"] == response.headers[HEADER]
    assert "\n" not in found["message"]
    assert "5.1" not in found["message"]


def test_a_query_is_not_written(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service")
    response = client.get("/prediction?slength=5.125&swidth=3.5&plength=1.4&pwidth=0.2")

    assert response.status_code == 200
    assert fields_of(caplog)["path"] == "/prediction"
    assert "5.125" not in caplog.text


@pytest.mark.parametrize(
    ("headers", "identifier", "trace"),
    [
        pytest.param({HEADER: "abc-1"}, "abc-1", None, id="the client's"),
        pytest.param({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE, TRACE, id="of the trace"),
        pytest.param(
            {HEADER: "abc-1", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, "abc-1", TRACE, id="both"
        ),
        pytest.param({HEADER: "a b"}, None, None, id="with a space"),
        pytest.param({HEADER: "x" * 129}, None, None, id="too long"),
        pytest.param({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None, None, id="no trace"),
    ],
)
def test_the_identifier_goes_into_the_log_and_back(
    client: Client,
    caplog: pytest.LogCaptureFixture,
    headers: dict[str, str],
    identifier: str | None,
    trace: str | None,
) -> None:
    caplog.set_level(logging.INFO, "service")
    response = client.get("/livez", headers=headers)

    found = fields_of(caplog)
    assert found.get("trace_id") == trace
    assert response.headers[HEADER] == found["request_id"]
    if identifier is None:
        assert len(found["request_id"]) == 32
    else:
        assert found["request_id"] == identifier
