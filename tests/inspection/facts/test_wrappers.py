"""Objects of AutoML packages: the line of the hint makes a pipeline with the same answers."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import joblib
import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The packages keep these attributes; they are too large to be installed for the tests.
FLAML = """
class DataTransformer: pass
class LGBMEstimator:
    @property
    def estimator(self): return self._model
class AutoML:
    @property
    def model(self): return self._trained_estimator
"""
PYCARET = """
from sklearn.pipeline import Pipeline as _Pipeline
class Pipeline(_Pipeline): pass
class TransformerWrapper:
    def __init__(self, transformer, include): self.transformer, self._include = transformer, include
"""
START = """
import joblib, numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import LabelEncoder
numbers = np.random.default_rng(0).normal(size=(40, 2))
X = pd.DataFrame(numbers, columns=["a", "b"])
y = pd.Series(np.where(numbers[:, 0] > 0, "yes", "no"))
labels = LabelEncoder().fit(y)
coded = labels.transform(y)
"""
AUTOML = """
from flaml import AutoML, DataTransformer, LGBMEstimator
automl, automl._transformer, automl._trained_estimator = AutoML(), DataTransformer(), LGBMEstimator()
automl._trained_estimator._model = RandomForestClassifier(random_state=0, n_estimators=5).fit(X, coded)
automl._label_transformer = labels
prepared = automl._transformer
prepared._cat_columns, prepared._datetime_columns, prepared._drop = CATEGORIES, [], False
prepared.transformer = ColumnTransformer([("continuous", SimpleImputer(), ["a", "b"])]).fit(X)
joblib.dump(automl, "model.joblib")
"""
EXPERIMENT = """
from pycaret import Pipeline, TransformerWrapper
model = Pipeline([
    ("label_encoding", TransformerWrapper(labels, None)),
    ("numerical_imputer", TransformerWrapper(SimpleImputer().fit(X), ["a", "b"])),
    ("categorical_imputer", TransformerWrapper(SimpleImputer(), [])),
    ("trained_model", LogisticRegression().fit(X, coded)),
])
model._feature_names_in = ["a", "b", "label"]
joblib.dump(model, "model.joblib")
"""
REFITTED = EXPERIMENT.replace('.fit(X), ["a", "b"])', '.fit(X), ["a"])')
ANSWERS = """
expected = CODED.predict(X)
served = joblib.load("served.joblib")
assert list(served.predict(X)) == list(labels.inverse_transform(expected)), served.predict(X)
assert list(served.classes_) == ["no", "yes"]
"""


@pytest.fixture
def run(tmp_path: Path, run_script: Callable[[str, Path], None]) -> Callable[[str], None]:
    """Run a script beside the modules of the packages."""
    (tmp_path / "flaml.py").write_text(FLAML)
    (tmp_path / "pycaret.py").write_text(PYCARET)
    return lambda script: run_script(script, tmp_path)


def _hint(file: Path) -> str:
    with pytest.raises(ModelUnsafe) as raised:
        require_safe(inspect_model(file), ())
    return str(raised.value.hint)


@pytest.mark.parametrize(
    ("script", "coded"),
    [
        (AUTOML.replace("CATEGORIES", "[]"), 'joblib.load("model.joblib").model.estimator'),
        (EXPERIMENT, 'joblib.load("model.joblib").steps[-1][1]'),
    ],
    ids=["flaml", "pycaret"],
)
def test_the_pipeline_inside_gives_the_same_answers_with_names(
    script: str, coded: str, tmp_path: Path, run: Callable[[str], None]
) -> None:
    run(START + script)
    hint = _hint(tmp_path / "model.joblib")
    line = shlex.split(re.findall(r"^  (python .*)$", hint, re.MULTILINE)[0])
    assert line[1] == "-c"

    run(line[2])

    run(START + ANSWERS.replace("CODED", coded))
    model = inspect_model(tmp_path / "served.joblib")
    require_safe(model, ())
    assert model.feature_names == ("a", "b")
    assert model.classes == ("no", "yes")


@pytest.mark.parametrize(
    "script", [AUTOML.replace("CATEGORIES", '["c"]'), REFITTED], ids=["flaml", "pycaret"]
)
def test_what_the_package_prepares_itself_is_fitted_anew(
    script: str, tmp_path: Path, run: Callable[[str], None]
) -> None:
    run(START + script)
    line = re.findall(r"^  (import joblib.*)$", _hint(tmp_path / "model.joblib"), re.MULTILINE)[0]

    run(f"{START}X['c'] = ['u', 'v'] * 20\n{line}")

    model = inspect_model(tmp_path / "served.joblib")
    require_safe(model, ())
    assert model.feature_names == ("a", "b", "c")


def test_a_pipeline_of_pycaret_is_refused_even_if_it_is_trusted(
    tmp_path: Path, run: Callable[[str], None]
) -> None:
    """Its columns hold the label, and its classes are numbers: the answers would be told wrongly."""
    run(START + EXPERIMENT)
    with pytest.raises(ModelUnreadable, match="wrongly") as raised:
        require_safe(inspect_model(tmp_path / "model.joblib"), ("pycaret",))
    assert "make_pipeline" in str(raised.value.hint)


def test_the_service_refuses_a_pipeline_of_pycaret(
    tmp_path: Path, run: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from service.errors import UnusableFile  # noqa: PLC0415
    from service.models.refusals import check_answers  # noqa: PLC0415

    run(START + EXPERIMENT)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnusableFile, match="PyCaret"):
        check_answers(joblib.load(tmp_path / "model.joblib"))


def test_idle_steps_of_tpot_are_left_out(tmp_path: Path, run: Callable[[str], None]) -> None:
    (tmp_path / "tpot").mkdir()
    (tmp_path / "tpot" / "__init__.py").touch()
    (tmp_path / "tpot" / "builtin_modules.py").write_text(
        "class Passthrough:\n    def transform(self, table): return table\n"
    )
    script = """
from sklearn.pipeline import Pipeline
from tpot.builtin_modules import Passthrough
inner = LogisticRegression().fit(X, y)
steps = [("a", Passthrough()), ("b", SimpleImputer().fit(X)), ("c", inner)]
joblib.dump(Pipeline(steps), "model.joblib")
"""
    run(START + script)
    line = shlex.split(re.findall(r"^  (python .*)$", _hint(tmp_path / "model.joblib"), re.MULTILINE)[0])

    run(line[2])

    assert len(joblib.load(tmp_path / "served.joblib").steps) == 2
    require_safe(inspect_model(tmp_path / "served.joblib"), ())
