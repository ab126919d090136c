"""A program that gives metrics as a service does, as fast as it is told to."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT = """\
# HELP infer_requests_total Requests answered; a path that is not one of the service's is the route "other".
# TYPE infer_requests_total counter
infer_requests_total{route="/prediction",status="200"} 1.068275e+06
infer_requests_total{route="/prediction",status="400"} 2.0
infer_requests_total{route="/readyz",status="200"} 279.0
# TYPE infer_request_duration_seconds histogram
infer_request_duration_seconds_bucket{le="5e-05"} 1.026471e+06
infer_request_duration_seconds_bucket{le="10.0"} 1.068276e+06
infer_request_duration_seconds_bucket{le="+Inf"} 1.068277e+06
infer_request_duration_seconds_count 1.068277e+06
infer_request_duration_seconds_sum 28.985549382
infer_predicted_rows_total 3.085688e+06
infer_predictions_in_progress 0.0
infer_workers 2.0
process_cpu_seconds_total 55.22
process_resident_memory_bytes 1.51561216e+08
infer_model_info{digest="sha256:d8",estimator="A \\"B\\"",file="my \\\\ {model}.pkl",kind="classifier"} 1.0
process_start_time_seconds 1.7957580791637971e+09
"""


class Told:
    """What the program answers to `GET /metrics`, and when."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.text = TEXT
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@contextmanager
def told_server() -> Iterator[Told]:
    """Start the program on a free port; it ends with the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.may_answer.wait(30)
            body = told.text.encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told = Told(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        told.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def start_told() -> Iterator[Callable[[], Told]]:
    """Start programs that end after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(told_server())
