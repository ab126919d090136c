"""Linear models: a product with coefficients, and a function of the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import Function, Product, Shift
from service.compiler.outputs import Chain, Classifier, Regressor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted

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
# Their link function is the logarithm or the identity. The trial finds out which.
GENERALIZED = frozenset({"GammaRegressor", "PoissonRegressor", "TweedieRegressor"})
PROJECTIONS = frozenset({"CCA", "PLSCanonical", "PLSRegression"})


def candidates(estimator: Fitted) -> Iterator[Ask]:
    """Give the candidate programs for an estimator of this family.

    Versions and parameters of scikit-learn differ in the link.
    """
    name = class_name(estimator)
    if name in CLASSIFIERS:
        yield from _classifiers(estimator)
    elif name in REGRESSORS:
        yield Regressor(_product(estimator))
    elif name in GENERALIZED:
        yield Regressor(_product(estimator), link=Function("exp"))
        yield Regressor(_product(estimator))
    elif name in PROJECTIONS:
        yield from _projections(estimator)


def _product(estimator: Fitted) -> Product:
    """Give the product in scikit-learn's own expression, which gives the same numbers to the last bit."""
    return Product(estimator.coef_.T, estimator.intercept_)


def _classifiers(estimator: Fitted) -> Iterator[Ask]:
    scores = _product(estimator)
    is_binary = np.ndim(estimator.coef_) == 1 or len(estimator.coef_) == 1
    decision = "positive" if is_binary else "largest"
    if not hasattr(estimator, "predict_proba"):
        links = ["none"]
    elif is_binary:
        links = ["logistic", "softmax of both"]
    else:
        links = ["softmax", "normalized logistic"]
    for link in links:
        yield Classifier(scores, decision, link, is_flat=is_binary)


def _projections(estimator: Fitted) -> Iterator[Ask]:
    center = Shift(getattr(estimator, "_x_mean", None), None)
    # scikit-learn before 1.3 keeps the coefficients transposed.
    for coefficients in (estimator.coef_.T, estimator.coef_):
        if coefficients.shape[0] == estimator.n_features_in_:
            yield Chain([center], Regressor(Product(coefficients, estimator.intercept_)))
