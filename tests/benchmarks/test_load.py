import http.server
import shutil
import threading
from collections.abc import Iterator

import pytest

from benchmarks.load import Request, drive, read_result
from benchmarks.problem import Problem

RESULT = (
    "Running 1s test\n"
    'result: {"requests": 300, "microseconds": 1500000, '
    '"p50": 1250, "p99": 9000, "refused": 0, "broken": 0}\n'
)


def test_the_rate_and_latencies_are_read() -> None:
    found = read_result(RESULT)
    assert (found.requests_per_s, found.p50, found.p99) == (200, 1.25, 9)


@pytest.mark.parametrize("kind", ["refused", "broken"])
def test_a_failed_request_is_a_problem(kind: str) -> None:
    with pytest.raises(Problem, match=r"of 300 requests .*4"):
        read_result(RESULT.replace(f'"{kind}": 0', f'"{kind}": 4'))


def test_no_answer_is_a_problem() -> None:
    with pytest.raises(Problem, match="answered no request"):
        read_result(RESULT.replace("300", "0"))


def test_without_a_result_the_problem_shows_the_error() -> None:
    with pytest.raises(Problem, match="unable to connect"):
        read_result("", "unable to connect to 127.0.0.1:1 Connection refused\n")


class _Counting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Each server has a subclass with a set of its own.
    bodies: set[tuple[bytes, str | None, str | None]] = set()  # noqa: RUF012 (see above)
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.add((body, self.headers["Content-Type"], self.headers["X-Length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[_Counting]]]:
    handler = type("Handler", (_Counting,), {"bodies": set()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever).start()
        yield f"http://127.0.0.1:{listening.server_port}", handler
        listening.shutdown()


needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
REQUESTS = [
    Request.of_json("/", {"rows": [1]}),
    Request("POST", "/", bytes(range(256)), "application/octet-stream", (("X-Length", "4"),)),
]


@needs_wrk
def test_wrk_sends_all_requests_in_turn(server: tuple[str, type[_Counting]]) -> None:
    url, handler = server
    assert drive(url, REQUESTS, connections=2, seconds=1).requests_per_s > 0
    assert handler.bodies == {
        (b'{"rows": [1]}', "application/json", None),
        (bytes(range(256)), "application/octet-stream", "4"),
    }


@needs_wrk
def test_wrk_counts_refused_requests(server: tuple[str, type[_Counting]]) -> None:
    url, handler = server
    handler.status = 503
    with pytest.raises(Problem, match="were refused"):
        drive(url, REQUESTS, connections=1, seconds=1)
