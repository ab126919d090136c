from __future__ import annotations

import hashlib
import os
import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING

import joblib
import pytest

from service.errors import ModelUnloadable
from service.loading.model_file import SUFFIXES, load_model
from tests.service.loading.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression


NOBODY = 65534


@contextmanager
def without_the_rights_of_root() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", ["m.joblib", "m.pkl", "m.pickle", "M.PKL"])
def test_a_model_is_loaded_with_its_size_and_digest(
    classifier: LogisticRegression, save: Callable[..., Path], name: str
) -> None:
    file = save(classifier, name)

    loaded = load_model(file)

    assert loaded.model.name == "LogisticRegression"
    assert loaded.size_bytes == file.stat().st_size
    assert loaded.digest == "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_plain_pickle_is_loaded(classifier: LogisticRegression, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(classifier))

    assert load_model(file).model.name == "LogisticRegression"


def test_a_missing_file_comes_with_advice_on_the_mount(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "m.pkl") == (
        "there is no such file. Mount the model folder and set MODEL_FILE to the path of the model in it."
    )


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").mkdir()

    assert problem_of(tmp_path / "m.pkl").startswith("it is not a file. ")


def test_an_empty_file_comes_with_advice_to_copy_it_again(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").touch()

    assert problem_of(tmp_path / "m.pkl").startswith("it is empty. Copy or save the model again")


def test_a_name_with_another_suffix_is_refused(tmp_path: Path) -> None:
    *others, last = SUFFIXES

    assert problem_of(tmp_path / "m.h5").startswith(
        f"the name of a model must end in {', '.join(others)} or {last}. "
    )


@pytest.mark.parametrize("locked", ["folder", "folder/m.pkl"])
def test_a_file_that_the_user_id_may_not_read_comes_with_advice(tmp_path: Path, locked: str) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    file = tmp_path / "folder" / "m.pkl"
    file.parent.mkdir()
    file.write_bytes(b"x")
    (tmp_path / locked).chmod(0)

    with without_the_rights_of_root():
        problem = problem_of(file)

    (tmp_path / locked).chmod(0o700)
    advice = "Run chmod a+r m.pkl and chmod a+rx on the folders above it."
    assert problem == f"user id {NOBODY if os.getuid() == 0 else os.getuid()} may not read it. {advice}"


def test_an_object_without_predict_is_no_model(save: Callable[..., Path]) -> None:
    problem = problem_of(save({"model": 1}))

    assert problem.startswith("it holds a dict without a model. ")


def test_a_model_of_another_scikit_learn_is_an_error_if_versions_must_match(
    classifier: LogisticRegression, save: Callable[..., Path]
) -> None:
    version = classifier.__getstate__()["_sklearn_version"]
    file = save(classifier)
    file.write_bytes(file.read_bytes().replace(version.encode(), b"0.0.7"))

    with pytest.raises(ModelUnloadable, match=r"written with scikit-learn 0\.0\.7"):
        load_model(file, versions_must_match=True)


@pytest.mark.parametrize("name", ["model.pkl.gz", "model.joblib.z", "model.PKL.XZ"])
def test_the_suffix_before_that_of_the_compression_counts(
    classifier: LogisticRegression, save: Callable[..., Path], name: str
) -> None:
    assert load_model(save(classifier, name)).file.name == name


@pytest.mark.parametrize("name", ["model.onnx.gz", "model.gz", "model"])
def test_names_without_the_suffix_of_a_pickle_are_refused(
    classifier: LogisticRegression, save: Callable[..., Path], name: str
) -> None:
    with pytest.raises(ModelUnloadable):
        load_model(save(classifier, name))


@pytest.mark.parametrize("name", ["model.skops", "model.onnx", "model.lean"])
def test_a_pickle_with_the_name_of_another_format_is_judged_as_a_pickle(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x80\x02cposix\nsystem\n(Vtrue\ntR.")

    assert problem_of(file).startswith("posix.system is not allowed: it runs programs. ")


def test_a_trusted_module_gives_no_access_to_dangerous_code_that_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "importing.py").write_text("import os\nfrom os import system\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "m.pkl"

    for name, home in (("system", "posix"), ("os", "os")):
        file.write_bytes(b"\x80\x02cimporting\n" + name.encode() + b"\n.")
        expected = f"importing.{name} is not allowed: it only leads to {home}. "
        assert problem_of(file, "importing").startswith(expected)


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_compressed_model_is_loaded(classifier: LogisticRegression, tmp_path: Path, compress: str) -> None:
    file = tmp_path / "m.joblib"
    joblib.dump(classifier, file, compress=(compress, 3))

    assert load_model(file).model.name == "LogisticRegression"
