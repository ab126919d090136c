from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from service.application import make_served_model
from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.prediction.served_model import ModelSlot
from service.schema.row_limit import MOST_ROWS
from service.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flask import Flask
    from flask.testing import FlaskClient

    from service.loading.model_file import LoadedModel

    MakeClient = Callable[..., FlaskClient]

# Estimators of scikit-learn and tables of pandas, which have no types.
Fitted = Any
Frame = Any
# A table with named columns, and the class of each row.
Iris = tuple[Frame, Frame]
# Parsed JSON: a test knows what is in it.
Json = Any

ROOT = Path(__file__).parents[2]
COLUMNS = ["slength", "swidth", "plength", "pwidth"]
# Marks what the last Granian for Python 3.9 cannot do: see service/requirements.txt.
needs_newer_granian = pytest.mark.skipif(
    sys.version_info < (3, 10),
    reason="with Granian 2.5.7, health checks wait behind predictions, and chunked bodies are refused",
)
START_DEADLINE_S = 60
END_DEADLINE_S = 60
# A class of models that take as many seconds for a prediction as their only feature says.
SLOW = """
import time
class Slow:
    n_features_in_ = 1
    def predict(self, table):
        time.sleep(table[0][0])
        return [0]
"""


@pytest.fixture(scope="session")
def iris() -> Iris:
    """Give a table with named columns, and the species of each row by its name."""
    data = load_iris(as_frame=True)
    names = dict(enumerate(data.target_names))
    return data.data.set_axis(COLUMNS, axis=1), data.target.map(names).astype(object)


@pytest.fixture(scope="session")
def classifier(iris: Iris) -> LogisticRegression:
    return LogisticRegression(max_iter=500).fit(*iris)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save a model with joblib."""

    def write(estimator: object, name: str = "model.joblib") -> Path:
        file = tmp_path / name
        joblib.dump(estimator, file)
        return file

    return write


@pytest.fixture
def load(save: Callable[..., Path]) -> Callable[[object], LoadedModel]:
    """Load an estimator from a file, as every model is loaded."""

    def load_saved(estimator: object) -> LoadedModel:
        return load_model(save(estimator), trusted=(type(estimator).__module__,))

    return load_saved


@pytest.fixture
def make_predictor(load: Callable[[object], LoadedModel]) -> Callable[[object], Predictor]:
    """Make a predictor of an estimator that is loaded from a file."""

    def make(estimator: object) -> Predictor:
        return Predictor(load(estimator).model)

    return make


def app_of(
    loaded: LoadedModel,
    *,
    max_body_bytes: int = 10_000_000,
    refuses_unknown: bool = False,
    counts_inputs: bool = False,
    max_rows: int = MOST_ROWS,
    request_seconds: float | None = None,
) -> Flask:
    """Make the whole application for a loaded model."""
    served = make_served_model(
        loaded, refuses_unknown=refuses_unknown, counts_inputs=counts_inputs, max_rows=max_rows
    )
    slot = ModelSlot(served)
    app, _ = create_app(slot, max_body_bytes=max_body_bytes, request_seconds=request_seconds)
    return app


@pytest.fixture
def make_client(load: Callable[[object], LoadedModel]) -> MakeClient:
    """Make a client of the whole application that serves an estimator."""

    def make(estimator: object, **options: Any) -> FlaskClient:
        return app_of(load(estimator), **options).test_client()

    return make


@pytest.fixture
def make_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], object]:
    """Make an object of a class whose code is in a module in `tmp_path`.

    A process that loads the object needs `tmp_path` as its PYTHONPATH.
    """

    def make(class_name: str, code: str) -> object:
        module = f"code_of_{class_name.lower()}"
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        # Another test may have had a class of this name.
        sys.modules.pop(module, None)
        instance: object = getattr(importlib.import_module(module), class_name)()
        return instance

    return make


@dataclass
class Service:
    """A service that runs in its own processes."""

    process: subprocess.Popen[bytes]
    port: int
    # A pipe that nobody reads would hold the service up once it is full.
    log: Path

    def request(
        self, method: str, path: str, body: object = None, *, timeout_s: float = 30
    ) -> tuple[int, Json]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        with contextlib.closing(connection):
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.request("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        pytest.fail(f"the service is not ready: {self.stop()}")

    def stop(self) -> tuple[int, str]:
        """Stop the service as an engine stops a container; give the exit code and the log."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait_for_end()

    def wait_for_end(self) -> tuple[int, str]:
        """Give the exit code and the log of the service."""
        code = self.process.wait(timeout=END_DEADLINE_S)
        return code, self.log.read_text()

    def servers(self) -> list[int]:
        """Give the process id of the server, in a list: it is the child of the process that watches it."""
        return _children(self.process.pid)

    def workers(self) -> list[int]:
        """Give the process ids of the workers, which are the children of the server."""
        return [worker for server in self.servers() for worker in _children(server)]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def launch(free_port: int, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start `python -m service` with environment variables, on a free port; end it after the test."""
    services: list[Service] = []

    def start(model_file: Path | str, **variables: str) -> Service:
        own_code = " ".join(file.stem for file in tmp_path.glob("*.py"))
        settings = {"MODEL_FILE": str(model_file), "PORT": str(free_port), "TRUST": own_code, **variables}
        log = tmp_path / f"service-{len(services)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "service"],
                cwd=ROOT,
                env=environment(settings, tmp_path),
                stderr=file,
                start_new_session=True,
            )
        services.append(Service(process, free_port, log))
        return services[-1]

    yield start
    for service in services:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()


def environment(variables: Mapping[str, str], python_path: Path) -> dict[str, str]:
    """Give an environment with these variables and the loopback address, and no variables of the tester."""
    return {"HOST": "127.0.0.1", "PATH": os.environ["PATH"], "PYTHONPATH": str(python_path), **variables}


@pytest.fixture
def start_service(launch: Callable[..., Service]) -> Callable[..., Service]:
    """Start the service and wait until it is ready."""

    def start(model_file: Path, **variables: str) -> Service:
        service = launch(model_file, **variables)
        service.wait_until_ready()
        return service

    return start
