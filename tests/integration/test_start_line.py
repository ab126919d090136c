"""The line that a build prints to start a service, followed literally."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

_OWN = """
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

class Area(TransformerMixin, BaseEstimator):
    def fit(self, frame, target=None):
        return self

    def transform(self, frame):
        return pd.DataFrame({"area": frame["width"] * frame["height"]})
"""
_TRAIN = """
import joblib
import pandas as pd
from own import Area
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

frame = pd.DataFrame({"width": [1.0, 2.0, 3.0], "height": [2.0, 5.0, 4.0]})
model = make_pipeline(Area(), LinearRegression()).fit(frame, [2.0, 10.0, 12.0])
joblib.dump({"scaler": StandardScaler().fit(frame), "model": model}, "model.joblib")
"""


def test_what_was_declared_at_the_build_is_known_at_the_start(
    infer: Callable[..., Finished], base_image: str, tag: Callable[[], str], service_name: str, tmp_path: Path
) -> None:
    """The file tells neither which of its objects is served nor its columns; the image knows both."""
    (tmp_path / "own.py").write_text(_OWN)
    tmp_path.chmod(0o755)
    subprocess.run([sys.executable, "-c", _TRAIN], check=True, cwd=tmp_path, timeout=120)
    declared = ("--member", "model", "--features", "width,height", "--code", str(tmp_path / "own.py"))
    place = ("--model-dir", str(tmp_path), "--model-file", "model.joblib", "--base-image", base_image)

    built = infer("build", "--tag", tag(), *place, *declared)
    assert built.exit_code == 0, built.stderr
    line = re.findall(r"^Start it: infer (.*)$", built.stdout, re.MULTILINE)[0]
    started = infer(*shlex.split(line), "-d", "--name", service_name)
    assert started.exit_code == 0, started.stderr
    restarted = infer("restart", service_name)
    assert restarted.exit_code == 0, restarted.stderr

    answered = infer("predict", service_name, "width=2", "height=3", "--json")
    assert answered.exit_code == 0, answered.stderr
    assert json.loads(answered.stdout)["prediction"] == pytest.approx(6.0)
