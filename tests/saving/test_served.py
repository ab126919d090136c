"""A service answers the saved examples with the saved answers, for models of every kind."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from werkzeug.test import Client

import infer_cli
from infer_cli.building.examples import compare_examples, read_examples
from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedModel
from infer_cli.inspection import inspect_model
from infer_cli.saving.failure import SaveFailed
from service.application import build_application
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(20, 2)), columns=["age", "prediction"])
TARGET = np.where(FRAME.age > 0, "hi", "lo")
TWO = np.c_[TARGET, np.where(FRAME.prediction > 0, "yes", "no")]
TEXTS = [" ".join(RANDOM.choice(["good", "bad", "film"], 4)) for _ in range(20)]
DICTIONARIES = [{"age": float(at), "city": "ab"[at % 2]} for at in range(20)]


CASES: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "several numbers": lambda: (LinearRegression().fit(FRAME, FRAME), FRAME, FRAME),
    "one column as a table": lambda: (LinearRegression().fit(FRAME, FRAME[["age"]]), FRAME, FRAME[["age"]]),
    "several labels": lambda: (
        RandomForestClassifier(3, random_state=0).fit(FRAME.to_numpy(), TWO),
        FRAME.to_numpy(),
        TWO,
    ),
    "a transformer": lambda: (PCA(1).fit(FRAME), FRAME, None),
    "a sparse answer": lambda: (OneHotEncoder().fit(FRAME > 0), FRAME > 0, None),
    "neighbours": lambda: (NearestNeighbors(n_neighbors=2).fit(FRAME), FRAME, None),
    "outliers": lambda: (IsolationForest(n_estimators=3, random_state=0).fit(FRAME), FRAME, None),
    "texts": lambda: (
        make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, TARGET),
        pd.Series(TEXTS, index=range(5, 25)),
        TARGET,
    ),
    "dictionaries": lambda: (
        make_pipeline(DictVectorizer(), LogisticRegression()).fit(DICTIONARIES, TARGET),
        DICTIONARIES,
        TARGET,
    ),
    "a sparse table": lambda: (
        LogisticRegression().fit(sparse.csr_matrix(FRAME > 0, dtype=float), TARGET),
        sparse.csr_matrix(FRAME > 0, dtype=float),
        TARGET,
    ),
    "booleans": lambda: (
        LogisticRegression().fit(FRAME[["age"]], FRAME.age > 0),
        FRAME[["age"]],
        FRAME.age > 0,
    ),
    "infinities": lambda: (Ridge().fit(FRAME, FRAME.age).set_params(), FRAME, None),
}


@pytest.mark.parametrize("case", CASES)
def test_a_service_gives_the_saved_answers(case: str, tmp_path: Path) -> None:
    model, table, target = CASES[case]()
    if case == "infinities":
        model.coef_ = np.array([np.inf, 0.0])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = infer_cli.save(model, tmp_path / "saved", table, target)
        settings = Settings.from_environment({"MODEL_FILE": str(folder / "model.pkl")})
        client = Client(build_application(settings).wsgi)
        described = json.loads(client.get("/model").data)
        examples = read_examples(folder / "examples.jsonl", ServedModel.of(described).features)
        answered = client.post("/prediction", json={"rows": examples.inputs})

    assert answered.status_code == 200, answered.data
    compared = compare_examples(examples, Predictions.of(json.loads(answered.data)), 1e-9)
    assert len(examples.inputs) == 20
    assert compared >= 20
    assert inspect_model(folder / "model.pkl").kind == described["kind"]


@pytest.mark.parametrize(
    ("model", "message", "hint"),
    [
        pytest.param({"model": PCA(1), "auc": 0.9}, "the dict is no model", "model['model']", id="one"),
        pytest.param({"scaler": PCA(1), "model": Ridge()}, "the dict is no model", "fitted model", id="two"),
        pytest.param(Ridge, "Ridge is a class", "Ridge().fit(X, y)", id="class"),
        pytest.param(Ridge(), "NotFittedError", "fitted model", id="unfitted"),
    ],
)
def test_what_answers_no_rows_is_refused(model: object, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(SaveFailed) as caught:
        infer_cli.save(model, tmp_path / "saved", FRAME)

    assert message in str(caught.value)
    assert hint in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def lengths(texts: Any) -> Any:
    return np.array([[len(str(text))] for text in texts])


def test_texts_that_own_code_gets_are_refused(tmp_path: Path) -> None:
    """A service would give it a table."""
    model = make_pipeline(FunctionTransformer(lengths), LogisticRegression()).fit(TEXTS, TARGET)

    with pytest.raises(SaveFailed, match="lengths gets the rows first, as texts"):
        infer_cli.save(model, tmp_path / "saved", TEXTS)


def hours(table: Any) -> Any:
    return table[["at"]].apply(lambda column: column.dt.hour)


def test_times_of_a_zone_that_own_code_gets_are_refused(tmp_path: Path) -> None:
    table = pd.DataFrame({"at": pd.date_range("2026-01-01", periods=20, freq="h", tz="Europe/Paris")})
    model = make_pipeline(FunctionTransformer(hours), LogisticRegression()).fit(table, TARGET)

    with pytest.raises(SaveFailed, match="the time zone of at; a service has none"):
        infer_cli.save(model, tmp_path / "saved", table)
