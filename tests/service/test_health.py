from __future__ import annotations

import contextlib
import http.server
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.health import main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Answer every request with this status and body; give the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_status_of_the_answer_decides(
    status: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(status, b'{"status": "so"}\n') as port:
        monkeypatch.setenv("PORT", str(port))

        assert main() == code

    assert capsys.readouterr().out == f'{status} {{"status": "so"}}\n'


def test_the_health_check_runs_as_a_program() -> None:
    with answering(200, b"yes") as port:
        done = subprocess.run(
            [sys.executable, "-m", "service.health"],
            cwd=ROOT,
            env={"PORT": str(port)},
            capture_output=True,
            text=True,
            check=True,
        )

    assert (done.stdout, done.stderr) == ("200 yes\n", "")


def test_no_answer_is_told_with_the_port(
    free_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", str(free_port))

    assert main() == 1

    assert capsys.readouterr().out.startswith(f"no answer on port {free_port}: ")


def test_one_worker_that_answers_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first connections come to workers that do not answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as opened:
        monkeypatch.setenv("PORT", str(listener.getsockname()[1]))

        def answer_the_third() -> None:
            for number in range(3):
                connection = opened.enter_context(listener.accept()[0])
                connection.recv(65536)
                if number == 2:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")

        thread = threading.Thread(target=answer_the_third)
        thread.start()

        assert main() == 0
        thread.join()

    assert capsys.readouterr().out == "200 yes\n"


def test_no_worker_that_answers_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service.health.TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("PORT", str(listener.getsockname()[1]))

        assert main() == 1

    assert "timed out" in capsys.readouterr().out


def test_a_port_that_is_not_a_number_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "http")

    assert main() == 1

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_health_check_imports_only_the_standard_library() -> None:
    code = "import sys, service.health; print({'flask', 'numpy', 'granian'} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "set()"
