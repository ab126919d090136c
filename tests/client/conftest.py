"""What the tests of files of rows and of clients share."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.row_files import read_rows
from infer_cli.client.row_writer import TextRows
from infer_cli.client.rows import Row
from infer_cli.client.service_client import ServiceClient
from infer_cli.client.unfinished import open_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    # The status, the body, and the headers as names and values.
    Answer = tuple[int, bytes, *tuple[tuple[str, str], ...]]

Rows = list[Row]

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 60
ROW = {"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}

FORMATS = [pytest.param(suffix, id=suffix[1:]) for suffix in (".csv", ".jsonl", ".parquet")]

ODD_ROWS: Rows = [
    {"id": 1, "size": 1.5, "note": 'say "hello", twice'},
    {"id": 2, "size": None, "note": "two\nlines"},
    {"id": 3, "size": -2.25, "note": "größe, 日本, 🌸"},
    {"id": 4, "size": 0.1, "note": "  spaces  "},
    {"id": 5, "size": 1e-300, "note": "'=SUM(A1)"},
]


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read_all(path: Path, batch_rows: int = 1000) -> Rows:
    return [row for batch in read_rows(path, batch_rows=batch_rows) for row in batch]


def write_all(path: Path | None, *batches: Sequence[Row]) -> str:
    if path is None:
        standard_output = io.StringIO()
        for batch in batches:
            TextRows(standard_output).write(batch)
        return standard_output.getvalue()
    with open_unfinished(path, start_over=False) as run:
        with contextlib.closing(run.writer()) as writer:
            for batch in batches:
                writer.write(batch)
            run.save({"output": writer.save()})
        run.complete(path.with_name("rejected.csv"))
    return ""


@pytest.fixture(scope="module")
def start_service() -> Iterator[Callable[..., str]]:
    """Start the real service with a model, as a process of its own; gives its URL."""
    processes = []

    def start(model: Path, **settings: str) -> str:
        url, process = started_service(model, free_port(), **settings)
        processes.append(process)
        return url

    yield start
    for process in processes:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started_service(model: Path, port: int, **more: str) -> tuple[str, subprocess.Popen[bytes]]:
    """The URL of a service that is ready, and its process."""
    settings = {"MODEL_FILE": str(model), "PORT": str(port), "HOST": "127.0.0.1", "WORKERS": "1", **more}
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(url, process)
    return url, process


def kill_service(process: subprocess.Popen[bytes]) -> None:
    """End a service and its workers, as a lack of memory ends them."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        if ServiceClient(url).is_ready():
            return
        time.sleep(0.05)
    pytest.fail("the service is not ready")


@pytest.fixture(scope="module")
def service(start_service: Callable[..., str], iris_folder: Path) -> str:
    """The URL of a service that tells the species of an iris."""
    return start_service(iris_folder / "model.pkl")


@pytest.fixture
def answering() -> Iterator[Callable[..., ServiceClient]]:
    """A client of something that gives these answers, one after the other; it closes idle connections."""
    servers = []

    def start(*answers: Answer) -> ServiceClient:
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body, *headers = left.pop(0)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                # Without saying so, as a service does that was idle for long.
                self.close_connection = True

            do_POST = do_GET  # noqa: N815 (its name in http.server)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        client = ServiceClient(f"http://127.0.0.1:{server.server_port}")
        servers.append((server, thread, client))
        return client

    yield start
    for server, thread, client in servers:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()
