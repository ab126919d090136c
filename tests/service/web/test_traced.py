from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

from service.application import build_application, with_spans
from service.settings import Settings
from service.tracing import Spans
from service.web.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

ROW = {"slength": 5.125, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def make(
    classifier: LogisticRegression, save: Callable[..., Path], exporter: InMemorySpanExporter
) -> Callable[..., Client]:
    def client_of(provider: TracerProvider | None = None, **settings: Any) -> Client:
        provider = provider or TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        application = build_application(Settings(save(classifier), **settings))
        return Client(with_spans(application, Spans(provider.get_tracer("test"))).wsgi)

    return client_of


@pytest.mark.parametrize(
    ("method", "path", "body", "name", "expected"),
    [
        pytest.param(
            "POST",
            "/prediction",
            {"rows": [ROW, ROW]},
            "POST /prediction",
            {"http.response.status_code": 200, "infer.rows": 2, "infer.protocol": "infer"},
            id="the fast path",
        ),
        pytest.param(
            "GET",
            "/prediction?slength=5.125&swidth=3.5&plength=1.4&pwidth=0.2",
            None,
            "GET /prediction",
            {"http.response.status_code": 200, "infer.rows": 1, "url.path": "/prediction"},
            id="a query",
        ),
        pytest.param(
            "POST",
            "/v1/models/model:predict",
            {"instances": [[*ROW.values()]]},
            "POST /v1/models/{model}:predict",
            {"http.response.status_code": 200, "infer.rows": 1, "infer.protocol": "kserve_v1"},
            id="another wire format",
        ),
        pytest.param(
            "POST",
            "/prediction",
            {"rows": [{**ROW, "slength": "5.125 cm"}]},
            "POST /prediction",
            {"http.response.status_code": 400, "infer.rows": 0},
            id="a refusal",
        ),
        pytest.param(
            "GET", "/model", None, "GET /model", {"http.route": "/model"}, id="what is no prediction"
        ),
        pytest.param("GET", "/secret", None, "GET", {"http.response.status_code": 404}, id="no such path"),
        pytest.param(
            "STEAL", "/model", None, "HTTP /model", {"http.request.method": "_OTHER"}, id="no method"
        ),
    ],
)
def test_each_request_is_a_span_without_values(
    make: Callable[..., Client],
    exporter: InMemorySpanExporter,
    method: str,
    path: str,
    body: Any,
    name: str,
    expected: dict[str, Any],
) -> None:
    make().open(path, method=method, json=body)

    [span] = exporter.get_finished_spans()
    assert (span.name, span.kind) == (name, SpanKind.SERVER)
    attributes = dict(span.attributes or {})
    assert {key: attributes.get(key) for key in expected} == expected
    assert str(attributes["infer.model.digest"]).startswith("sha256:")
    assert "5.125" not in json.dumps(attributes)
    assert ("http.route" in attributes) == (path != "/secret")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/v2/health/ready"])
def test_whether_the_service_is_well_is_no_span(
    make: Callable[..., Client], exporter: InMemorySpanExporter, path: str
) -> None:
    assert make().get(path).status_code == 200
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("given", "is_child"),
    [
        pytest.param(f"00-{TRACE}-{PARENT}-01", True, id="a trace"),
        pytest.param("00-zz", False, id="no trace"),
    ],
)
def test_the_span_is_part_of_the_callers_trace_and_named_in_the_request_log(
    make: Callable[..., Client],
    exporter: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    given: str,
    *,
    is_child: bool,
) -> None:
    caplog.set_level(logging.INFO, "service")
    make(request_log=True).post("/prediction", json=ROW, headers={"traceparent": given})

    [span] = exporter.get_finished_spans()
    trace = f"{span.context.trace_id:032x}"
    assert (trace == TRACE) is is_child
    assert (span.parent is not None) is is_child
    [record] = [record for record in caplog.records if hasattr(record, "fields")]
    assert record.fields["trace_id"] == trace


def test_a_request_that_is_not_sampled_is_answered_alike(
    make: Callable[..., Client], exporter: InMemorySpanExporter
) -> None:
    assert make(TracerProvider(sampler=ALWAYS_OFF)).post("/prediction", json=ROW).status_code == 200
    assert exporter.get_finished_spans() == ()


def test_a_failure_of_the_application_is_a_span_with_an_error(
    make: Callable[..., Client], exporter: InMemorySpanExporter
) -> None:
    traced: Any = make().application
    assert isinstance(traced, Traced)

    def fail(*_: object) -> Any:
        raise KeyError

    traced.application = fail
    with pytest.raises(KeyError):
        Client(traced).post("/prediction", json=ROW)

    [span] = exporter.get_finished_spans()
    assert (span.attributes or {})["error.type"] == "500"
    assert not span.status.is_ok
