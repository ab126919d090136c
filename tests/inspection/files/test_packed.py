"""Archives with one model inside, and archives that are made to harm."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from infer_cli.errors import ModelError
from infer_cli.inspection import find_model, inspect_model, within
from infer_cli.running.model_mount import mount_found
from tests.inspection.files.mlflow_folders import write_mlflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = Ridge().fit(np.arange(6.0).reshape(3, 2), [0.0, 1.0, 2.0])
DATA = pickle.dumps(MODEL)
ONE = {
    "code/inference.py": b"import os\n",
    "./model.pkl": DATA,
    "notes.txt": b"trained today\n",
    # What macOS puts into archives.
    "._model.pkl.gz": b"\0\5\x16\7",
    "__MACOSX/._model.pkl": b"\0\5\x16\7",
    "__MACOSX/model.pkl": b"\0\5\x16\7",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("INFER_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _tar(path: Path, files: dict[str, bytes], *more: tarfile.TarInfo) -> Path:
    path.parent.mkdir(exist_ok=True)
    mode = {"gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(path.name.rpartition(".")[2], "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is computed
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in more:
            archive.addfile(entry)
    return path


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["model.tar.gz", "model.tar", "model.tar.bz2", "model.tar.xz", "m.zip"])
def test_the_model_inside_is_inspected_and_mounted(name: str, tmp_path: Path, cache: Path) -> None:
    """The digest is of what is served, and the folder of the model is what is mounted."""
    path = tmp_path / "data" / name
    (_zip if name.endswith("zip") else _tar)(path, ONE)
    file = within(path)
    assert file.read_bytes() == DATA
    assert find_model(path.parent) == find_model(path.parent, name) == file
    mount, inspection = mount_found(path.parent, None)
    assert mount.folder == file.parent.resolve()
    assert mount.folder.is_relative_to(cache.resolve())
    assert (mount.file, mount.digest) == ("model.pkl", inspection.sha256)
    assert inspection.estimator is not None
    assert inspection.kind == "regressor"


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    """The digest of the archive names the folder: a changed archive gets another."""
    path = _tar(tmp_path / "model.tar.gz", ONE)
    first = within(path)
    assert within(path).stat().st_ino == first.stat().st_ino
    _tar(path, {**ONE, "more.txt": b""})
    assert within(path) != first


def test_an_mlflow_folder_in_an_archive(tmp_path: Path) -> None:
    """A folder of MLflow is taken as such, whatever lies beside it."""
    model = write_mlflow(tmp_path / "folder", MODEL)
    files = {f"run/model/{file.name}": file.read_bytes() for file in model.parent.iterdir()}
    path = _tar(tmp_path / "model.tar.gz", {**files, "run/old.pkl": DATA})
    assert within(path).name == "model.pkl"
    assert inspect_model(within(path)).kind == "regressor"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.txt": b""}, "There is no model"),
        ({}, "There is no model"),
        ({"a.pkl": DATA, "b/c.joblib": DATA}, "There are 2 models"),
        ({"inner.tar.gz": b"\x1f\x8b"}, "There is no model"),
    ],
    ids=["no model", "empty", "two models", "archive in it"],
)
def test_exactly_one_model_must_be_inside(files: dict[str, bytes], reason: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=reason) as raised:
        within(_tar(tmp_path / "model.tar.gz", files))
    if "2" in reason:
        assert raised.value.detail == "a.pkl\nb/c.joblib"


def _entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def _bomb(path: Path) -> Path:
    return _tar(path, {"model.pkl": bytes(300 * 2**20)})


def _zip_of_wrong_size(path: Path) -> Path:
    """A zip that says that its bomb is small."""
    _zip(path, {"model.pkl": bytes(300 * 2**20)})
    data = path.read_bytes()
    size = (300 * 2**20).to_bytes(4, "little")
    path.write_bytes(data.replace(size, (100).to_bytes(4, "little")))
    return path


def _zip_with_link(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("model.pkl")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return path


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "parent": lambda at: _tar(at / "m.tar.gz", {"../out.pkl": DATA}),
    "absolute": lambda at: _tar(at / "m.tar.gz", {str(at / "out.pkl"): DATA}),
    "backslashes": lambda at: _tar(at / "m.tar.gz", {"..\\out.pkl": DATA}),
    "drive": lambda at: _zip(at / "m.zip", {"C:/out.pkl": DATA}),
    "parent in zip": lambda at: _zip(at / "m.zip", {"a/../../out.pkl": DATA}),
    "symbolic link": lambda at: _tar(at / "m.tar", ONE, _entry("l", tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": lambda at: _tar(at / "m.tar", ONE, _entry("l", tarfile.LNKTYPE, "model.pkl")),
    "device": lambda at: _tar(at / "m.tar", ONE, _entry("l", tarfile.CHRTYPE)),
    "pipe": lambda at: _tar(at / "m.tar", ONE, _entry("l", tarfile.FIFOTYPE)),
    "link in zip": lambda at: _zip_with_link(at / "m.zip"),
    "same name twice": lambda at: _tar(at / "m.tar", {"model.pkl": DATA, "./model.pkl": b"x"}),
    "file over folder": lambda at: _tar(at / "m.tar", {"a/b.pkl": DATA, "a": b"x"}),
    "many files": lambda at: _tar(at / "m.tar.gz", {str(n): b"" for n in range(10_002)}),
    "bomb": lambda at: _bomb(at / "m.tar.gz"),
    "bomb in zip": lambda at: _zip(at / "m.zip", {"model.pkl": bytes(300 * 2**20)}),
    "zip of a wrong size": lambda at: _zip_of_wrong_size(at / "m.zip"),
    "cut short": lambda at: _cut(_tar(at / "m.tar.gz", {"model.pkl": os.urandom(50_000)})),
    "no archive": lambda at: _cut(_zip(at / "m.zip", ONE)),
}


def _cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-200])
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(name: str, tmp_path: Path, cache: Path) -> None:
    """Nothing is written outside of the cache folder, and nothing of the archive stays in it."""
    path = HOSTILE[name](tmp_path / "data")
    with pytest.raises(ModelError):
        within(path)
    assert list((cache / "unpacked").iterdir()) == []
    assert not (tmp_path / "out.pkl").exists()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
