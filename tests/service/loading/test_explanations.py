"""Errors and warnings of loaders are explained in one line, with advice."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.ensemble import VotingClassifier

from service.loading.model_file import load_model
from tests.service.loading.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression


@pytest.mark.parametrize("compress", [0, 3])
def test_a_file_that_is_cut_short_is_to_be_copied_again(
    classifier: LogisticRegression, tmp_path: Path, compress: int
) -> None:
    file = tmp_path / "m.joblib"
    joblib.dump(classifier, file, compress=compress)
    file.write_bytes(file.read_bytes()[:-200])

    assert problem_of(file).startswith("it is cut short. ")


@pytest.mark.parametrize(
    "content", [b"slength,swidth\n1,2\n", b"\x89PNG\r\n", b"<html>", json.dumps([1]).encode()]
)
def test_a_file_that_is_not_a_pickle_is_to_be_saved_again(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(content)

    problem = problem_of(file)

    assert problem.startswith("it is not a pickle (")
    assert problem.endswith("Save the trained model with joblib.dump(model, 'model.joblib').")


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("held", [os.getcwd, [os.getcwd], {"model": os.getcwd}, (os.getcwd, 1)])
def test_a_name_in_an_old_pickle_is_refused_as_a_name(tmp_path: Path, held: object, protocol: int) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(pickle.dumps(held, protocol))

    assert re.match("(posix|nt).getcwd is not allowed: it runs programs", problem_of(file))


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
    ],
)
def test_a_pickle_that_needs_what_this_image_does_not_have(
    tmp_path: Path, reference: bytes, problem: str
) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02" + reference)

    assert problem_of(file, "nosuchpackage", "sklearn").startswith(problem)


def test_code_of_the_training_script_has_advice_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02c__main__\nMine\n.")

    assert problem_of(file).endswith(
        "Move that code from the training script into a module that the image has, and train again."
    )


def test_a_model_of_another_scikit_learn_is_one_warning(
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


def test_each_warning_of_a_library_is_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02(cwarnings\nwarn\n(Vold\\u000anews\ntRcwarnings\nwarn\n(Vold\\u000anews\ntRl.")

    with caplog.at_level(logging.WARNING, logger="service"):
        assert problem_of(file, "warnings.warn").startswith("it holds a list without a model. ")

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
        pytest.param(
            b"ccloudpickle.cloudpickle\n_make_function\n.",
            "it holds code itself: cloudpickle.cloudpickle._make_function makes it, and no such code is run, "
            "whatever is trusted. Define the classes and functions of the training script in a module",
            id="by value",
        ),
        pytest.param(b"}.}.", "it goes on after the end of its pickle. Do not", id="two pickles"),
    ],
)
def test_a_pickle_that_does_what_no_model_does_is_not_to_be_used(
    tmp_path: Path, pickled: bytes, problem: str
) -> None:
    file = tmp_path / "m.pkl"
    file.write_bytes(b"\x80\x02" + pickled)

    assert problem_of(file).startswith(problem)


RAISES = """
class {name}:
    def __setstate__(self, state):
        raise {error}
    def __getstate__(self):
        return {{"some": "state"}}
"""


@pytest.mark.parametrize(
    ("name", "error", "problem"),
    [
        (
            "Broken",
            "ValueError('no such licence\\nsecond line')",
            "it is damaged, or another version of code_of_broken made it: loading it raised ValueError: ",
        ),
        (
            "Full",
            "MemoryError()",
            "it does not fit into memory. Copy or save the model again; if that changes",
        ),
        (
            "Asking",
            "PermissionError(1, 'Operation not permitted')",
            "loading it raised PermissionError: [Errno 1] Operation not permitted. If own code of the model",
        ),
    ],
)
def test_code_that_raises_while_it_is_loaded(
    name: str,
    error: str,
    problem: str,
    save: Callable[..., Path],
    make_instance: Callable[[str, str], object],
) -> None:
    file = save(make_instance(name, RAISES.format(name=name, error=error)))

    assert problem_of(file, f"code_of_{name.lower()}").startswith(problem)
