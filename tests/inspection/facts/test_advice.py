"""What to do with a refused file: the lines of each hint, run as they are, give a model that is taken."""

from __future__ import annotations

import logging
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from scipy.stats import uniform
from sklearn.linear_model import Ridge
from sklearn.model_selection import RandomizedSearchCV

from infer_cli.building.inputs import read_own_code
from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[str, Path], None]

TABLE = np.random.default_rng(0).normal(size=(40, 2))
TARGET = TABLE[:, 0]
# Training scripts: their own names are of `__main__` in the file.
SCORER = """
import joblib, numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
def cost(wanted, found): return -abs(wanted - found).mean()
table = np.random.default_rng(0).normal(size=(40, 2))
search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, scoring=make_scorer(cost))
joblib.dump(search.fit(table, table[:, 0]), "model.joblib")
"""
OWN = """
from sklearn.base import BaseEstimator, TransformerMixin
class Doubled(TransformerMixin, BaseEstimator):
    def fit(self, table, target=None):
        self.n_features_in_ = table.shape[1]
        return self
    def transform(self, table):
        return table * 2
"""
TRAIN = """
import joblib, numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
table = np.random.default_rng(0).normal(size=(40, 2))
joblib.dump(make_pipeline(Doubled(), Ridge()).fit(table, table[:, 0]), "model.joblib")
"""


def _script(text: str) -> Callable[[Path, Run], None]:
    return lambda folder, run: run(text, folder)


def _with_logger(folder: Path, _: Run) -> None:
    model = Ridge().fit(TABLE, TARGET)
    model.log_ = logging.getLogger("training")
    joblib.dump(model, folder / "model.joblib")


def _beside(folder: Path, _: Run) -> None:
    held = {"model": Ridge().fit(TABLE, TARGET), 'the "log"': [{"log": Path}], "columns": ["a", "b"]}
    joblib.dump(held, folder / "model.joblib")


def _search(folder: Path, _: Run) -> None:
    search = RandomizedSearchCV(Ridge(), {"alpha": uniform(0, 1)}, n_iter=2, random_state=0)
    joblib.dump(search.fit(TABLE, TARGET), folder / "model.joblib")


def _own(folder: Path, run: Run) -> None:
    run(OWN + TRAIN, folder)
    (folder / "own.py").write_text(OWN)


WRITTEN_ANEW: dict[str, Callable[[Path, Run], None]] = {
    "scorer": _script(SCORER),
    "distribution": _search,
    "logger": _with_logger,
    "beside": _beside,
    "own": _own,
}


def _hint(file: Path, trusted: tuple[str, ...] = ()) -> str:
    with pytest.raises(ModelUnsafe) as raised:
        require_safe(inspect_model(file), trusted)
    return str(raised.value.hint)


@pytest.mark.parametrize("name", WRITTEN_ANEW)
def test_the_line_of_python_writes_a_model_that_is_taken(name: str, tmp_path: Path, run_script: Run) -> None:
    WRITTEN_ANEW[name](tmp_path, run_script)
    hint = _hint(tmp_path / "model.joblib")
    command = shlex.split(re.findall(r"^  (python .*)$", hint, re.MULTILINE)[0])
    assert command[1] == "-c"
    run_script(command[2], tmp_path)
    new = re.findall(r"--model-file (\S+)", hint)[0]
    code = [tmp_path / path for path in re.findall(r"--code (\S+)", hint)]
    _, trusted = read_own_code(code, ())
    require_safe(inspect_model(tmp_path / new), trusted)


def _options(hint: str) -> list[str]:
    return shlex.split(re.findall(r"^  (infer build .*)$", hint, re.MULTILINE)[0])


@pytest.mark.parametrize("place", ["beside", "here"])
def test_own_code_is_named_where_it_lies(
    place: str, tmp_path: Path, run_script: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command is printed, with the file of the module."""
    (tmp_path / "features.py").write_text(OWN)
    run_script("from features import Doubled\n" + TRAIN, tmp_path)
    monkeypatch.chdir(tmp_path if place == "here" else "/")
    command = _options(_hint(tmp_path / "model.joblib"))
    assert command[:2] == ["infer", "build"]
    assert Path(command[command.index("--model-dir") + 1]) / "model.joblib" == tmp_path / "model.joblib"
    code, trusted = read_own_code([Path(command[command.index("--code") + 1])], ())
    assert code.modules == {"features"}
    require_safe(inspect_model(tmp_path / "model.joblib"), trusted)


def test_a_function_of_numbers_is_never_taken_out(tmp_path: Path, run_script: Run) -> None:
    """Without its function, a FunctionTransformer passes rows on: it would answer wrongly."""
    script = """
import joblib, os
from sklearn.preprocessing import FunctionTransformer
joblib.dump(FunctionTransformer(os.system), "model.joblib")
"""
    run_script(script, tmp_path)
    hint = _hint(tmp_path / "model.joblib")
    assert "None" not in hint
    assert "model.func" in hint


def test_a_search_that_holds_the_name_in_its_model_has_no_shortcut(tmp_path: Path, run_script: Run) -> None:
    """What the best estimator needs itself cannot be left out."""
    script = (
        OWN
        + """
import joblib, numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
table = np.random.default_rng(0).normal(size=(40, 2))
search = GridSearchCV(make_pipeline(Doubled(), Ridge()), {"ridge__alpha": [1, 2]})
joblib.dump(search.fit(table, table[:, 0]), "model.joblib")
"""
    )
    run_script(script, tmp_path)
    assert "best_estimator_" not in _hint(tmp_path / "model.joblib")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("def double(table): return table * 2\nfunction = double", "double"),
        ("function = lambda table: table", "<lambda>"),
        ("class Own:\n    def double(self, table): return table\nfunction = Own().double", "Own"),
    ],
    ids=["function", "lambda", "class"],
)
def test_a_function_by_value_is_named(text: str, named: str, tmp_path: Path, run_script: Run) -> None:
    """cloudpickle writes the code of what is defined in `__main__`: the file is not damaged."""
    pytest.importorskip("cloudpickle")
    script = f"""
import cloudpickle
from sklearn.preprocessing import FunctionTransformer
{text}
with open("model.pkl", "wb") as file:
    cloudpickle.dump(FunctionTransformer(function), file)
"""
    run_script(script, tmp_path)
    with pytest.raises(ModelUnreadable, match="by value") as raised:
        inspect_model(tmp_path / "model.pkl")
    assert named in raised.value.message
    assert "damaged" not in str(raised.value.hint)


def test_the_build_of_the_new_file_names_the_columns_that_an_own_step_keeps_to_itself(
    tmp_path: Path, run_script: Run
) -> None:
    script = """
import joblib
from sklearn.base import BaseEstimator
class Own(BaseEstimator):
    def predict(self, table):
        return [1.0] * len(table)
joblib.dump(Own(), "model.joblib")
"""
    run_script(script, tmp_path)
    command = _options(_hint(tmp_path / "model.joblib"))
    assert command[command.index("--model-file") + 1] == "served.joblib"
    assert command[command.index("--code") + 1 :] == ["own.py", "--features", "first,second"]


def test_the_hint_that_asks_for_columns_keeps_the_code(tmp_path: Path, run_script: Run) -> None:
    (tmp_path / "features.py").write_text(OWN)
    script = """
import joblib
from features import Doubled
joblib.dump(Doubled(), "model.joblib")
"""
    run_script(script, tmp_path)
    with pytest.raises(ModelUnreadable) as raised:
        require_safe(inspect_model(tmp_path / "model.joblib"), ("features",))
    command = _options(str(raised.value.hint))
    assert command[command.index("--code") + 1] == str(tmp_path / "features.py")
