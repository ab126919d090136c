from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from infer_cli.inspection import inspect_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished


def test_the_example_is_written_and_trains(infer: Callable[..., Finished], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "iris"
    finished = infer("init", str(folder))

    trained = subprocess.run(
        [sys.executable, folder / "train.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    model = inspect_model(folder / "data" / "model.pkl")
    assert finished.exit_code == 0
    assert f"cd {folder}" in finished.stdout
    assert trained.stdout.startswith("accuracy on the training data: 0.9")
    assert model.kind == "classifier"
    assert model.feature_names == ("slength", "swidth", "plength", "pwidth")
    assert model.classes == ("setosa", "versicolor", "virginica")


def test_the_commands_that_follow_are_those_of_this_program(
    infer: Callable[..., Finished], tmp_path: Path
) -> None:
    infer("init", cwd=tmp_path)

    text = (tmp_path / "NEXT.md").read_text()
    for command in ("build", "run", "predict", "logs", "exec", "stop"):
        assert f"`infer {command}" in text
        assert infer(command, "--help").exit_code == 0


def test_a_script_gets_the_files_that_were_written(infer: Callable[..., Finished], tmp_path: Path) -> None:
    finished = infer("init", "--json", cwd=tmp_path)

    assert finished.record == {"files": ["train.py", "NEXT.md"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NEXT.md", "train.py"]


def test_in_the_current_folder_no_cd_is_shown(infer: Callable[..., Finished], tmp_path: Path) -> None:
    assert "cd " not in infer("init", cwd=tmp_path).stdout


def test_a_file_that_exists_is_kept(infer: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "NEXT.md").write_text("mine")

    finished = infer("init", cwd=tmp_path)

    assert finished.exit_code == 1
    assert finished.stderr == (
        "error: NEXT.md exists already; nothing was written\nhint: choose another folder: `infer init DIR`\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["NEXT.md"]
    assert (tmp_path / "NEXT.md").read_text() == "mine"


def test_a_file_in_the_folders_place_is_an_error(infer: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "iris").touch()

    finished = infer("init", "iris", cwd=tmp_path)

    assert finished.exit_code == 1
    assert finished.stderr == "error: cannot write the example into iris: File exists\n"
