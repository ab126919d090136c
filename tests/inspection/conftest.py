"""Models to inspect: tiny, seeded, and trained once."""

from __future__ import annotations

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
    from collections.abc import Callable
    from pathlib import Path

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
