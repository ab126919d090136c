from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from infer_cli.building import compile as compile_module
from infer_cli.building.compile import default_target, mount_source, put_file
from infer_cli.errors import InferError, UsageError
from infer_cli.running.model_mount import mount_found


@pytest.fixture
def folder(iris_folder: Path, tmp_path: Path) -> Path:
    """A model folder of the test's own."""
    return Path(shutil.copytree(iris_folder, tmp_path / "data"))


def test_an_onnx_model_is_not_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mount, model = mount_found(folder, None)
    monkeypatch.setattr(
        compile_module, "mount_found", lambda *_, **__: (mount, replace(model, format="onnx"))
    )

    with pytest.raises(UsageError, match=r"is an ONNX model, which is served without scikit-learn$"):
        mount_source(folder / "model.pkl", ())


def test_a_file_appears_whole_and_replaces_another(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft", tmp_path / "new" / "model.lean"
    for content in ("first", "second"):
        draft.write_text(content)

        put_file(draft, target)

        assert target.read_text() == content
        assert [path.name for path in target.parent.iterdir()] == ["model.lean"]


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "draft").touch()
    (tmp_path / "model.lean").mkdir()

    with pytest.raises(InferError, match=r"model\.lean could not be written: Is a directory$"):
        put_file(tmp_path / "draft", tmp_path / "model.lean")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["draft", "model.lean"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("data/model.pkl", "data/compiled/model.lean", id="one suffix"),
        pytest.param("data/model.joblib.gz", "data/compiled/model.lean", id="a compressed model"),
        pytest.param("v1.2.pkl", "compiled/v1.2.lean", id="a name with a point"),
    ],
)
def test_the_compiled_model_is_beside_the_model(source: str, expected: str) -> None:
    assert default_target(Path(source)) == Path(expected)
