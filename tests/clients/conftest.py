"""Services that run as processes, one for each case; each is started once, and ended after all tests."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.cases import Case

# `.ci/clients` makes an environment that has the clients; no other has them all.
CLIENTS = ("tritonclient", "kserve", "mlflow", "sagemaker", "schemathesis", "openapi_python_client")
collect_ignore_glob = [] if all(map(importlib.util.find_spec, CLIENTS)) else ["test_*.py"]

ROOT = Path(__file__).parents[2]
START_DEADLINE_S = 120
MAX_BODY_BYTES = 1_000_000
# A name that the user gives, besides those that every model has.
NAME = "flowers"


@dataclass(frozen=True)
class Served:
    """A case, and the address of the service that serves its model."""

    case: Case
    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        """The address as Triton's clients take it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), urlopen(f"{self.url}/readyz") as answer:
                if answer.status == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"the service is not ready: {self.log.read_text()}")


@pytest.fixture
def served(request: pytest.FixtureRequest, serve: Callable[[str], Served]) -> Served:
    """Give the service of the case that a test names as its parameter, else that of the iris model."""
    return serve(getattr(request, "param", "strings"))


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    """Give the service of a case, which is started when a test asks for it first."""
    from tests.clients.cases import CASES  # noqa: PLC0415 (scikit-learn takes long to import)

    folder = tmp_path_factory.mktemp("services")
    started: dict[str, Served] = {}

    def serve_case(name: str) -> Served:
        if name not in started:
            started[name] = _start(CASES[name](), name, folder)
            started[name].wait_until_ready()
        return started[name]

    yield serve_case
    for served in started.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait()


def _start(case: Case, name: str, folder: Path) -> Served:
    model, log = folder / f"{name}.pkl", folder / f"{name}.log"
    model.write_bytes(pickle.dumps(case.model))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"MODEL_FILE": str(model), "HOST": "127.0.0.1", "PORT": str(port), "WORKERS": "1"}
    settings["MAX_BODY_BYTES"] = str(MAX_BODY_BYTES)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "MODEL_NAME": NAME, **settings},
            stderr=file,
            start_new_session=True,
        )
    return Served(case, name, process, port, log)
