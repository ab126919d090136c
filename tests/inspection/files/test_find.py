"""The one model in a folder is found; an error says why there is none."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ModelNotFound
from infer_cli.inspection import find_model
from infer_cli.inspection.files.find import model_stem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name",
    [
        "model.pkl",
        "iris.pickle",
        "a.joblib",
        "a.skops",
        "a.onnx",
        "a.lean",
        "MODEL.PKL",
        "m.pkl.gz",
        "m.joblib.xz",
    ],
)
def test_the_only_model(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    for other in ("train.py", "data.csv", "data.csv.gz", ".hidden.pkl", "notes.txt"):
        (tmp_path / other).touch()
    (tmp_path / "folder.pkl").mkdir()

    assert find_model(tmp_path) == tmp_path / name


@pytest.mark.parametrize("name", ["finalized_model.sav", "model.p", "model.pk", "model.dill", "model.model"])
def test_a_pickle_of_another_suffix_is_known_by_its_start(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(1))
    for other in ("data.sav", "weights.bin", "._model.pkl.gz", "._model.sav"):
        (tmp_path / other).write_bytes(b"$FL2" if other == "data.sav" else b"\0\5\x16\7")

    assert find_model(tmp_path) == tmp_path / name


def test_the_named_model(tmp_path: Path) -> None:
    """A named model may have any suffix, and may lie in a subfolder."""
    for name in ("a.pkl", "b.pkl", "odd.name"):
        (tmp_path / name).touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.pkl").touch()

    for name in ("b.pkl", "odd.name", "deep/c.pkl"):
        assert find_model(tmp_path, name) == tmp_path / name


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="There is no folder") as raised:
        find_model(tmp_path / "away")

    assert "--model-dir" in str(raised.value.hint)


def test_not_a_folder(tmp_path: Path) -> None:
    model = tmp_path / "model.pkl"
    model.touch()

    with pytest.raises(ModelNotFound, match="is not a folder") as raised:
        find_model(model)

    assert (
        raised.value.hint == f"Name the folder that holds it: --model-dir {tmp_path} --model-file model.pkl"
    )


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="There is no model in") as raised:
        find_model(tmp_path)

    assert ".pkl, .pickle, .joblib, .skops, .onnx, .lean, .ubj and .cbm" in str(raised.value.hint)


def test_several_models(tmp_path: Path) -> None:
    """A file named model.pkl has no priority."""
    for name in ("model.pkl", "b.joblib"):
        (tmp_path / name).touch()

    with pytest.raises(ModelNotFound, match="There are 2 models in") as raised:
        find_model(tmp_path)

    assert raised.value.detail == "b.joblib\nmodel.pkl"
    assert "--model-file" in str(raised.value.hint)


def test_the_named_model_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").touch()

    with pytest.raises(ModelNotFound, match=r"There is no file b\.pkl in") as raised:
        find_model(tmp_path, "b.pkl")

    assert raised.value.detail == "a.pkl"


def test_the_named_model_in_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"There is no file b\.pkl in") as raised:
        find_model(tmp_path, "b.pkl")

    assert "the right folder?" in str(raised.value.hint)


@pytest.mark.parametrize("name", ["../model.pkl", "/etc/passwd"])
def test_the_named_model_is_elsewhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    folder = tmp_path / "models"
    folder.mkdir()

    with pytest.raises(ModelNotFound, match="is not within the model folder"):
        find_model(folder, name)


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)

    with pytest.raises(ModelNotFound, match="cannot be read: Permission denied"):
        find_model(tmp_path)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("model.pkl", "model"),
        ("iris.v1.pkl.gz", "iris.v1"),
        ("iris-1.2.joblib", "iris-1.2"),
        ("A.PKL", "A"),
        ("model", "model"),
        (".pkl", ".pkl"),
    ],
)
def test_stem(name: str, stem: str) -> None:
    assert model_stem(name) == stem
