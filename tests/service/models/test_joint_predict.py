"""Labels and probabilities at once are those of the model's two methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import LabelSpreading

from service.models.joint_predict import find_joint_predict
from service.schema.features import Feature

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

NEIGHBORS = KNeighborsClassifier()
FEATURES = [Feature(f"x{at}") for at in range(5)]
MODELS: dict[str, Any] = {
    "neighbors": NEIGHBORS,
    "bagged": BaggingClassifier(NEIGHBORS),
    "calibrated": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "spread": LabelSpreading(),
    "stacked": StackingClassifier([("a", NEIGHBORS), ("b", LogisticRegression())], cv=2),
    "stacked on neighbors": StackingClassifier([("a", LogisticRegression())], NEIGHBORS, cv=2),
    "voted": VotingClassifier([("a", NEIGHBORS), ("b", GaussianNB())], voting="soft"),
    "search": GridSearchCV(NEIGHBORS, {"n_neighbors": [3, 5]}, cv=2),
    "pipeline in a pipeline": make_pipeline("passthrough", make_pipeline("passthrough", NEIGHBORS)),
}


def data(*, labels: Any = ("no", "some", "yes")) -> tuple[Any, Any]:
    rows, target = make_classification(200, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)
    return rows, np.array(labels)[target]


def table_of(rows: list[Any]) -> Any:
    return np.array(rows, np.float64)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("labels", [("no", "some", "yes"), (-1, 0, 7)], ids=["texts", "numbers"])
@pytest.mark.filterwarnings("ignore")
def test_both_are_the_models_own(model: Any, labels: Any) -> None:
    rows, target = data(labels=labels)
    model.fit(rows, target)
    chance = np.random.default_rng(2).normal(0, 3, size=(500, 5))

    both = find_joint_predict(model, FEATURES, table_of)

    assert both
    found, probabilities = both(chance)
    assert np.asarray(found).tolist() == model.predict(chance).tolist()
    np.testing.assert_array_equal(probabilities, model.predict_proba(chance))


def test_a_pipeline_transforms_once() -> None:
    tables = []

    def count(table: Any) -> Any:
        tables.append(table)
        return table

    model = make_pipeline(FunctionTransformer(count), GaussianNB()).fit(*data())
    both = find_joint_predict(model, FEATURES, table_of)
    tables.clear()

    assert both
    both(data()[0])

    assert len(tables) == 1


def test_a_model_whose_label_is_not_the_most_probable_is_asked_for_each() -> None:
    rows, target = data()
    model = KNeighborsClassifier().fit(rows, target)
    model.predict = lambda table: np.array(["no"] * len(table))

    assert find_joint_predict(model, FEATURES, table_of) is None
    assert find_joint_predict(GaussianNB().fit(rows, target), FEATURES, table_of) is None


def test_rows_that_the_model_refuses_are_not_tried() -> None:
    rows, target = data()
    model = RadiusNeighborsClassifier(0.01).fit(rows, target)

    both = find_joint_predict(model, FEATURES, table_of)

    assert both
    assert np.asarray(both(rows)[1]).tobytes() == model.predict_proba(rows).tobytes()
    with pytest.raises(ValueError, match="No neighbors found"):
        both(rows + 1e9)


def test_texts_are_read_once(make_predictor: Callable[[object], Predictor]) -> None:
    model = make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(["a good one", "a bad one"], ["yes", "no"])
    calls = []
    predictor = make_predictor(model)
    fitted: Any = predictor.model
    pipeline = fitted.estimator
    vectorizer = pipeline.steps[0][1]
    transform = vectorizer.transform

    def counted(texts: Any) -> Any:
        calls.append(texts)
        return transform(texts)

    vectorizer.transform = counted

    found = predictor.predict([["a good one"], ["bad"]])

    assert found.values == ["yes", "no"]
    expected = model.predict_proba(["a good one", "bad"])
    np.testing.assert_allclose(np.array(found.probabilities), expected, rtol=1e-15)
    assert len(calls) == 1
