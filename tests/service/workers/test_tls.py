"""A service that speaks TLS, seen by clients of several kinds."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.certificates import make_pair
from tests.service.conftest import needs_newer_granian
from tests.service.workers.test_guard import HEAD
from tests.service.workers.test_supervisor import QUERY, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from tests.service.certificates import Pair
    from tests.service.conftest import Service

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "tls")


@pytest.fixture
def start(
    classifier: LogisticRegression, save: Callable[..., Path], launch: Callable[..., Service], pair: Pair
) -> Callable[..., Service]:
    """Start a service with the certificate, and wait until it is ready."""

    def started(**variables: str) -> Service:
        service = launch(save(classifier), **{"WORKERS": "1", **pair.settings, **variables})

        def is_ready() -> bool:
            assert service.process.poll() is None, service.log.read_text()
            with contextlib.suppress(OSError):
                return status_of(service, pair, "/readyz") == 200
            return False

        wait_for(is_ready)
        return service

    return started


def connect(service: Service, pair: Pair) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection("localhost", service.port, timeout=DEADLINE_S, context=pair.context)


def status_of(service: Service, pair: Pair, path: str) -> int:
    connection = connect(service, pair)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def test_clients_that_check_the_certificate(start: Callable[..., Service], pair: Pair) -> None:
    service = start(WORKERS="2")
    url = f"https://localhost:{service.port}{QUERY}"

    with urllib.request.urlopen(url, context=pair.context, timeout=DEADLINE_S) as response:
        assert json.load(response)["prediction"] == "setosa"
    old = pair.context
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with urllib.request.urlopen(url, context=old, timeout=DEADLINE_S) as response:
        assert response.status == 200
    # A client that does not know the certificate has no answer.
    with pytest.raises(OSError, match="certificate verify failed"):
        urllib.request.urlopen(url, timeout=DEADLINE_S)
    code, log = service.stop()
    assert code == 0
    assert "ERROR" not in log


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_checks_the_certificate(start: Callable[..., Service], pair: Pair) -> None:
    url = f"https://localhost:{start().port}{QUERY}"

    curl = ["curl", "--silent", "--show-error", "--max-time", str(DEADLINE_S), "--cacert"]
    done = subprocess.run([*curl, pair.certificate, url], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout)["prediction"] == "setosa"


def test_the_health_check(start: Callable[..., Service], pair: Pair) -> None:
    service = start()
    variables = {"PORT": str(service.port), **pair.settings}

    done = subprocess.run(
        [sys.executable, "-m", "service.health"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ('200 {"status":"ready"}\n', "")


@needs_newer_granian
def test_clients_that_speak_no_tls_keep_nobody_waiting(start: Callable[..., Service], pair: Pair) -> None:
    service = start()
    with contextlib.ExitStack() as stack:
        plain, silent, slow = (
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE_S))
            for _ in range(3)
        )
        plain.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        slow.sendall(b"\x16\x03\x01\x02\x00")

        assert status_of(service, pair, QUERY) == 200

        # An alert of TLS, and then the end: of none of them a word of HTTP.
        answer = b"".join(iter(lambda: plain.recv(1000), b""))
        assert answer[:1] in (b"\x15", b"")
        for one in (silent, slow):
            with contextlib.suppress(ConnectionError):
                assert b"HTTP" not in b"".join(iter(lambda: one.recv(1000), b""))  # noqa: B023 (called at once)
    assert status_of(service, pair, QUERY) == 200


@needs_newer_granian
def test_a_body_that_comes_too_slowly_is_ended(start: Callable[..., Service], pair: Pair) -> None:
    service = start()
    raw = socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE_S)
    with pair.context.wrap_socket(raw, server_hostname="localhost") as connection:
        connection.sendall(HEAD + b"99999\r\n\r\n{")
        connection.settimeout(0.2)
        answer, end = b"", time.monotonic() + DEADLINE_S
        while not answer and time.monotonic() < end:
            with contextlib.suppress(TimeoutError, socket.timeout):
                connection.send(b" ")
                answer = connection.recv(1000)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert status_of(service, pair, QUERY) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a service")
def test_a_confined_service_reads_neither_file(start: Callable[..., Service], pair: Pair) -> None:
    service = start(FILES="own")
    for file in pair:
        file.rename(file.with_suffix(".moved"))
    moved = pair._replace(certificate=pair.certificate.with_suffix(".moved"))

    # The next worker finds both as they were.
    (worker,) = service.workers()
    os.kill(worker, signal.SIGKILL)

    wait_for(lambda: service.workers() not in ([], [worker]))
    assert status_of(service, moved, QUERY) == 200


def test_a_pair_that_does_not_fit_is_one_line_before_anything_starts(
    classifier: LogisticRegression, save: Callable[..., Path], launch: Callable[..., Service], tmp_path: Path
) -> None:
    pair = make_pair(tmp_path / "tls")._replace(key=make_pair(tmp_path / "other").key)

    service = launch(save(classifier), **pair.settings)

    code, log = service.wait_for_end()
    assert (code, log) == (
        1,
        f"error: TLS_KEY {pair.key} is not the key of TLS_CERTIFICATE {pair.certificate}\n",
    )
