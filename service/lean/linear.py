"""Models that are a product with coefficients, and what is made of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.lean.arithmetic import Outcome, class_name, logistic, softmax, two_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.lean.arithmetic import Array, Ask, Fitted

    Scores = Callable[[Array], Array]

CLASSIFIERS = frozenset(
    {
        "LinearDiscriminantAnalysis",
        "LinearSVC",
        "LogisticRegression",
        "LogisticRegressionCV",
        "PassiveAggressiveClassifier",
        "Perceptron",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
    }
)
REGRESSORS = frozenset(
    {
        *("ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars", "LarsCV"),
        *("Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression", "LinearSVR"),
        *("MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"),
        *("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "PassiveAggressiveRegressor"),
        *("QuantileRegressor", "Ridge", "RidgeCV", "SGDRegressor", "TheilSenRegressor"),
    }
)
# Their link function is the logarithm, or none.
GENERALIZED = frozenset({"GammaRegressor", "PoissonRegressor", "TweedieRegressor"})
PROJECTIONS = frozenset({"CCA", "PLSCanonical", "PLSRegression"})


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give the functions that the model may be: versions and settings differ in the last step."""
    name = class_name(model)
    if name in CLASSIFIERS:
        yield from _classifiers(model)
    elif name in REGRESSORS:
        scores = _scores(model)
        yield lambda rows: Outcome(scores(rows))
    elif name in GENERALIZED:
        scores = _scores(model)
        yield lambda rows: Outcome(np.exp(scores(rows)))
        yield lambda rows: Outcome(scores(rows))
    elif name in PROJECTIONS:
        yield from _projection(model)


def _scores(model: Fitted) -> Scores:
    """Give the products with the coefficients, by scikit-learn's own expression: the same to the last bit."""
    coefficients, intercept = model.coef_.T, model.intercept_
    return lambda rows: rows @ coefficients + intercept


def _classifiers(model: Fitted) -> Iterator[Ask]:
    scores = _scores(model)
    is_binary = np.ndim(model.coef_) == 1 or len(model.coef_) == 1
    if not hasattr(model, "predict_proba"):
        if is_binary:
            yield lambda rows: Outcome((scores(rows).ravel() > 0).astype(np.intp))
        else:
            yield lambda rows: Outcome(scores(rows).argmax(axis=1))
    elif is_binary:
        yield from (_binary(scores, probabilities) for probabilities in (_sigmoid_of_one, _softmax_of_both))
    else:
        yield from (_several(scores, probabilities) for probabilities in (softmax, _normalized_sigmoids))


def _binary(scores: Scores, probabilities: Callable[[Array], Array]) -> Ask:
    def ask(rows: Array) -> Outcome:
        score = scores(rows).ravel()
        return Outcome((score > 0).astype(np.intp), probabilities(score))

    return ask


def _several(scores: Scores, probabilities: Callable[[Array], Array]) -> Ask:
    def ask(rows: Array) -> Outcome:
        score = scores(rows)
        return Outcome(score.argmax(axis=1), probabilities(score))

    return ask


def _sigmoid_of_one(score: Array) -> Array:
    return two_columns(logistic(score))


def _softmax_of_both(score: Array) -> Array:
    return softmax(np.stack([-score, score], axis=1))


def _normalized_sigmoids(score: Array) -> Array:
    probabilities = logistic(score)
    total = probabilities.sum(axis=1)
    empty = total == 0
    if empty.any():
        probabilities[empty, :] = 1
        total[empty] = probabilities.shape[1]
    probabilities /= total[:, np.newaxis]
    return probabilities


def _projection(model: Fitted) -> Iterator[Ask]:
    means = getattr(model, "_x_mean", 0)
    # Versions before 1.3 keep the coefficients the other way round.
    for coefficients in (model.coef_.T, model.coef_):
        if coefficients.shape[0] == model.n_features_in_:
            yield partial(_projected, coefficients, means, model.intercept_)
            yield partial(_projected, coefficients.ravel(), means, model.intercept_)


def _projected(coefficients: Array, means: Array, intercept: Array, rows: Array) -> Outcome:
    return Outcome((rows - means) @ coefficients + intercept)
