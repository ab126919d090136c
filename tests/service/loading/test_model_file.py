from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.ensemble import VotingClassifier

from service.errors import ModelUnloadable
from service.loading.model_file import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression


NOBODY = 65534


def problem_of(file: Path, *trusted: str) -> str:
    """What is said of a file that cannot be loaded; always one line."""
    with pytest.raises(ModelUnloadable) as caught:
        load_model(file, trusted)
    text = str(caught.value)
    assert text.startswith(f"cannot load {file}: ")
    assert "\n" not in text
    return text.partition(f"{file}: ")[2]


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


def test_a_missing_file(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "m.pkl") == (
        "there is no such file. Mount the model folder and set MODEL_FILE to the path of the model in it."
    )


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").mkdir()

    assert problem_of(tmp_path / "m.pkl").startswith("it is not a file. ")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").touch()

    assert problem_of(tmp_path / "m.pkl").startswith("it is empty. Copy or save the model again")


def test_another_suffix(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "m.h5").startswith(
        "the name of a model must end in .joblib, .pickle, .pkl, .lean, .onnx or .skops. "
    )


@pytest.mark.parametrize("locked", ["folder", "folder/m.pkl"])
def test_a_file_that_may_not_be_read(tmp_path: Path, locked: str) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
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


@pytest.mark.parametrize("compress", [0, 3])
def test_a_file_that_is_cut_short(classifier: LogisticRegression, tmp_path: Path, compress: int) -> None:
    file = tmp_path / "m.joblib"
    joblib.dump(classifier, file, compress=compress)
    file.write_bytes(file.read_bytes()[:-200])

    assert problem_of(file).startswith("it is cut short. ")


@pytest.mark.parametrize(
    "content", [b"slength,swidth\n1,2\n", b"\x89PNG\r\n", b"<html>", json.dumps([1]).encode()]
)
def test_a_file_that_is_not_a_pickle(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(content)

    problem = problem_of(file)

    assert problem.startswith("it is not a pickle (")
    assert problem.endswith("Save the trained model with joblib.dump(model, 'model.joblib').")


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        pytest.param(
            b"cnosuchpackage.part\nModel\n.",
            "No module named 'nosuchpackage'. Use an image that has the package",
            id="package",
        ),
        pytest.param(
            b"csklearn.nosuchpart\nModel\n.",
            "No module named 'sklearn.nosuchpart' in the version of sklearn that is here. Use an",
            id="part of a package",
        ),
        pytest.param(
            b"csklearn.svm\nNoSuch\n.", "module 'sklearn.svm' has no attribute 'NoSuch'. Use an", id="name"
        ),
        pytest.param(
            b"c__main__\nMine\n.",
            "__main__.Mine is not allowed: it is not known to be harmless. Move that",
            id="script",
        ),
        pytest.param(
            b"cdatetime\ndate\n(I0\nI0\nI0\ntR.", "loading it raised ValueError: year 0", id="raises"
        ),
        pytest.param(
            b"cbuiltins\nbytearray\n(L4611686018427387904L\ntR.", "it does not fit into memory", id="memory"
        ),
    ],
)
def test_a_pickle_that_asks_for_what_is_not_here(tmp_path: Path, reference: bytes, problem: str) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02" + reference)

    assert problem_of(file, "nosuchpackage", "sklearn").startswith(problem)


def test_the_code_of_a_script_has_advice_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02c__main__\nMine\n.")

    assert problem_of(file).endswith(
        "Move that code from the training script into a module that the image has, and train again."
    )


def test_an_object_without_predict(save: Callable[..., Path]) -> None:
    problem = problem_of(save({"model": 1}))

    assert problem.startswith("it holds a dict, which has no predict method. ")


def test_another_version_of_scikit_learn_is_one_warning(
    classifier: LogisticRegression, save: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    version = classifier.__getstate__()["_sklearn_version"]
    classifier = VotingClassifier([("a", classifier), ("b", classifier)]).fit([[0], [1]], [0, 1])
    file = save(classifier)
    file.write_bytes(file.read_bytes().replace(version.encode(), b"0.0.7"))

    with caplog.at_level(logging.WARNING, logger="service"):
        load_model(file)

    versions = f"written with scikit-learn 0.0.7, and this is scikit-learn {version}"
    assert caplog.messages == [f"the model was {versions}: predictions may differ"]


def test_another_version_of_scikit_learn_is_an_error_where_versions_must_match(
    classifier: LogisticRegression, save: Callable[..., Path]
) -> None:
    version = classifier.__getstate__()["_sklearn_version"]
    file = save(classifier)
    file.write_bytes(file.read_bytes().replace(version.encode(), b"0.0.7"))

    with pytest.raises(ModelUnloadable, match=r"written with scikit-learn 0\.0\.7"):
        load_model(file, versions_must_match=True)


@pytest.mark.parametrize("name", ["model.pkl.gz", "model.joblib.z", "model.PKL.XZ"])
def test_compressed_file_is_known_by_the_name_before(
    classifier: LogisticRegression, save: Callable[..., Path], name: str
) -> None:
    assert load_model(save(classifier, name)).file.name == name


@pytest.mark.parametrize("name", ["model.onnx.gz", "model.gz", "model"])
def test_other_names_are_refused(
    classifier: LogisticRegression, save: Callable[..., Path], name: str
) -> None:
    with pytest.raises(ModelUnloadable):
        load_model(save(classifier, name))


@pytest.mark.parametrize("name", ["model.skops", "model.onnx", "model.lean"])
def test_a_pickle_of_another_name_is_judged_as_a_pickle(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\x80\x02cposix\nsystem\n(Vtrue\ntR.")

    assert problem_of(file).startswith("posix.system is not allowed: it runs programs. ")


def test_what_libraries_warn_of_is_one_line_each(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02(cwarnings\nwarn\n(Vold\\u000anews\ntRcwarnings\nwarn\n(Vold\\u000anews\ntRl.")

    with caplog.at_level(logging.WARNING, logger="service"):
        assert problem_of(file, "warnings.warn").startswith("it holds a list, ")

    assert caplog.messages == ["old news"]


@pytest.mark.parametrize(
    ("pickled", "problem"),
    [
        pytest.param(
            b"cposix\nsystem\n(Vtrue\ntR.",
            "posix.system is not allowed: it runs programs. Do not use this file",
            id="dangerous",
        ),
        pytest.param(
            b"chelpers\nMine\n)\x81.",
            "helpers.Mine is not allowed: it is not known to be harmless. Serve it only if",
            id="unknown",
        ),
        pytest.param(
            b"csklearn.svm._classes\nSVC\nN}Vpredict\nNs\x86b.",
            "it changes a class or a function. Do not use this file",
            id="change of a class",
        ),
        pytest.param(b"}.}.", "it goes on after the end of its pickle. Do not", id="two pickles"),
    ],
)
def test_a_pickle_that_does_what_no_model_does(tmp_path: Path, pickled: bytes, problem: str) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02" + pickled)

    assert problem_of(file).startswith(problem)


def test_a_trusted_module_lends_nobody_elses_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has imported itself is as dangerous as where it comes from."""
    (tmp_path / "lending.py").write_text("import os\nfrom os import system\n")
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "m.pkl"

    for name, home in (("system", "posix"), ("os", "os")):
        file.write_bytes(b"\x80\x02clending\n" + name.encode() + b"\n.")
        expected = f"lending.{name} is not allowed: it only leads to {home}. "
        assert problem_of(file, "lending").startswith(expected)


@pytest.mark.parametrize("compress", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_compressed_model_is_loaded(classifier: LogisticRegression, tmp_path: Path, compress: str) -> None:
    file = tmp_path / "m.joblib"
    joblib.dump(classifier, file, compress=(compress, 3))

    assert load_model(file).model.name == "LogisticRegression"
