"""A service connects to nothing, whatever its model does, and still answers; `--egress` opens the way."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import open_to_all
from tests.integration.conftest import find_free_port, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

ANYWHERE = "0.0.0.0"  # noqa: S104 (a container reaches the host by the address of its network)
PROBES = ("the host", "another container", "UDP", "a name server", "IPv6", "its own port", "sending")
TRAIN = """
import pickle, sys, pandas
from probes import Prober
with open(sys.argv[1], "wb") as file:
    pickle.dump(Prober().fit(pandas.DataFrame({"probe": [0, 1]})), file, protocol=int(sys.argv[2]))
"""


@dataclass(frozen=True)
class Prober:
    """An image, and the folders of the model that tries to reach something, and of its code."""

    image: str
    folder: Path
    code: Path

    def train(self, protocol: int) -> None:
        """Write the model; another protocol makes another file."""
        command = [sys.executable, "-c", TRAIN, str(self.folder / "model.pkl"), str(protocol)]
        environment = {**os.environ, "PYTHONPATH": str(self.code)}
        subprocess.run(command, env=environment, check=True, timeout=300)
        open_to_all(self.folder)


class _Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, back = self.request
        back.sendto(data, self.client_address)


@contextmanager
def _listening(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])  # type: ignore[index]  # of the internet, so a pair
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def prober(
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Prober:
    """An image, and a model folder that holds the model alone."""
    code, folder = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("probes") / "data"
    folder.mkdir()
    (code / "probes.py").write_bytes((Path(__file__).parent / "probes.py").read_bytes())
    made = Prober(tag(), folder, code)
    made.train(4)
    given = ("--model-dir", str(folder), "--code", str(code / "probes.py"), "--features", "probe")
    built = infer("build", "--tag", made.image, *given, "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
    return made


@pytest.fixture(scope="module")
def targets(engine: Engine, lasting_service: str) -> Iterator[tuple[str, ...]]:
    """The options that tell the probes what they could reach: servers of the host, and another service."""
    raw = engine.api.inspect_container(lasting_service)["NetworkSettings"]["Networks"]
    network = next(iter(raw.values()))
    with ExitStack() as stack:
        pages = stack.enter_context(_listening(http.server.ThreadingHTTPServer((ANYWHERE, 0), _Hello)))
        echo = stack.enter_context(_listening(socketserver.UDPServer((ANYWHERE, 0), _Echo)))
        told = {
            "PROBE_HOST": network["Gateway"],
            "PROBE_PORT": pages,
            "PROBE_DATAGRAMS": echo,
            "PROBE_NEIGHBOUR": network["IPAddress"],
        }
        yield tuple(word for name, value in told.items() for word in ("--env", f"{name}={value}"))


def _reached(port: int) -> set[str]:
    body = json.dumps({"rows": [{"probe": number} for number in range(len(PROBES))]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/prediction", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        predictions = json.load(answer)["predictions"]
    return {name for name, reached in zip(PROBES, predictions, strict=True) if reached}


@pytest.mark.parametrize(
    ("options", "expected"),
    [pytest.param((), set(), id="closed"), pytest.param(("--egress",), set(PROBES), id="open")],
)
def test_a_service_reaches_nothing_unless_it_is_told_to(
    engine: Engine,
    infer: Callable[..., Finished],
    prober: Prober,
    targets: tuple[str, ...],
    options: tuple[str, ...],
    expected: set[str],
) -> None:
    port = find_free_port()
    prober.train(4)
    with unique_name(engine) as name:
        given = (
            "--model-dir",
            str(prober.folder),
            "-d",
            "--name",
            name,
            "--port",
            str(port),
            *targets,
            *options,
        )
        started = infer("run", prober.image, *given)
        assert started.exit_code == 0, started.stderr

        assert _reached(port) == expected
        assert infer("exec", name, "--", "python3", "-m", "service.health").exit_code == 0
        prober.train(5)
        restarted = infer("restart", name)
        assert restarted.exit_code == 0, restarted.stderr
        assert _reached(port) == expected
