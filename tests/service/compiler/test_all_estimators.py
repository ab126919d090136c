"""Each classifier and regressor of scikit-learn is answered as by itself, compiled or not."""

from __future__ import annotations

import warnings
from inspect import signature
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import ClassifierChain
from sklearn.utils import all_estimators

from service.compiler.parity import TOLERANCE
from service.protocols.answers import AnswerWriter
from service.schema.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.json_values import JsonValue
    from service.prediction.predictor import Predictor

ROWS = 300
FEATURES = 6
# The name of the parameter before scikit-learn 1.7 is base_estimator.
CHAINED = "estimator" if "estimator" in signature(ClassifierChain).parameters else "base_estimator"
# Arguments of estimators that cannot be made, or fitted to one table and one target, with the defaults alone.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "ClassifierChain": {CHAINED: LogisticRegression()},
    "FixedThresholdClassifier": {"estimator": LogisticRegression()},
    "MultiOutputClassifier": {"estimator": LogisticRegression()},
    "MultiOutputRegressor": {"estimator": LinearRegression()},
    "OneVsOneClassifier": {"estimator": LogisticRegression()},
    "OneVsRestClassifier": {"estimator": LogisticRegression()},
    "OutputCodeClassifier": {"estimator": LogisticRegression()},
    "PLSCanonical": {"n_components": 1},
    "RadiusNeighborsClassifier": {"radius": 1e6},
    "RadiusNeighborsRegressor": {"radius": 1e6},
    "RegressorChain": {CHAINED: LinearRegression()},
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
# Without n_features_in_, the service does not know what an estimator takes, and refuses to load it.
UNKNOWN_FEATURES = {"IsotonicRegression"}
CASES = [
    (kind, name, made)
    for kind in KINDS
    for name, made in all_estimators(kind)
    if name not in UNKNOWN_FEATURES
]

COMPILED = {
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
# Compiled estimators without a row program: an operation of theirs is not supported in C.
NO_ROW_PROGRAM = {
    *("AdaBoostClassifier", "BernoulliNB", "ComplementNB", "GaussianNB", "MLPClassifier"),
    *("MLPRegressor", "MultinomialNB", "TransformedTargetRegressor", "VotingClassifier", "VotingRegressor"),
}


def fitted(kind: str, name: str, made: Any) -> tuple[Any, Any]:
    """A fitted estimator of the class, and the rows that it was fitted to."""
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
def test_the_answers_are_those_of_the_estimator(
    kind: str, name: str, made: Any, make_predictor: Callable[[object], Predictor]
) -> None:
    model, rows = fitted(kind, name, made)
    predictor = make_predictor(model)
    chance = np.random.default_rng(1)
    given = rows if name in POSITIVE else np.vstack([rows, chance.normal(0, 10, size=rows.shape)])

    assert (predictor.program is not None) == (name in COMPILED), predictor.model.not_compiled
    assert_equal_answers(
        model, given, predictor.predict(given), has_probabilities=name not in SEVERAL_OUTPUTS
    )
    assert_equal_answers(
        model, given[:1], predictor.predict(given[:1]), has_probabilities=name not in SEVERAL_OUTPUTS
    )
    row_program = predictor.program and predictor.program.row_program
    assert (row_program is not None) == (name in COMPILED - NO_ROW_PROGRAM)
    if row_program:
        writer = AnswerWriter(predictor.classes)
        answers = [(at, row_program.answer(row)) for at, row in enumerate(given.tolist())]
        alone = {at: writer.row(*answer) for at, answer in answers if answer}
        assert len(alone) > 0.9 * len(given)
        shares: list[JsonValue] = [list(cast("Any", row).values()) for _, row in alone.values() if row]
        predictions = Predictions([value for value, _ in alone.values()], shares or None)
        assert_equal_answers(model, given[list(alone)], predictions, has_probabilities=True)


def assert_equal_answers(model: Any, given: Any, found: Predictions, *, has_probabilities: bool) -> None:
    """Compare predictions with the model's own: the same labels, and the same numbers to twelve digits."""
    expected = model.predict(given)
    if hasattr(model, "classes_"):
        assert found.values == expected.tolist()
    else:
        np.testing.assert_allclose(np.array(found.values), expected, rtol=TOLERANCE, atol=TOLERANCE)
    if hasattr(model, "predict_proba") and has_probabilities:
        probabilities = model.predict_proba(given)
        np.testing.assert_allclose(np.array(found.probabilities), probabilities, rtol=0, atol=TOLERANCE)
    else:
        assert (found.probabilities is not None) == hasattr(model, "predict_proba")
