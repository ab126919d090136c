"""`GET /metrics`, read as Prometheus' own library reads it."""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from service.admission import MOST_PREDICTIONS_AT_ONCE, Admission
from service.telemetry import prometheus
from service.telemetry.counters import Counters, Meter
from service.telemetry.processes import Usage
from service.telemetry.service_record import ServiceRecord
from service.workers.server import _share_counts
from tests.service.conftest import SLOW, needs_newer_granian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient, Service

    Start = Callable[..., Service]
    Key = tuple[str, tuple[tuple[str, str], ...]]

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
BODY = json.dumps({"rows": [ROW] * 3})
JSON = {"Content-Type": "application/json"}
# Chunked, so that the short way passes it on.
CHUNKED = {**JSON, "Transfer-Encoding": "chunked"}
# Method, path, body, headers; then the route and status it is counted as, and the rows predicted.
REQUESTS: list[tuple[str, str, str | None, dict[str, str], str, str, int]] = [
    ("GET", QUERY, None, {}, "/prediction", "200", 1),
    ("POST", "/prediction", BODY, JSON, "/prediction", "200", 3),
    ("POST", "/prediction", f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n", CHUNKED, "/prediction", "200", 3),
    ("GET", "/prediction?slength=wide", None, {}, "/prediction", "400", 0),
    ("POST", "/prediction", "{", JSON, "/prediction", "400", 0),
    ("PUT", "/prediction", None, {}, "/prediction", "405", 0),
    ("GET", "/model", None, {}, "/model", "200", 0),
    ("GET", "/livez", None, {}, "/livez", "200", 0),
    ("GET", "/nothing/here", None, {}, "other", "404", 0),
    ("GET", "/prediction/", None, {}, "other", "404", 0),
    # The last on its connection, as its body is not read.
    ("POST", "/prediction", "1", {"Content-Type": "text/plain"}, "/prediction", "415", 0),
]
if sys.version_info < (3, 10):
    # The last Granian for this Python refuses bodies sent without a length.
    REQUESTS = [request for request in REQUESTS if request[3] is not CHUNKED]
# The service then starts its workers as it does on macOS, where they share nothing unasked.
SPAWN = """
import multiprocessing
set_start_method = multiprocessing.set_start_method
multiprocessing.set_start_method = lambda method, force: set_start_method("spawn", force=force)
"""
START_DEADLINE_S = 60
FIRST = (("protocol", "infer"), ("route", "/prediction"), ("status", "200"))


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier)


def read(text: str) -> dict[Key, float]:
    """The samples by their names and labels."""
    samples = [sample for family in parse(text) for sample in family.samples]
    found = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def value(samples: dict[Key, float], name: str, **labels: str) -> float:
    if name == "infer_requests_total":
        labels.setdefault("protocol", "other" if labels["route"] == "other" else "infer")
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def scrape(connection: http.client.HTTPConnection) -> dict[Key, float]:
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    return read(response.read().decode())


def counts(samples: dict[Key, float]) -> dict[Key, float]:
    """What can only grow, but for the scrapes themselves and the time that they take."""
    return {
        (name, labels): number
        for (name, labels), number in samples.items()
        if name.endswith(("_total", "_bucket", "_count", "_sum"))
        and ("route", "/metrics") not in labels
        and name != "process_cpu_seconds_total"
    }


@pytest.fixture
def one_to_each(start_service: Start) -> Iterator[Callable[[Service], list[http.client.HTTPConnection]]]:
    """Connect until every worker has a connection; give one to each."""
    del start_service  # It ends before the service does.
    with contextlib.ExitStack() as stack:

        def connect(service: Service) -> list[http.client.HTTPConnection]:
            found: dict[int, http.client.HTTPConnection] = {}
            deadline = time.monotonic() + START_DEADLINE_S
            while len(found) < 2 and time.monotonic() < deadline:
                connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
                stack.enter_context(contextlib.closing(connection))
                with contextlib.suppress(OSError, http.client.HTTPException):
                    connection.request("GET", "/livez")
                    connection.getresponse().read()
                    found[worker_of(connection, service)] = connection
            assert len(found) == 2
            return list(found.values())

        yield connect


def worker_of(connection: http.client.HTTPConnection, service: Service) -> int:
    """The id of the process at the other end."""
    here = connection.sock.getsockname()
    (pid,) = [
        pid
        for pid in service.workers()
        if any(other.raddr == here for other in psutil.Process(pid).net_connections("tcp"))
    ]
    return pid


def ask(service: Service, times: int) -> None:
    """Send all kinds of requests so many times, over one connection each time."""
    for _ in range(times):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
        with contextlib.closing(connection):
            for method, path, body, headers, _, status, _ in REQUESTS:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                response.read()
                assert str(response.status) == status, (method, path)


def run_in_threads(count: int, target: Callable[..., None], *arguments: Any) -> None:
    threads = [threading.Thread(target=target, args=arguments) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_a_new_service_says(client: FlaskClient) -> None:
    response = client.get("/metrics")
    assert (response.status_code, response.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert response.headers["Cache-Control"] == "no-store"
    families = {family.name: family for family in parse(response.text)}
    assert {name: family.type for name, family in families.items()} == {
        "infer_requests": "counter",
        "infer_refused_requests": "counter",
        "infer_replaced_workers": "counter",
        "infer_reloads": "counter",
        "infer_request_duration_seconds": "histogram",
        "infer_request_rows": "histogram",
        "infer_predicted_rows": "counter",
        "infer_predicted_classes": "counter",
        "infer_predictions_in_progress": "gauge",
        "infer_workers": "gauge",
        "infer_model_info": "gauge",
        "process_cpu_seconds": "counter",
        "process_resident_memory_bytes": "gauge",
        "process_start_time_seconds": "gauge",
    }
    assert all(family.documentation.endswith((".", "1970.")) for family in families.values())
    samples = read(response.text)
    # A rate needs a first value.
    assert ("infer_requests_total", FIRST) in samples
    assert samples["infer_requests_total", FIRST] == 0
    assert value(samples, "infer_workers") == 1
    assert value(samples, "process_cpu_seconds_total") > 0.1
    assert value(samples, "process_resident_memory_bytes") > 10_000_000
    assert time.time() - 600 < value(samples, "process_start_time_seconds") <= time.time()


def test_the_model_is_named(client: FlaskClient) -> None:
    (model,) = [family for family in parse(client.get("/metrics").text) if family.name == "infer_model_info"]

    described = json.loads(client.get("/model").data)
    (sample,) = model.samples
    assert sample.value == 1
    assert sample.labels == {
        **{name: described[name] for name in ("digest", "estimator", "file", "kind")},
        "path": "lean",
    }


def test_metrics_take_no_other_method(client: FlaskClient) -> None:
    assert client.post("/metrics").status_code == 405

    assert (
        value(read(client.get("/metrics").text), "infer_requests_total", route="/metrics", status="405") == 1
    )


def test_a_refusal_for_lack_of_admission(client: FlaskClient) -> None:
    hot: Any = client.application.wsgi_app
    for _ in range(MOST_PREDICTIONS_AT_ONCE):
        hot._predictions.take()

    assert client.get(QUERY).status_code == 503

    samples = read(client.get("/metrics").text)
    assert value(samples, "infer_requests_total", route="/prediction", status="503") == 1
    assert value(samples, "infer_predictions_in_progress") == MOST_PREDICTIONS_AT_ONCE


@pytest.mark.parametrize(
    ("used", "said"),
    [
        pytest.param(None, set(), id="nothing"),
        pytest.param(
            Usage(frozenset(), 1.5, None), {"infer_workers", "process_cpu_seconds_total"}, id="memory"
        ),
    ],
)
def test_a_system_that_does_not_tell_all_of_processes(
    used: Usage | None, said: set[str], client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prometheus, "usage", lambda *_: used)

    samples = read(client.get("/metrics").text)

    of_processes = {"infer_workers", "process_cpu_seconds_total", "process_resident_memory_bytes"}
    assert of_processes & {name for name, _ in samples} == said
    assert value(samples, "infer_predictions_in_progress") == 0


def test_a_worker_that_finds_no_room_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, counters = Meter({}, Admission(), predict_at=["/prediction"]), Counters(ServiceRecord())
    monkeypatch.setattr(Counters, "regions", counters.regions[:0])

    _share_counts(meter, counters)

    (record,) = caplog.records
    assert "cannot share its counts" in record.getMessage()
    assert meter.counters is not counters


def test_nothing_of_it_is_imported_before_it_is_asked_for() -> None:
    script = (
        "import sys, service.workers.server; print([name for name in sys.modules if 'prometheus' in name])"
    )

    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert finished.stdout == "[]\n"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_every_request_is_counted_once_whichever_worker_is_asked(
    method: str,
    classifier: LogisticRegression,
    save: Callable[..., Path],
    start_service: Start,
    one_to_each: Any,
    tmp_path: Path,
) -> None:
    if method == "spawn":
        (tmp_path / "sitecustomize.py").write_text(SPAWN)
    # A worker that is spawned is another program.
    programs = str(int(method == "spawn"))
    service = start_service(save(classifier), WORKERS="2", THREADS="1", PROGRAMS=programs)
    threads, times = 12, 20
    connections = one_to_each(service)
    before = scrape(connections[0])

    run_in_threads(threads, ask, service, times)

    first, second = (scrape(connection) for connection in connections)
    assert counts(first) == counts(second)
    sent = Counter[tuple[str, str]]()
    for _, _, _, _, route, status, _ in REQUESTS:
        sent[route, status] += threads * times
    counted = {
        (route, status): value(first, "infer_requests_total", route=route, status=status)
        - value(before, "infer_requests_total", route=route, status=status)
        for route, status in sent
    }
    assert counted == sent
    of_prediction = sum(count for (route, _), count in sent.items() if route == "/prediction")
    assert value(first, "infer_request_duration_seconds_count") == of_prediction
    assert value(first, "infer_request_duration_seconds_bucket", le="+Inf") == of_prediction
    ends = {
        float(dict(labels)["le"]): number
        for (name, labels), number in first.items()
        if name == "infer_request_duration_seconds_bucket"
    }
    assert list(ends) == sorted(ends)
    assert list(ends.values()) == sorted(ends.values())
    assert math.inf in ends
    assert 0 < value(first, "infer_request_duration_seconds_sum") < 600
    rows = sum(rows for *_, rows in REQUESTS)
    assert value(first, "infer_predicted_rows_total") == rows * threads * times
    answered = sum(rows > 0 for *_, rows in REQUESTS) * threads * times
    assert value(first, "infer_request_rows_count") == answered
    assert value(first, "infer_request_rows_bucket", le="1") == threads * times
    assert value(first, "infer_request_rows_bucket", le="2") == threads * times
    assert value(first, "infer_request_rows_bucket", le="5") == answered
    assert value(first, "infer_request_rows_sum") == rows * threads * times
    assert value(first, "infer_predictions_in_progress") == 0
    assert value(first, "infer_workers") == 2
    assert len(first) < 90


def test_no_count_goes_back_when_a_worker_is_killed(
    classifier: LogisticRegression, save: Callable[..., Path], start_service: Start, one_to_each: Any
) -> None:
    service = start_service(save(classifier), WORKERS="2", THREADS="1")
    (killed, kept) = one_to_each(service)
    worker = worker_of(killed, service)
    run_in_threads(4, ask, service, 5)
    seen = [scrape(kept)]
    answers = Counter[int]()
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                answers[service.request("GET", QUERY)[0]] += 1

    # A daemon: a test that fails lets pytest end.
    busy = threading.Thread(target=go_on, daemon=True)
    busy.start()
    seen.append(scrape(killed))
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + START_DEADLINE_S
    while len(seen) < 5 or value(seen[-1], "infer_workers") < 2 or worker in service.workers():
        assert time.monotonic() < deadline
        seen.append(scrape(kept))
        time.sleep(0.05)
    both = one_to_each(service)
    is_over.set()
    busy.join()
    seen += [scrape(connection) for connection in both]

    for earlier, later in zip(seen, seen[1:]):
        for key, number in {**counts(earlier), **cpu_time(earlier)}.items():
            assert later[key] >= number, key
    assert counts(seen[-1]) == counts(seen[-2])
    answered = value(seen[-1], "infer_requests_total", route="/prediction", status="200")
    before = value(seen[0], "infer_requests_total", route="/prediction", status="200")
    # What was being answered by the one that was killed may have been counted, and not sent.
    assert before + answers[200] <= answered <= before + answers[200] + 1
    assert value(seen[-1], "infer_predictions_in_progress") == 0
    assert worker not in service.workers()


def cpu_time(samples: dict[Key, float]) -> dict[Key, float]:
    key: Key = ("process_cpu_seconds_total", ())
    return {key: samples[key]}


@needs_newer_granian
def test_predictions_in_progress_are_those_of_all_workers(
    save: Callable[..., Path], make_instance: Callable[[str, str], object], start_service: Start
) -> None:
    """And they are told while the model does not answer."""
    model_file = save(make_instance("Slow", SLOW), "slow.pkl")
    service = start_service(model_file, WORKERS="2")
    request = b"GET /prediction?x0=3600 HTTP/1.1\r\nHost: here\r\n\r\n"
    in_progress: list[float] = []
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            asking.sendall(request)
        deadline = time.monotonic() + START_DEADLINE_S
        while in_progress[-1:] != [20] and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
            with contextlib.closing(connection):
                in_progress.append(value(scrape(connection), "infer_predictions_in_progress"))

    assert in_progress[-1] == 20
