from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.building.compile_task import Parity
from infer_cli.commands.compile import _table
from tests.inspection.formats.test_compiled import SOUND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


@pytest.fixture
def folder(iris_folder: Path, tmp_path: Path) -> Path:
    """A model folder of the test's own."""
    return Path(shutil.copytree(iris_folder, tmp_path / "data"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("data", "--tag", "Iris"), "'Iris' is not a valid image name", id="wrong tag"),
        pytest.param(("data", "-o", "model.pkl"), "--output model.pkl is no name of", id="wrong suffix"),
        pytest.param(
            ("data/model.pkl", "--model-file", "model.pkl"), "--model-file needs a folder", id="no folder"
        ),
        pytest.param(("data", "--python", "3"), "--python 3 is not a version", id="no minor version"),
    ],
)
def test_options_that_cannot_be_are_wrong_usage(
    infer: Callable[..., Finished], folder: Path, options: tuple[str, ...], message: str
) -> None:
    finished = infer("compile", *options, cwd=folder.parent)

    assert finished.exit_code == 2
    assert f"error: {message}" in finished.stderr
    assert [path.name for path in folder.iterdir()] == ["model.pkl"]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        pytest.param("nowhere/model.pkl", "There is no nowhere/model.pkl.", id="no file"),
        pytest.param(".", "There is no model in .", id="no model"),
    ],
)
def test_a_model_that_is_not_there_is_an_error(
    infer: Callable[..., Finished], tmp_path: Path, what: str, message: str
) -> None:
    finished = infer("compile", what, cwd=tmp_path)

    assert finished.exit_code == 1
    assert f"error: {message}" in finished.stderr
    assert "hint: " in finished.stderr


def test_nothing_that_exists_is_written_over(infer: Callable[..., Finished], folder: Path) -> None:
    kept = folder / "compiled" / "model.lean"
    kept.parent.mkdir()
    kept.write_text("mine")

    finished = infer("compile", str(folder))

    assert finished.exit_code == 1
    assert f"error: {kept} exists already; nothing was done" in finished.stderr
    assert "--force" in finished.stderr
    assert kept.read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_an_error(infer: Callable[..., Finished], folder: Path) -> None:
    finished = infer("compile", str(folder), "-o", str(folder / "model.pkl" / "model.lean"))

    assert finished.exit_code == 1
    assert f"error: nothing can be written into {folder / 'model.pkl'}" in finished.stderr


def test_a_compiled_model_is_not_compiled_again(infer: Callable[..., Finished], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.lean", "w") as archive:
        archive.writestr("model.json", json.dumps(SOUND))

    finished = infer("compile", str(tmp_path))

    assert finished.exit_code == 2
    assert "model.lean is compiled already" in finished.stderr
    assert f"hint: build it: `infer build {tmp_path}/model.lean`" in finished.stderr


def test_an_unsafe_model_is_refused(infer: Callable[..., Finished], unsafe_folder: Path) -> None:
    finished = infer("compile", str(unsafe_folder), "--trust", "helpers")

    assert finished.exit_code == 1
    assert "posix.system" in finished.stderr
    assert [path.name for path in unsafe_folder.iterdir()] == ["model.pkl"]


def test_the_parity_is_shown_as_a_table() -> None:
    given = Parity(5, 0, 0.0, 0.0)
    generated = Parity(192, 0, 3e-13, 0.0)

    both = _table({"generated": generated, "given": given}, is_classifier=True)
    numbers = _table({"generated": generated, "given": None}, is_classifier=False)

    assert both.splitlines() == [
        "ROWS       COUNT  OTHER LABELS  LARGEST DIFFERENCE",
        "generated  192    0             3.0e-13",
        "given      5      0             0",
    ]
    assert numbers.splitlines()[1:] == ["generated  192    -             3.0e-13"]
