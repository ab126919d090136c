"""A compiled model is written only if it answers as the model does."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from service import compile as compile_module
from service.compile import compile_model
from service.compiler.archive import read_saved
from service.compiler.parity import Difference
from service.errors import NotCompilable, NotCompiled
from service.loading.model_file import load_model
from service.models.fitted_model import FittedModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from service.compiler.saved import Saved
    from service.loading.model_file import LoadedModel
    from tests.service.conftest import Fitted, Json


ROOT = Path(__file__).parents[2]
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}


@pytest.fixture
def loaded(classifier: LogisticRegression, save: Callable[..., Path]) -> LoadedModel:
    return load_model(save(classifier))


def again(loaded: LoadedModel) -> LoadedModel:
    """Make the model again of its estimator, whose methods were changed."""
    return replace(loaded, model=FittedModel(estimator_of(loaded)))


def estimator_of(loaded: LoadedModel) -> Fitted:
    assert isinstance(loaded.model, FittedModel)
    return loaded.model.estimator


def body(*rows: Mapping[str, object]) -> bytes:
    return json.dumps({"rows": rows}).encode()


def run(model: Path, given: bytes = b"", **environment: str) -> tuple[int, Json, bytes, str]:
    """Run the program; give its exit code, its line of JSON, the compiled model and its standard error."""
    finished = subprocess.run(
        [sys.executable, "-m", "service.compile"],
        input=given,
        capture_output=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "MODEL_FILE": str(model), **environment},
        check=False,
    )
    line, _, content = finished.stdout.partition(b"\n")
    return finished.returncode, json.loads(line), content, finished.stderr.decode()


def test_the_program_writes_a_line_of_json_and_the_compiled_model(
    classifier: LogisticRegression, save: Callable[..., Path]
) -> None:
    file = save(classifier)

    exit_code, line, content, _ = run(file, body(ROW, {**ROW, "id": "b", "pwidth": 2.0}))

    saved = read_saved(io.BytesIO(content))
    assert exit_code == 0
    assert line["size_bytes"] == len(content)
    assert line["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert line["generated"]["rows"] == len(saved.trial.rows) == 192
    assert line["given"]["rows"] == 2
    assert line["generated"]["different_labels"] == line["given"]["different_labels"] == 0
    assert max(line["given"]["probability_difference"], line["generated"]["probability_difference"]) < 1e-12
    assert saved.origin.file == "model.joblib"
    assert saved.origin.digest == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert "scikit-learn" in dict(saved.origin.packages)
    assert saved.classes == ["setosa", "versicolor", "virginica"]


def test_what_a_model_prints_is_not_part_of_the_result(
    make_instance: Callable[[str, str], object], save: Callable[..., Path], tmp_path: Path
) -> None:
    code = "class Loud:\n    def __setstate__(self, state):\n        print('hello', flush=True)\n"
    loud = make_instance("Loud", code)
    vars(loud)["kept"] = 1

    exit_code, line, content, said = run(save(loud), PYTHONPATH=str(tmp_path), TRUST="code_of_loud")

    assert (exit_code, content) == (1, b"")
    assert "has none of the methods predict, transform, " in line["error"]["reason"]
    assert "hello" in said


def test_a_model_that_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    exit_code, line, content, _ = run(tmp_path / "model.pkl")

    assert (exit_code, content) == (1, b"")
    assert line["error"]["kind"] == "unloadable"
    assert "there is no such file" in line["error"]["reason"]


def test_a_model_that_the_compiler_does_not_know_is_refused(save: Callable[..., Path]) -> None:
    model = KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])

    with pytest.raises(NotCompiled, match="the compiler does not support KNeighborsClassifier") as caught:
        compile_model(load_model(save(model)))

    assert caught.value.kind == "no_path"


def test_a_compiled_model_is_not_compiled_again(loaded: LoadedModel, tmp_path: Path) -> None:
    file = tmp_path / "model.lean"
    file.write_bytes(compile_model(loaded)[1])

    with pytest.raises(NotCompiled, match="compiled already"):
        compile_model(load_model(file))


def test_a_label_that_differs_is_refused(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model was changed after it was fitted, and answers all generated rows as before."""
    model = estimator_of(loaded)

    def predict(rows: object) -> object:
        labels = type(model).predict(model, rows)
        return np.where(np.asarray(rows)[:, 0] == ROW["slength"], "virginica", np.asarray(labels))

    monkeypatch.setattr(model, "predict", predict)
    loaded = again(loaded)
    other = {**ROW, "slength": 5.0}

    assert compile_model(loaded, body(other))[0].given is not None
    with pytest.raises(NotCompiled, match="1 of 2 rows get another label than the model gives") as caught:
        compile_model(loaded, body(other, ROW))

    assert caught.value.kind == "different"
    assert caught.value.details == ["row 2: 'setosa' instead of 'virginica'"]


def test_a_number_that_differs_is_refused(loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model = estimator_of(loaded)

    def predict_proba(rows: object) -> object:
        shares = LogisticRegression.predict_proba(model, rows)
        return shares + 1e-9 * (np.asarray(rows)[:, :1] == ROW["slength"])

    monkeypatch.setattr(model, "predict_proba", predict_proba)
    loaded = again(loaded)

    with pytest.raises(NotCompiled, match=r"a number differs from the model's number by 1\.0e-09"):
        compile_model(loaded, body(ROW))


def test_a_row_program_that_differs_on_given_rows_is_refused(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare_otherwise(*_: object) -> Difference:
        return Difference(labels=1)

    monkeypatch.setattr(compile_module, "compare_rows", compare_otherwise)

    assert compile_model(loaded)[0].given is None
    with pytest.raises(NotCompiled, match="a label differs"):
        compile_model(loaded, body(ROW))


def test_the_compiled_model_is_compared_after_it_was_written_and_read(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the file is found, although the program in memory is right."""

    def read_otherwise(file: io.BytesIO) -> Saved:
        saved = read_saved(file)
        return replace(saved, path=replace(saved.path, decision="positive", link="none"))  # type: ignore[type-var]

    monkeypatch.setattr(compile_module, "read_saved", read_otherwise)

    with pytest.raises((NotCompiled, NotCompilable)):
        compile_model(loaded)


def test_given_rows_that_the_model_does_not_take_are_refused(loaded: LoadedModel) -> None:
    with pytest.raises(NotCompiled, match="pwidth is not a number") as caught:
        compile_model(loaded, body(ROW, {**ROW, "pwidth": "wide"}))

    assert caught.value.kind == "invalid_rows"


def test_given_rows_that_the_model_refuses_are_an_error(
    loaded: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = estimator_of(loaded)

    def predict(rows: object) -> object:
        if len(np.asarray(rows)) == 1:
            raise ValueError("not these")
        return type(model).predict(model, rows)

    monkeypatch.setattr(model, "predict", predict)
    loaded = again(loaded)

    with pytest.raises(NotCompiled, match="the model itself refuses the given rows: not these") as caught:
        compile_model(loaded, body(ROW))

    assert caught.value.kind == "refused"


def test_given_rows_that_the_compiled_model_cannot_answer_are_named(save: Callable[..., Path]) -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 1))
    model = make_pipeline(FunctionTransformer(np.exp), LogisticRegression()).fit(rows, rows[:, 0] > 0)

    with pytest.raises(NotCompiled, match="the compiled model cannot answer 1 of 2 given rows") as caught:
        compile_model(load_model(save(model)), body({"x0": 1.0}, {"x0": 1000.0}))

    assert caught.value.kind == "left_to_model"
    assert caught.value.details == ["row 2"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is watched")
def test_a_model_that_crashes_is_told_in_the_line(
    tmp_path: Path, save: Callable[..., Path], make_instance: Callable[[str, str], object]
) -> None:
    code = """
import ctypes
class Crashing:
    def __setstate__(self, state):
        ctypes.string_at(0)
    def __getstate__(self):
        return {"some": "state"}
"""
    file = save(make_instance("Crashing", code))

    exit_code, line, content, log = run(file, PYTHONPATH=str(tmp_path), TRUST="code_of_crashing")

    assert (exit_code, content, log) == (1, b"", "")
    assert line["error"]["kind"] == "unloadable"
    crash = "it crashed compiled code with SIGSEGV (reading the file, in ctypes.string_at)"
    assert line["error"]["reason"].startswith(f"cannot load {file}: {crash}. The file is damaged")
