"""A notebook saves its model; its classes have no file."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.saving.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from pathlib import Path

CELLS = [
    "import infer_cli\nimport numpy as np, pandas as pd\nfrom sklearn.pipeline import make_pipeline",
    "%matplotlib inline\nfrom sklearn.preprocessing import FunctionTransformer as FT",
    "from sklearn.base import BaseEstimator, TransformerMixin\nfrom sklearn.linear_model import Ridge",
    "class Scale(TransformerMixin, BaseEstimator):\n    pass",
    "from dataclasses import dataclass\n@dataclass\nclass Config:\n    factor: float = 1.0",
    "FACTOR = Config(3.0)",
    (
        "class Scale(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None): return self\n"
        "    def transform(self, X): return X[['a']] * FACTOR.factor"
    ),
    "%%time\ndef double(Z):\n    return Z * 2",
    "X = pd.DataFrame({'a': [1.0, 2.0, 4.0], 'b': ['x', 'y', 'x']})",
    "model = make_pipeline(Scale(), FT(lambda Z: np.asarray(Z) + 1), FT(double), Ridge())",
    "model.fit(X, [1.0, 2.0, 3.0])",
    "infer_cli.save(model, 'from_notebook', X)",
]


def test_a_notebook_saves_its_model(tmp_path: Path) -> None:
    cells: list[object] = [
        {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
        for cell in CELLS
    ]
    notebook = tmp_path / "train.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))

    # The command of nbclient.
    finished = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--kernel_name=python3", str(notebook)],
        cwd=tmp_path,
        env={**ENVIRONMENT, "IPYTHONDIR": str(tmp_path / "ipython")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    folder = tmp_path / "from_notebook"
    code = (folder / "code" / "from_notebook_code.py").read_text()
    assert "FACTOR = Config(factor=3.0)" in code
    assert "lambda_1 = lambda Z: np.asarray(Z) + 1" in code
    assert code.count("class Scale") == 1
    assert [json.loads(line)["a"] for line in (folder / "examples.jsonl").read_text().splitlines()] == [
        1,
        2,
        4,
    ]
