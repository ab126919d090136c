"""Servers that speak TLS, and whom clients believe."""

from __future__ import annotations

import contextlib
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.connection import address_of, open_connection, tls_context
from infer_cli.client.metrics import NoMetricsError, scrape
from infer_cli.client.predictions import Predictions
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import PredictionFailed, ServiceAway
from infer_cli.load.generator import run_load
from infer_cli.load.requests import PreparedRequest
from infer_cli.load.result import LoadPlan
from tests.client.conftest import ROW
from tests.service.certificates import make_pair

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from tests.service.certificates import Pair


class Answering(http.server.BaseHTTPRequestHandler):
    """Predicts 1 for everything, and closes the connection after each second answer without a word."""

    protocol_version = "HTTP/1.1"
    answered = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"predictions": [1]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.answered += 1
        self.close_connection = self.answered == 2

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (of the standard library)
        pass


@contextlib.contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """Answer by TLS during the block, and give the port."""
    with http.server.ThreadingHTTPServer(("", 0), Answering) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up are expected
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def server_context(pair: Pair) -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 (the types of this module need it only here)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "tls")


@pytest.fixture
def port(pair: Pair) -> Iterator[int]:
    with serving(server_context(pair)) as port:
        yield port


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:5000", ("localhost", 5000)),
        ("http://a", ("a", 80)),
        ("https://a", ("a", 443)),
        ("https://[::1]:7", ("::1", 7)),
    ],
)
def test_the_address_of_a_url(url: str, expected: tuple[str, int]) -> None:
    assert address_of(url) == expected


def test_plain_http_needs_no_context() -> None:
    assert tls_context("http://localhost:5000", Path("none")) is None


def test_the_known_certificate_is_believed_under_any_name(port: int, pair: Pair) -> None:
    # It bears localhost and 127.0.0.1 alone.
    client = ServiceClient(f"https://127.0.0.2:{port}", known=pair.certificate)

    with contextlib.closing(client), contextlib.closing(client.another()) as other:
        # The service ends the connection between the second and the third.
        for _ in range(5):
            assert client.predict([ROW]) == Predictions([1], None)
        assert other.predict([ROW]) == Predictions([1], None)
        assert client.certified_names == ("localhost", "127.0.0.1")
    assert client.another().certified_names == ()


def test_another_certificate_of_the_same_name_is_not_believed(port: int, tmp_path: Path) -> None:
    url, other = f"https://localhost:{port}", make_pair(tmp_path / "other").certificate

    with pytest.raises(PredictionFailed, match=f"^the certificate of {url} is not believed: "):
        ServiceClient(url, known=other).predict([ROW])
    with pytest.raises(NoMetricsError, match="its certificate is not believed"):
        scrape(url, timeout_s=60, known=other)
    assert not ServiceClient(url, known=other).is_ready()


def test_a_renewed_certificate_is_believed_from_then_on(port: int, pair: Pair, tmp_path: Path) -> None:
    known = tmp_path / "known.pem"
    known.write_text(make_pair(tmp_path / "other").certificate.read_text())
    client = ServiceClient(f"https://localhost:{port}", known=known)
    assert not client.is_ready()

    known.write_text(known.read_text() + pair.certificate.read_text())

    with contextlib.closing(client):
        assert client.predict([ROW]) == Predictions([1], None)


def test_without_a_known_certificate_authorities_and_names_decide(
    port: int, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PredictionFailed, match="is not believed: self-signed certificate") as caught:
        ServiceClient(f"https://localhost:{port}").predict([ROW])
    assert not isinstance(caught.value, ServiceAway)
    assert caught.value.hint is not None
    assert "SSL_CERT_FILE" in caught.value.hint

    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    with contextlib.closing(ServiceClient(f"https://localhost:{port}")) as client:
        assert client.predict([ROW]) == Predictions([1], None)
    with pytest.raises(PredictionFailed, match=r"is not believed: .*127\.0\.0\.2"):
        ServiceClient(f"https://127.0.0.2:{port}").predict([ROW])


def test_a_load_by_tls(port: int, pair: Pair) -> None:
    body = b'{"rows": [{}]}'
    head = f"POST /prediction HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    request = PreparedRequest(head + body, rows=(dict(ROW),))
    plan = LoadPlan(rate=20, duration_s=0.5, warm_up_s=0)

    result = run_load(f"https://localhost:{port}", [request], plan, known=pair.certificate)

    assert (result.answered, result.errors) == (10, 0)


def test_a_connection_is_not_opened_before_its_first_request() -> None:
    assert open_connection("https://localhost:1", timeout_s=1).sock is None
