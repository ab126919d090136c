"""What labels and probabilities have in common is computed once, and both are those of the two methods."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn import model_selection
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.semi_supervised import SelfTrainingClassifier

from service.models.shared_work import share_work

ROWS, TARGET = make_classification(120, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=1)
LABELS = np.array(["no", "some", "yes"])[TARGET]
PARTLY = np.where(np.arange(120) % 5 == 0, -1, TARGET)
COUNTS = (ROWS > 0).astype(int)
MODELS: dict[str, Any] = {
    "quadratic": QuadraticDiscriminantAnalysis().fit(ROWS, LABELS),
    "Gaussian process": GaussianProcessClassifier().fit(ROWS, TARGET > 0),
    "Gaussian process of three": GaussianProcessClassifier().fit(ROWS, LABELS),
    "one against the rest": OneVsRestClassifier(LogisticRegression()).fit(ROWS, LABELS),
    "forests": OneVsRestClassifier(RandomForestClassifier(5, random_state=0)).fit(ROWS, LABELS),
    "several labels": OneVsRestClassifier(LogisticRegression()).fit(ROWS, COUNTS[:, :2]),
    "radius": RadiusNeighborsClassifier(2.0, outlier_label="no").fit(ROWS, LABELS),
    "categories": CategoricalNB().fit(COUNTS, LABELS),
    "self-training": SelfTrainingClassifier(LogisticRegression()).fit(ROWS, PARTLY),
}
for name in ("FixedThresholdClassifier", "TunedThresholdClassifierCV"):
    # scikit-learn has them from 1.5 on.
    threshold = getattr(model_selection, name, None)
    if threshold:
        MODELS[name] = threshold(LogisticRegression()).fit(ROWS, TARGET > 0)
# What each of these calls once for both answers.
ONCE = {"quadratic": "_decision_function", "radius": "predict_proba"}


def rows_of(name: str) -> Any:
    return COUNTS if name == "categories" else ROWS


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_both_are_the_models_own(name: str) -> None:
    model, rows = MODELS[name], rows_of(name)
    joint = share_work(model)
    before = {name: id(value) for name, value in vars(model).items()}

    assert joint
    for table in (rows, rows[:1], rows[1:2], rows + 0):
        labels, probabilities = joint(table)
        assert np.array_equal(np.asarray(labels), model.predict(table))
        assert np.array_equal(np.asarray(probabilities), model.predict_proba(table))
    # Nothing of it stays in the model.
    assert {name: id(value) for name, value in vars(model).items()} == before
    pickle.dumps(model)


@pytest.mark.parametrize("name", ONCE)
def test_the_work_is_done_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = MODELS[name], []
    found = getattr(type(model), ONCE[name])

    def counted(*given: Any) -> Any:
        calls.append(given)
        return found(*given)

    monkeypatch.setattr(type(model), ONCE[name], counted)
    joint = share_work(model)

    assert joint
    joint(rows_of(name)[:3])
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["quadratic", "Gaussian process"])
def test_a_model_that_fails_is_left_as_it_was(name: str) -> None:
    model = MODELS[name]
    joint = share_work(model)
    before = dict(vars(model))

    assert joint
    with pytest.raises(ValueError, match="features"):
        joint(np.ones((1, 7)))
    assert vars(model) == before


def test_other_models_share_nothing() -> None:
    assert share_work(LogisticRegression().fit(ROWS, TARGET)) is None
