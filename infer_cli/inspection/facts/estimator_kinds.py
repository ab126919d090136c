"""The estimator kind of a class, by its name: classifier, regressor or other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import EstimatorKind
    from infer_cli.inspection.nodes.node_types import Global

# Packages whose classes have the names of scikit-learn's classes.
_SKLEARN_LIKE = frozenset({"sklearn", "sklearnex", "daal4py", "cuml"})
# The classifiers of scikit-learn whose names do not end in Classifier, and the regressors likewise.
_CLASSIFIERS = frozenset(
    {
        "BernoulliNB",
        "CalibratedClassifierCV",
        "CategoricalNB",
        "ClassifierChain",
        "ComplementNB",
        "GaussianNB",
        "LabelPropagation",
        "LabelSpreading",
        "LinearDiscriminantAnalysis",
        "LinearSVC",
        "LogisticRegression",
        "LogisticRegressionCV",
        "MultinomialNB",
        "NearestCentroid",
        "NuSVC",
        "Perceptron",
        "QuadraticDiscriminantAnalysis",
        "RidgeClassifierCV",
        "SVC",
        "TunedThresholdClassifierCV",
    }
)
_REGRESSORS = frozenset(
    {
        "ARDRegression",
        "BayesianRidge",
        "CCA",
        "ElasticNet",
        "ElasticNetCV",
        "IsotonicRegression",
        "KernelRidge",
        "Lars",
        "LarsCV",
        "Lasso",
        "LassoCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
        "LinearRegression",
        "LinearSVR",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "MultiTaskLasso",
        "MultiTaskLassoCV",
        "NuSVR",
        "OrthogonalMatchingPursuit",
        "OrthogonalMatchingPursuitCV",
        "PLSCanonical",
        "PLSRegression",
        "RegressorChain",
        "Ridge",
        "RidgeCV",
        "SVR",
    }
)
# Boosters end in Classifier or Regressor, as XGBRFRegressor does; only their rankers do not.
_OTHERS: dict[str, EstimatorKind] = {
    "xgboost.sklearn.XGBRanker": "other",
    "lightgbm.sklearn.LGBMRanker": "other",
    "catboost.core.CatBoostRanker": "other",
}


def kind_by_name(made_by: Global) -> EstimatorKind | None:
    """Give the estimator kind of a class by its name; None if the name does not tell."""
    path, name = str(made_by), made_by.name.rpartition(".")[2]
    if path in _OTHERS:
        return _OTHERS[path]
    if name.endswith("Classifier"):
        return "classifier"
    if name.endswith("Regressor"):
        return "regressor"
    if is_sklearn_like(made_by):
        return "classifier" if name in _CLASSIFIERS else "regressor" if name in _REGRESSORS else None
    return None


def is_sklearn_like(made_by: Global) -> bool:
    """Say whether a class is scikit-learn's, or of a package with classes of the same names."""
    return made_by.module.partition(".")[0] in _SKLEARN_LIKE
