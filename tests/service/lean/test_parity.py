"""Whatever way serves a model, its answers are the model's own: all classifiers and regressors there are."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.utils import all_estimators

from service.lean.trial import TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.predictor import Predictor

ROWS = 300
FEATURES = 6
# What cannot be made, or not be fitted to one table and one target, without being told more.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "ClassifierChain": {"estimator": LogisticRegression()},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": LinearRegression()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "PLSCanonical": {"n_components": 1},
    "RadiusNeighborsClassifier": {"radius": 1e6},
    "RadiusNeighborsRegressor": {"radius": 1e6},
    "RegressorChain": {"estimator": LinearRegression()},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "StackingClassifier": {"estimators": [("a", LogisticRegression())]},
    "StackingRegressor": {"estimators": [("a", LinearRegression())]},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression()},
    "VotingClassifier": {"estimators": [("a", LogisticRegression())], "voting": "soft"},
    "VotingRegressor": {"estimators": [("a", LinearRegression())]},
}
SEVERAL_OUTPUTS = {
    *("ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"),
    *("MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"),
}
POSITIVE = {"CategoricalNB", "ComplementNB", "MultinomialNB"}
POSITIVE_TARGET = {"GammaRegressor", "PoissonRegressor"}
TWO_CLASSES = {"ClassifierChain", "FixedThresholdClassifier", "TunedThresholdClassifierCV"}
KINDS = ["classifier", "regressor"]
# Without n_features_in_, it cannot be told what it takes: the service refuses it.
UNKNOWN_FEATURES = {"IsotonicRegression"}
CASES = [
    (kind, name, made)
    for kind in KINDS
    for name, made in all_estimators(kind)
    if name not in UNKNOWN_FEATURES
]

LEAN = {
    *("ARDRegression", "AdaBoostClassifier", "BaggingClassifier", "BaggingRegressor", "BayesianRidge"),
    *("BernoulliNB", "CCA", "ComplementNB", "DecisionTreeClassifier", "DecisionTreeRegressor", "ElasticNet"),
    *("ElasticNetCV", "ExtraTreeClassifier", "ExtraTreeRegressor", "ExtraTreesClassifier"),
    *("ExtraTreesRegressor", "GammaRegressor", "GaussianNB", "GradientBoostingClassifier"),
    *("GradientBoostingRegressor", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
    *("HuberRegressor", "Lars", "LarsCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC"),
    *("LinearDiscriminantAnalysis", "LinearRegression", "LinearSVC", "LinearSVR", "LogisticRegression"),
    *("LogisticRegressionCV", "MLPClassifier", "MLPRegressor", "MultiTaskElasticNet"),
    *("MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "MultinomialNB"),
    *("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PLSCanonical", "PLSRegression"),
    *("PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "Perceptron", "PoissonRegressor"),
    *("QuantileRegressor", "RandomForestClassifier", "RandomForestRegressor", "Ridge", "RidgeCV"),
    *("RidgeClassifier", "RidgeClassifierCV", "SGDClassifier", "SGDRegressor", "TheilSenRegressor"),
    *("TransformedTargetRegressor", "TweedieRegressor", "VotingClassifier", "VotingRegressor"),
}


def fitted(kind: str, name: str, made: Any) -> tuple[Any, Any]:
    """A model of the class, and the rows that it was fitted to."""
    model = made(**ARGUMENTS.get(name, {}))
    if kind == "classifier":
        classes = 2 if name in TWO_CLASSES else 3
        rows, target = make_classification(
            ROWS, FEATURES, n_informative=4, n_classes=classes, random_state=0, n_redundant=0
        )
    else:
        rows, target = make_regression(ROWS, FEATURES, random_state=0, noise=3)
    if name in POSITIVE:
        rows = np.abs(rows).round()
    if name in POSITIVE_TARGET:
        target = np.abs(target) / 100 + 1
    if name in SEVERAL_OUTPUTS:
        target = np.stack([target, target], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, target), rows


@pytest.mark.parametrize(("kind", "name", "made"), CASES, ids=[name for _, name, _ in CASES])
@pytest.mark.filterwarnings("ignore")
def test_answers_are_the_models_own(
    kind: str, name: str, made: Any, make_predictor: Callable[[object], Predictor]
) -> None:
    model, rows = fitted(kind, name, made)
    predictor = make_predictor(model)
    chance = np.random.default_rng(1)
    given = rows if name in POSITIVE else np.vstack([rows, chance.normal(0, 10, size=rows.shape)])

    predictions = predictor.predict(given)
    single = predictor.predict(given[:1])

    assert (predictor.lean is not None) == (name in LEAN), predictor.not_lean
    expected = model.predict(given)
    if kind == "classifier":
        assert predictions.values == expected.tolist()
        assert single.values == expected[:1].tolist()
    else:
        np.testing.assert_allclose(predictions.values, expected, rtol=TOLERANCE, atol=TOLERANCE)
        np.testing.assert_allclose(single.values, expected[:1], rtol=TOLERANCE, atol=TOLERANCE)
    if hasattr(model, "predict_proba") and name not in SEVERAL_OUTPUTS:
        probabilities = model.predict_proba(given)
        np.testing.assert_allclose(np.array(predictions.probabilities), probabilities, rtol=0, atol=TOLERANCE)
    else:
        assert (predictions.probabilities is not None) == hasattr(model, "predict_proba")
