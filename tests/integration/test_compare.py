"""`infer compare` with running services, and with images that are started for it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from infer_cli.plan import labels
from tests.conftest import open_to_all
from tests.engine_turns import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = "".join(f"{4 + n % 4},{2 + n % 3},{1 + n % 6},{n % 25 / 10}\n" for n in range(300))
    path.write_text(f"slength,swidth,plength,pwidth\n{lines}")
    return path


def temporary(engine: Engine) -> set[str]:
    """The containers that `infer compare` starts for itself; other tests may have some, too."""
    found = engine.api.containers(all=True, filters={"label": labels.TEMPORARY})
    return {name for one in found for name in one["Names"] if "infer-temporary-" in name}


def test_a_service_and_an_image_with_the_same_model_are_the_same(
    infer: Callable[..., Finished],
    engine: Engine,
    lasting_service: str,
    iris_image: str,
    iris_folder: Path,
    rows: Path,
) -> None:
    before = temporary(engine)

    finished = infer(
        *("compare", lasting_service, iris_image, "--model-dir", str(iris_folder)),
        *("--input", str(rows), "--batch", "100", "--json"),
    )

    assert finished.exit_code == 0, finished.stderr
    assert finished.record["same"]
    assert finished.record["compared"] == 300
    assert finished.record["b"]["batches"] == 3
    assert left_behind(partial(temporary, engine), before) == set()


def test_another_model_is_different(
    infer: Callable[..., Finished],
    engine: Engine,
    lasting_service: str,
    iris_image: str,
    iris_folder: Path,
    rows: Path,
    tmp_path: Path,
) -> None:
    model = pickle.loads((iris_folder / "model.pkl").read_bytes())
    model[-1].coef_ = model[-1].coef_[::-1]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model.pkl").write_bytes(pickle.dumps(model))
    open_to_all(tmp_path / "other")
    before = temporary(engine)

    finished = infer(
        *("compare", lasting_service, iris_image, "--model-dir", str(tmp_path / "other")),
        *("--input", str(rows), "--show", "1"),
    )

    assert finished.exit_code == 3, finished.stderr
    assert finished.stdout.endswith("The answers differ.\n")
    assert "labels: 0" not in finished.stdout
    assert left_behind(partial(temporary, engine), before) == set()


def test_images_of_a_comparison_that_is_interrupted_are_removed(
    infer_program: tuple[str, ...], engine: Engine, iris_image: str, iris_folder: Path, rows: Path
) -> None:
    before = temporary(engine)
    command = [*infer_program, "compare", iris_image, iris_image, "--model-dir", str(iris_folder)]
    process = subprocess.Popen(
        [*command, "--input", str(rows)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while temporary(engine) <= before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert temporary(engine) - before

    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (130, "interrupted\n")
    assert left_behind(partial(temporary, engine), before) == set()


def test_what_is_neither_a_service_nor_an_image_is_named(
    infer: Callable[..., Finished], iris_image: str, rows: Path
) -> None:
    missing = infer("compare", "no-such-thing", iris_image, "--input", str(rows))
    empty = infer("compare", iris_image, iris_image, "--input", str(rows))

    assert missing.exit_code == 1
    assert missing.stderr.startswith("error: there is no service called no-such-thing, and no image")
    assert empty.exit_code == 2
    assert empty.stderr.endswith("hint: say where the model is: --model-dir DIR\n")
