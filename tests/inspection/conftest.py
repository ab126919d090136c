"""Models to inspect: tiny, seeded, and trained once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import NOTHING_DECLARED, Declared, Inspection, inspect_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
NAMES = (
    "bools",
    "boosting",
    "columns",
    "forest",
    "logistic",
    "neighbors",
    "pipeline",
    "search",
    "svc",
    "unnamed",
    "voting",
    "words",
)
COLUMNS = ("slength", "swidth", "color")
SPECIES = ("setosa", "versicolor", "virginica")


def _trained() -> dict[str, object]:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(60, 2))
    target = np.tile([0, 1, 2], 20)
    numbers += target[:, None]
    species = np.array(SPECIES)[target]
    frame = pd.DataFrame(numbers, columns=list(COLUMNS[:2]))
    mixed = frame.assign(color=np.tile(["red", "blue"], 30)).astype({"color": object})
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list(COLUMNS[:2])), ("words", OneHotEncoder(), ["color"])]
    )
    texts = [f"a {name} flower" for name in species]
    return {
        "logistic": LogisticRegression().fit(frame, species),
        "unnamed": LogisticRegression().fit(numbers, target),
        "bools": LogisticRegression().fit(frame, target == 1),
        "pipeline": Pipeline([("scale", StandardScaler()), ("classify", LogisticRegression())]).fit(
            frame, species
        ),
        "columns": Pipeline([("columns", columns), ("classify", SVC())]).fit(mixed, species),
        "forest": RandomForestClassifier(4, max_depth=3, random_state=0).fit(frame, species),
        "boosting": HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(
            mixed[["slength"]], species
        ),
        "search": GridSearchCV(Pipeline([("ridge", Ridge())]), {"ridge__alpha": [0.1, 1.0]}, cv=2).fit(
            frame, target
        ),
        "svc": SVC().fit(frame, species.astype(object)),
        "neighbors": KNeighborsClassifier(3).fit(numbers, target),
        "voting": VotingClassifier([("svc", SVC()), ("logistic", LogisticRegression())]).fit(frame, species),
        "words": Pipeline([("words", TfidfVectorizer()), ("classify", LogisticRegression())]).fit(
            texts, species
        ),
    }


@pytest.fixture(scope="session")
def models() -> dict[str, object]:
    """Give fitted models by name."""
    return _trained()


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, models: dict[str, object]) -> object:
    """Give each model in turn."""
    return models[request.param]


@pytest.fixture
def inspect_bytes(tmp_path: Path) -> Callable[..., Inspection]:
    """Give a function that writes its bytes to a file and inspects the file."""

    def inspect(data: bytes, name: str = "model.pkl", declared: Declared = NOTHING_DECLARED) -> Inspection:
        path = tmp_path / name
        path.write_bytes(data)
        return inspect_model(path, declared)

    return inspect


@pytest.fixture
def refusal(inspect_bytes: Callable[..., Inspection]) -> Callable[[bytes], ModelUnreadable]:
    """Give a function that writes its bytes to a file, inspects the file, and expects a refusal."""

    def refuse(data: bytes) -> ModelUnreadable:
        with pytest.raises(ModelUnreadable) as raised:
            inspect_bytes(data)
        return raised.value

    return refuse


@pytest.fixture(scope="session")
def run_script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Path], None]]:
    """Run a script, as `python -c` does, in a folder."""
    log = tmp_path_factory.mktemp("scripts") / "log"
    # The scripts run none of our code, so that its coverage need not be measured.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.inspection.scripts"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**unmeasured, "PYTHONPATH": ""},
        text=True,
    ) as runner:

        def run(script: str, folder: Path) -> None:
            assert runner.stdin is not None
            assert runner.stdout is not None
            told = {"script": script, "folder": str(folder), "log": str(log)}
            print(json.dumps(told), file=runner.stdin, flush=True)
            code = runner.stdout.readline()
            assert code == "0\n", log.read_text(errors="replace")

        yield run
