from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.terminal.words import looks_like_file, looks_like_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("iris", False),
        ("iris:v1", False),
        ("registry.example:5000/team/iris:v1", False),
        ("model.pkl", True),
        ("data/Model.JOBLIB", True),
        ("./iris", True),
        ("/iris", True),
        ("~/iris", True),
    ],
)
def test_a_path_is_told_from_an_image(word: str, *, expected: bool) -> None:
    assert looks_like_file(word) is expected
    assert looks_like_model(word) is expected


def test_a_file_with_an_ending_is_a_model_and_one_without_may_be_an_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "booster.ubj").touch()
    (tmp_path / "iris").touch()

    assert looks_like_model("booster.ubj")
    assert not looks_like_model("iris")
