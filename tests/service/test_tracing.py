"""Traces of a service in its own processes; what receives them reads them with OpenTelemetry's package."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from service import tracing
from service.tracing import open_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
DEADLINE_S = 60


class Collector(ThreadingHTTPServer):
    """Receives spans by OTLP over HTTP, as OpenTelemetry's collector does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[dict[str, str], Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def wait_for(self, count: int) -> list[tuple[dict[str, str], Any]]:
        deadline = time.monotonic() + DEADLINE_S
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.received


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.append(self.headers["x-key"])
        for group in sent.resource_spans:
            resource = {one.key: one.value.string_value for one in group.resource.attributes}
            self.server.received += [(resource, span) for scope in group.scope_spans for span in scope.spans]
        self.send_response(200 if self.path == "/v1/traces" else 404)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def start_traced(
    start_service: Callable[..., Service], save: Callable[..., Path], classifier: LogisticRegression
) -> Callable[..., Service]:
    def start(endpoint: str, **variables: str) -> Service:
        traced = {"EGRESS": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        return start_service(save(classifier), **{**traced, **variables})

    return start


def test_spans_of_all_workers_reach_a_collector(
    start_traced: Callable[..., Service], collector: Collector
) -> None:
    service = start_traced(
        collector.url,
        WORKERS="2",
        MODEL_NAME="flowers",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
        OTEL_EXPORTER_OTLP_HEADERS="x-key=secret",
    )
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "traceparent": f"00-{TRACE}-{PARENT}-01"}
        connection.request("POST", "/prediction", json.dumps({"rows": [ROW, ROW]}), headers)
        assert connection.getresponse().status == 200

    [(resource, span)] = collector.wait_for(1)
    attributes = {one.key: one.value for one in span.attributes}
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.name) == (TRACE, PARENT, "POST /prediction")
    assert attributes["infer.rows"].int_value == 2
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("flowers", "test")
    assert set(collector.keys) == {"secret"}
    assert "secret" not in service.log.read_text()


def test_the_last_spans_are_sent_when_the_service_stops(
    start_traced: Callable[..., Service], collector: Collector
) -> None:
    # Sending them takes a moment. A machine that is so busy that 2 s are not enough gets another try.
    for _ in range(5):
        service = start_traced(collector.url, WORKERS="1", OTEL_BSP_SCHEDULE_DELAY="600000")
        assert service.request("POST", "/prediction", ROW)[0] == 200
        assert service.stop()[0] == 0
        if collector.received:
            break

    # What one try sent may arrive during the next.
    assert {span.name for _, span in collector.received} == {"POST /prediction"}


@pytest.mark.parametrize("hangs", [True, False], ids=["it hangs", "it is down"])
def test_no_request_waits_for_a_collector(start_traced: Callable[..., Service], *, hangs: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if hangs:
            silent.listen(64)
        service = start_traced(
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            WORKERS="1",
            OTEL_BSP_MAX_QUEUE_SIZE="4",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="2",
            OTEL_EXPORTER_OTLP_TIMEOUT="1",
        )
        assert {service.request("POST", "/prediction", ROW)[0] for _ in range(50)} == {200}
        deadline = time.monotonic() + DEADLINE_S
        while "have a problem" not in service.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        code, log = service.stop()

    assert code == 0
    assert "traces, not requests, have a problem" in log
    assert "Traceback" not in log


def test_the_end_of_a_worker_does_not_wait_for_a_collector_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracing, "_DRAIN_S", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
        opened = open_spans("flowers", {})
        assert opened is not None
        spans, close = opened
        spans.start("GET", {}, {}).end(200, {})

        # It returns, although the collector answers nothing.
        close()


@pytest.mark.parametrize(
    ("variables", "has_packages", "said"),
    [
        pytest.param({"EGRESS": "0"}, True, "Start it with --egress (EGRESS=1)", id="no way out"),
        pytest.param({"EGRESS": "1"}, False, "infer build --tracing MODEL", id="no packages"),
    ],
)
def test_why_no_traces_are_sent_is_said(
    start_traced: Callable[..., Service],
    collector: Collector,
    tmp_path: Path,
    variables: dict[str, str],
    *,
    has_packages: bool,
    said: str,
) -> None:
    if not has_packages:
        (tmp_path / "opentelemetry").mkdir()
        (tmp_path / "opentelemetry" / "__init__.py").write_text("raise ImportError")
    service = start_traced(collector.url, WORKERS="1", **variables)
    assert service.request("POST", "/prediction", ROW)[0] == 200
    code, log = service.stop()

    assert code == 0
    assert log.count(said) == 1
    assert collector.received == []


def test_variables_that_cannot_be_used_end_no_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")

    assert open_spans("flowers", {}) is None
    assert "a variable OTEL_… cannot be used" in caplog.text
