"""Training scripts save their models, as `python train.py`."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import infer_cli
from infer_cli.inspection import inspect_model
from infer_cli.saving.failure import SaveFailed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.saving.conftest import Run

HEAD = """
import infer_cli
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator as Base, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

X = pd.DataFrame({"width": [1.0, 2.0, 3.0, 4.0], "height": [2.0, 1.0, 5.0, 3.0], "kind": list("abab")})
y = ["no", "yes", "no", "yes"]
"""
FULL = (
    HEAD
    + """
from dataclasses import dataclass
import own_module as om

@dataclass
class Config:
    power: float = 2.0

CODES = {"a": 0, "b": 1}

class Area(TransformerMixin, Base):
    def __init__(self, config=None):
        self.config = config
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        area = (X["width"] * X["height"]) ** self.config.power
        return pd.DataFrame({"area": area, "kind": X["kind"].map(CODES)})

def log(X):
    return np.log1p(X)

if __name__ == "__main__":
    model = make_pipeline(
        Area(Config()),
        FunctionTransformer(log),
        FunctionTransformer(lambda Z: np.asarray(Z) * 0.5),
        FunctionTransformer(om.same),
        LogisticRegression(),
    ).fit(X, y)
    infer_cli.save(model, "model_dir", X, y)
    assert Area.__module__ == "__main__"
"""
)


def test_a_script_saves_a_folder_that_needs_nothing_else(run_script: Run, tmp_path: Path) -> None:
    (tmp_path / "own_module.py").write_text("import own_other\ndef same(X):\n    return own_other.keep(X)\n")
    (tmp_path / "own_other.py").write_text("def keep(X):\n    return X\n")

    finished = run_script(FULL)

    assert finished.returncode == 0, finished.stderr
    folder = tmp_path / "model_dir"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "code/model_dir_code.py",
        "code/own_module.py",
        "code/own_other.py",
        "examples.jsonl",
        "infer.json",
        "model.pkl",
    ]
    schema = json.loads((folder / "infer.json").read_text())
    assert schema["digest"] == f"sha256:{hashlib.sha256((folder / 'model.pkl').read_bytes()).hexdigest()}"
    assert schema["saved"]["requires"] == ["numpy", "pandas", "scikit-learn"]
    assert [(one["name"], one["type"]) for one in schema["features"]] == [
        ("width", "number"),
        ("height", "number"),
        ("kind", "text"),
    ]
    examples = [json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()]
    assert len(examples) == 4
    assert set(examples[0]) == {"width", "height", "kind", "prediction", "probability_no", "probability_yes"}
    names = {str(name) for name in inspect_model(folder / "model.pkl").globals}
    assert {
        "model_dir_code.Area",
        "model_dir_code.Config",
        "model_dir_code.lambda_1",
        "own_module.same",
    } <= names
    assert not [name for name in names if name.startswith("__main__")]


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        pytest.param(
            "table = np.zeros(1001)\ndef add(Z): return np.asarray(Z[['width']]) + table[0]\n",
            "add uses table, which is a numpy.ndarray: its source cannot be copied",
            id="a table of the script",
        ),
        pytest.param(
            "import os\nos.environ['TOKEN'] = '1'\n"
            "def add(Z): return np.asarray(Z[['width']]) + ord(open('data.txt').read())\n"
            "open('data.txt', 'w').write('x')\n",
            "the saved model does not work in a fresh Python: FileNotFoundError",
            id="a file of the script",
        ),
    ],
)
def test_a_model_that_works_only_in_its_script_is_not_saved(
    run_script: Run, tmp_path: Path, rest: str, message: str
) -> None:
    model = "model = make_pipeline(FunctionTransformer(add), LogisticRegression()).fit(X, y)\n"

    finished = run_script(f"{HEAD}{rest}{model}infer_cli.save(model, 'model_dir', X, y)\n")

    assert finished.returncode == 1
    assert message in finished.stderr
    assert "hint: " in finished.stderr
    assert [path.name for path in tmp_path.iterdir() if "model_dir" in path.name] == []


def test_only_a_folder_of_its_own_is_replaced(tmp_path: Path) -> None:
    rows = np.array([[1.0], [2.0], [3.0]])
    model = LinearRegression().fit(rows, [1, 2, 3])
    (tmp_path / "empty").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()

    for _ in range(2):
        assert infer_cli.save(model, tmp_path / "empty", rows) == tmp_path / "empty"
    with pytest.raises(SaveFailed, match="holds something that infer_cli"):
        infer_cli.save(model, tmp_path / "mine", rows)

    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "mine"]


def test_importing_it_loads_nothing_of_the_command_line() -> None:
    program = "import sys, infer_cli, infer_cli.saving.save; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert not {"typer", "docker", "rich", "numpy", "infer_cli.cli"} & set(loaded.split())
