"""What answers no new rows is refused alike on both sides, and the advice, followed literally, succeeds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans, SpectralBiclustering
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import LabelEncoder, StandardScaler

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from infer_cli.inspection.facts import refusals as of_host
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.models import refusals as of_service

if TYPE_CHECKING:
    from pathlib import Path

X = np.abs(np.random.default_rng(0).normal(size=(40, 3))) + np.arange(40)[:, None] % 2 * 5
Y = np.arange(40) % 2
TABLES = (
    "LABELS_OF_TRAINING",
    "PLACES_OF_TRAINING",
    "NO_TABLE",
    "STATELESS",
    "FEATURES_MAX",
    "BOOSTERS",
    "LIBRARIES",
    "SEARCHES",
)
NOT_REFIT = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2, refit=False).fit(X, Y)


def _with_count(count: int) -> Any:
    model = LogisticRegression().fit(X, Y)
    model.n_features_in_ = count
    return model


REFUSED: dict[str, Any] = {
    "clusterer": AgglomerativeClustering().fit(X),
    "clusterer of a pipeline": make_pipeline(StandardScaler(), DBSCAN()).fit(X),
    "clusterer of two pipelines": make_pipeline(
        StandardScaler(), make_pipeline(StandardScaler(), DBSCAN())
    ).fit(X),
    "biclusterer": SpectralBiclustering(n_clusters=2).fit(X),
    "embedding": TSNE(perplexity=5).fit(X),
    "labels": LabelEncoder().fit(["a", "b"]),
    "local outlier factor": LocalOutlierFactor().fit(X),
    "local outlier factor of a pipeline": make_pipeline(StandardScaler(), LocalOutlierFactor()).fit(X),
    "search": NOT_REFIT,
    "not fitted": LogisticRegression(),
    "features without end": _with_count(10**12),
    "fewer features than none": _with_count(-1),
    "step that is not fitted": make_pipeline(FeatureUnion([("a", StandardScaler())]), LogisticRegression()),
}


@pytest.mark.parametrize("name", TABLES)
def test_both_sides_have_the_same_tables(name: str) -> None:
    assert getattr(of_host, name) == getattr(of_service, name)


@pytest.mark.parametrize("case", REFUSED)
def test_both_sides_refuse_in_the_same_words(case: str, tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    joblib.dump(REFUSED[case], file)

    with pytest.raises(ModelUnreadable) as of_inspection:
        inspect_model(file)
    with pytest.raises(ModelUnloadable) as of_loader:
        load_model(file)

    assert of_inspection.value.message == f"{file} {of_loader.value.reason.removeprefix('it ')}."
    assert of_inspection.value.hint == f"{of_loader.value.advice}."


@pytest.mark.parametrize("case", [case for case in REFUSED if "cluster" in case or "local" in case])
def test_code_in_the_advice_makes_a_model_that_is_served(case: str, tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    joblib.dump(REFUSED[case], file)
    with pytest.raises(ModelUnreadable) as refused:
        inspect_model(file)
    code = re.search(r": (\S.*)\.$", str(refused.value.hint))
    assert code is not None

    names = {
        "KNeighborsClassifier": KNeighborsClassifier,
        "LocalOutlierFactor": LocalOutlierFactor,
        "make_pipeline": make_pipeline,
        "model": REFUSED[case],
        "X": X,
    }
    made = eval(code[1], names)  # noqa: S307 (it is the code that the hint gives)
    joblib.dump(made, file)

    assert inspect_model(file).kind == ("outlier_detector" if "local" in case else "classifier")
    assert load_model(file).model.name == type(made).__name__


def test_models_that_have_nothing_to_learn_are_not_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    joblib.dump(make_pipeline("passthrough", KMeans(2, n_init=1)).fit(X), file)

    assert inspect_model(file).kind == "clusterer"
