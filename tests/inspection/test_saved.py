from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import Saved, saved_beside
from tests.inspection.files.mlflow_folders import write_mlflow

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_saved_beside_a_model_is_known(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "examples.jsonl").touch()
    record = {
        "python": "3.12",
        "packages": {"numpy": "2.1.0"},
        "requires": ["numpy"],
        "code": "code",
        "examples": "examples.jsonl",
    }
    (tmp_path / "infer.json").write_text(json.dumps({"saved": record}))

    assert saved_beside(tmp_path / "model.pkl") == Saved(
        "3.12", {"numpy": "2.1.0"}, ("numpy",), tmp_path / "code", tmp_path / "examples.jsonl"
    )


@pytest.mark.parametrize("name", ["..", "../x", "/etc", "link", "gone", 1, ""])
def test_only_what_lies_in_the_folder_belongs_to_the_model(tmp_path: Path, name: object) -> None:
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "infer.json").write_text(json.dumps({"saved": {"code": name, "examples": name}}))

    assert saved_beside(tmp_path / "model.pkl") == Saved()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"saved": 1}', '{"saved": {"packages": 1}}'])
def test_any_other_folder_has_nothing_saved(tmp_path: Path, text: str) -> None:
    (tmp_path / "infer.json").write_text(text)

    assert saved_beside(tmp_path / "model.pkl") is None


def test_a_folder_of_mlflow_tells_its_versions_and_example(tmp_path: Path) -> None:
    """The code of an MLflow folder is not used unasked."""
    file = write_mlflow(tmp_path, None)
    saved = saved_beside(file)
    assert saved is not None
    assert (saved.writer, saved.python, saved.code) == ("MLflow", "3.11", None)
    assert saved.packages["numpy"] == "2.4.6"
    assert saved.examples == tmp_path / "input_example.json"
    assert saved_beside(tmp_path / "other.pkl") is None
