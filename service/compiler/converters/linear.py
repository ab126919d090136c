"""Models that are a product with coefficients, and what is made of it."""

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
# Their link function is the logarithm, or none.
GENERALIZED = frozenset({"GammaRegressor", "PoissonRegressor", "TweedieRegressor"})
PROJECTIONS = frozenset({"CCA", "PLSCanonical", "PLSRegression"})


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give what the model may be: versions and settings differ in the last step."""
    name = class_name(model)
    if name in CLASSIFIERS:
        yield from _classifiers(model)
    elif name in REGRESSORS:
        yield Regressor(_product(model))
    elif name in GENERALIZED:
        yield Regressor(_product(model), link=Function("exp"))
        yield Regressor(_product(model))
    elif name in PROJECTIONS:
        yield from _projections(model)


def _product(model: Fitted) -> Product:
    """Give the product by scikit-learn's own expression: the same to the last bit."""
    return Product(model.coef_.T, model.intercept_)


def _classifiers(model: Fitted) -> Iterator[Ask]:
    scores = _product(model)
    is_binary = np.ndim(model.coef_) == 1 or len(model.coef_) == 1
    decision = "positive" if is_binary else "largest"
    if not hasattr(model, "predict_proba"):
        links = ["none"]
    elif is_binary:
        links = ["logistic", "softmax of both"]
    else:
        links = ["softmax", "normalized logistic"]
    for link in links:
        yield Classifier(scores, decision, link, is_flat=is_binary)


def _projections(model: Fitted) -> Iterator[Ask]:
    center = Shift(getattr(model, "_x_mean", None), None)
    # Versions before 1.3 keep the coefficients the other way round.
    for coefficients in (model.coef_.T, model.coef_):
        if coefficients.shape[0] == model.n_features_in_:
            yield Chain([center], Regressor(Product(coefficients, model.intercept_)))
