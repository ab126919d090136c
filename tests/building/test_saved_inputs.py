from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infer_cli.building.inputs import read_inputs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder as infer_cli.save writes one."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "own_code.py").touch()
    (tmp_path / "examples.jsonl").touch()
    (tmp_path / "model.pkl").touch()
    saved = {"code": "code", "examples": "examples.jsonl"}
    (tmp_path / "infer.json").write_text(json.dumps({"saved": saved}))
    return tmp_path


@pytest.mark.parametrize("name", ["", "model.pkl"])
def test_what_was_saved_with_a_model_is_taken(folder: Path, name: str) -> None:
    notes: list[str] = []

    code, trusted, examples = read_inputs(folder / name, None, None, None, notes.append)

    assert (set(code.modules), trusted, examples) == ({"own_code"}, ("own_code",), folder / "examples.jsonl")
    assert [str(folder / "code") in notes[0], str(folder / "examples.jsonl") in notes[1]] == [True, True]


def test_what_the_user_gives_comes_first(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    notes: list[str] = []

    code, trusted, examples = read_inputs(
        folder, [tmp_path / "mine.py"], ["other"], tmp_path / "rows.csv", notes.append
    )

    assert (set(code.modules), trusted, examples, notes) == (
        {"mine"},
        ("mine", "other"),
        tmp_path / "rows.csv",
        [],
    )


def test_another_folder_gives_nothing(tmp_path: Path) -> None:
    for model in (None, tmp_path, tmp_path / "gone"):
        code, trusted, examples = read_inputs(model, None, None, None, pytest.fail)

        assert (code.files, trusted, examples) == ((), (), None)


def test_the_example_of_mlflow_proves_without_being_called_answers(tmp_path: Path) -> None:
    (tmp_path / "model.ubj").touch()
    (tmp_path / "input_example.json").write_text('{"columns": ["a"], "data": [[1.0]]}')
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  xgboost:\n    data: model.ubj\n    model_format: ubj\n    xgb_version: 2.1.4\n"
        "saved_input_example_info:\n  artifact_path: input_example.json\n"
        "  type: dataframe\n  pandas_orient: split\n"
    )
    notes: list[str] = []

    _, _, examples = read_inputs(tmp_path, None, None, None, notes.append)

    assert examples == tmp_path / "input_example.json"
    assert [("which MLflow wrote" in note, "own" in note) for note in notes] == [(True, False)]
