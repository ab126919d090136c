"""What tests of several folders share: a trained model, the command line, and the engine."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from infer_cli.engine.connection import Engine, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IRIS_COLUMNS = ["slength", "swidth", "plength", "pwidth"]
FIRST_IRIS = {"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}


@dataclass(frozen=True)
class Finished:
    """A command of infer that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> Any:
        """The one object that `--json` prints."""
        return json.loads(self.stdout)


@pytest.fixture(scope="session")
def iris_model() -> Any:
    """A pipeline trained on named columns."""
    from sklearn.datasets import load_iris  # noqa: PLC0415 (slow to import)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    iris = load_iris(as_frame=True)
    measures = iris.data.set_axis(IRIS_COLUMNS, axis="columns")
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(measures, iris.target_names[iris.target])


@pytest.fixture(scope="session")
def iris_folder(iris_model: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that any user can read."""
    folder = tmp_path_factory.mktemp("iris") / "data"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(iris_model))
    for path in (folder, *list(folder.parents)[:3]):
        path.chmod(0o755)
    return folder


@pytest.fixture
def unsafe_folder(tmp_path: Path) -> Path:
    """A model folder whose model names own code, and what a model never needs."""
    folder = tmp_path / "unsafe"
    folder.mkdir()
    pickled = (
        b"\x80\x04chelpers.models\nMine\n)\x81}(\x8c\x01acposix\nsystem\n\x8c\x01bchelpers.more\nkept\nub."
    )
    (folder / "model.pkl").write_bytes(pickled)
    return folder


@pytest.fixture(scope="session")
def infer_program() -> tuple[str, ...]:
    """The words that start infer as its own process."""
    return (sys.executable, "-m", "infer_cli")


@pytest.fixture(scope="session")
def infer(infer_program: tuple[str, ...]) -> Callable[..., Finished]:
    """Run infer as a user does, without a terminal."""

    def run(*arguments: str, given: bytes = b"", cwd: Path | None = None, **environment: str) -> Finished:
        finished = subprocess.run(
            [*infer_program, *arguments],
            input=given,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, **environment},
            timeout=300,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout.decode(), finished.stderr.decode())

    return run


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The real engine."""
    connected = connect()
    yield connected
    connected.api.close()
