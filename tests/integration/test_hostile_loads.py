"""Models that crash, loop or fill the memory: each command ends with the one line that says so.

The model is of a trusted module of the test, whose deed a variable of the container chooses.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import find_image
from infer_cli.engine.services import container_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

DEEDS = """
import ctypes, os
import numpy as np

class Hostile:
    n_features_in_ = 1

    def __setstate__(self, state):
        self.do(os.environ.get("AT_LOAD"))

    def __getstate__(self):
        return {"some": "state"}

    def predict(self, rows):
        self.do(os.environ.get("AT_ROW"))
        return np.ones(len(rows))

    def do(self, deed):
        if deed == "crash":
            ctypes.string_at(0)
        elif deed == "fill":
            self.kept = [b"x" * 2**20 for _ in range(2**14)]
        elif deed == "loop":
            while True:
                pass
"""
GET_IT_AGAIN = "The file is damaged, or made to do this: do not use it, and get the model again"


@dataclass(frozen=True)
class Hostile:
    """The image of the hostile model, the folder of the model, and that of its code."""

    image: str
    folder: Path
    code: Path


@pytest.fixture(scope="module")
def hostile(
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Hostile:
    root = tmp_path_factory.mktemp("hostile")
    made = Hostile(tag(), root / "data", root / "src")
    made.folder.mkdir()
    made.code.mkdir()
    (made.code / "deeds.py").write_text(DEEDS)
    _save(made, root)
    built = infer("build", *_build_options(made, made.image, base_image))
    assert built.exit_code == 0, built.stderr
    return made


def _save(made: Hostile, root: Path) -> None:
    program = (
        f"import deeds, pickle; pickle.dump(deeds.Hostile(), open({str(made.folder / 'model.pkl')!r}, 'wb'))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env={"PYTHONPATH": str(made.code)})


def _build_options(made: Hostile, name: str, base_image: str) -> list[str]:
    model = ["--model-dir", str(made.folder), "--code", str(made.code), "--features", "a"]
    return [*model, "--tag", name, "--base-image", base_image]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--env", "AT_LOAD=crash"), "it crashed compiled code with SIGSEGV (reading the file, in ctypes."),
        (
            ("--env", "AT_ROW=crash"),
            "it crashed compiled code with SIGSEGV (predicting the first rows, in ",
        ),
        (
            ("--env", "AT_LOAD=fill", "--memory", "400m"),
            "it does not fit into the memory of this container, which has 400 MiB (reading the file).",
        ),
        (
            ("--env", "AT_LOAD=fill", "--env", "MAX_LOAD_BYTES=500000000"),
            "loading it takes more than 477 MiB of memory (reading the file, in ",
        ),
        (
            # On a busy machine, the libraries alone may take some seconds before the file is read.
            ("--env", "AT_LOAD=loop", "--env", "MAX_LOAD_SECONDS=20"),
            "loading it takes more than 20 s (reading the file, in ",
        ),
    ],
)
def test_a_service_that_cannot_load_its_model_is_one_line(
    options: tuple[str, ...],
    said: str,
    engine: Engine,
    infer: Callable[..., Finished],
    hostile: Hostile,
    service_name: str,
) -> None:
    folder = ("--model-dir", str(hostile.folder))
    failed = infer("run", hostile.image, *folder, "-d", "--name", service_name, *options)

    assert failed.exit_code == 1
    [line] = [line for line in failed.stderr.splitlines() if line.startswith("error: ")]
    start = f"error: the service {service_name} ended while starting: cannot load /data/model.pkl: "
    assert line.startswith(f"{start}{said}")
    assert "the end of its log" not in failed.stderr
    assert service_name not in container_names(engine)


def test_the_proof_ends_with_the_line(
    engine: Engine,
    infer: Callable[..., Finished],
    hostile: Hostile,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    code = tmp_path / "src"
    code.mkdir()
    (code / "deeds.py").write_text(DEEDS.replace('os.environ.get("AT_ROW")', '"crash"'))
    changed = Hostile(tag(), hostile.folder, code)

    failed = infer("build", *_build_options(changed, changed.image, base_image))

    assert failed.exit_code == 1
    assert "ended while starting: cannot load /data/model.pkl: it crashed compiled code" in failed.stderr
    assert GET_IT_AGAIN in failed.stderr
    assert find_image(engine, changed.image) is None


def test_a_service_that_cannot_load_a_changed_model_ends_with_the_line_and_the_old_one_stays(
    infer: Callable[..., Finished], hostile: Hostile, service_name: str
) -> None:
    started = infer("run", hostile.image, "--model-dir", str(hostile.folder), "-d", "--name", service_name)
    assert started.exit_code == 0, started.stderr

    failed = infer(
        *("run", hostile.image, "--model-dir", str(hostile.folder), "-d", "--name", service_name),
        *("--replace", "--env", "AT_LOAD=crash"),
    )

    assert failed.exit_code == 1
    assert f"the new service {service_name} ended while starting: cannot load" in failed.stderr
    assert infer("predict", service_name, "a=1").exit_code == 0
