"""A folder of `infer_cli.save` is built with no option, proved against its answers, and served."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import open_to_all
from tests.saving.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

SCRIPT = """
import infer_cli
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

class Shapes:
    class Area(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self
        def transform(self, X):
            return pd.DataFrame({"area": X["width"] * X["height"]})

X = pd.DataFrame({"width": [1.0, 2.0, 3.0, 4.0], "height": [2.0, 1.0, 5.0, 3.0]})
y = pd.DataFrame({"area": X["width"] * X["height"], "double": 2 * X["width"] * X["height"]})
infer_cli.save(make_pipeline(Shapes.Area(), LinearRegression()).fit(X, y), "shapes", X, y)
"""


def test_a_saved_folder_is_built_without_options(
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
    service_name: str,
    free_port: int,
    tmp_path: Path,
) -> None:
    open_to_all(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    subprocess.run([sys.executable, "train.py"], cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=300)
    folder, image = tmp_path / "shapes", tag()

    built = infer("build", str(folder), "--tag", image, "--base-image", base_image)
    started = infer(
        "run", image, "--model-dir", str(folder), "-d", "--name", service_name, "--port", str(free_port)
    )
    predicted = infer("predict", service_name, "width=3", "height=5", "--json")

    assert built.exit_code == 0, built.stderr
    # Two numbers for each of the four rows stand in one list.
    rows = [json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()]
    assert [len(row["prediction"]) for row in rows] == [2, 2, 2, 2]
    assert f"{len(rows)} rows" in built.stdout
    assert started.exit_code == 0, started.stderr
    assert predicted.exit_code == 0, predicted.stderr
    assert [round(value, 6) for value in predicted.record["prediction"]] == [15, 30]
