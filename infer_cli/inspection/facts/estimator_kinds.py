"""The estimator kind of a class, by its name: classifier, regressor, transformer and so on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import EstimatorKind
    from infer_cli.inspection.nodes.node_types import Global, Node

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
# Clusterers and mixtures that predict; `refusals` has the clusterers that label no new rows.
_CLUSTERERS = frozenset(
    {
        "AffinityPropagation",
        "BayesianGaussianMixture",
        "Birch",
        "BisectingKMeans",
        "GaussianMixture",
        "KMeans",
        "MeanShift",
        "MiniBatchKMeans",
    }
)
_OUTLIER_DETECTORS = frozenset(
    {"EllipticEnvelope", "IsolationForest", "LocalOutlierFactor", "OneClassSVM", "SGDOneClassSVM"}
)
# What answers by `transform`: it has no `predict`.
_TRANSFORMERS = frozenset(
    {
        *("AdditiveChi2Sampler", "BernoulliRBM", "Binarizer", "ColumnTransformer", "CountVectorizer"),
        *("DictVectorizer", "DictionaryLearning", "FactorAnalysis", "FastICA", "FeatureAgglomeration"),
        *("FeatureHasher", "FeatureUnion", "FunctionTransformer", "GaussianRandomProjection"),
        *("GenericUnivariateSelect", "HashingVectorizer", "IncrementalPCA", "Isomap", "IterativeImputer"),
        *("KBinsDiscretizer", "KNNImputer", "KNeighborsTransformer", "KernelCenterer", "KernelPCA"),
        *("LatentDirichletAllocation", "LocallyLinearEmbedding", "MaxAbsScaler", "MinMaxScaler"),
        *("MiniBatchDictionaryLearning", "MiniBatchNMF", "MiniBatchSparsePCA", "MissingIndicator", "NMF"),
        *("NeighborhoodComponentsAnalysis", "Normalizer", "Nystroem", "OneHotEncoder", "OrdinalEncoder"),
        *("PCA", "PLSSVD", "PolynomialCountSketch", "PolynomialFeatures", "PowerTransformer"),
        *("QuantileTransformer", "RBFSampler", "RadiusNeighborsTransformer", "RandomTreesEmbedding"),
        *("RobustScaler", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest"),
        *("SelectPercentile", "SequentialFeatureSelector", "SimpleImputer", "SkewedChi2Sampler"),
        *("SparseCoder", "SparsePCA", "SparseRandomProjection", "SplineTransformer", "StandardScaler"),
        *("TargetEncoder", "TfidfTransformer", "TfidfVectorizer", "TruncatedSVD", "VarianceThreshold"),
    }
)
# What answers by `score_samples` or `mahalanobis`.
_OTHERS = frozenset(
    {
        *("EmpiricalCovariance", "GraphicalLasso", "GraphicalLassoCV", "KernelDensity", "LedoitWolf"),
        *("MinCovDet", "OAS", "ShrunkCovariance"),
    }
)
_BY_NAME: dict[str, EstimatorKind] = {
    **dict.fromkeys(_CLASSIFIERS, "classifier"),
    **dict.fromkeys(_REGRESSORS, "regressor"),
    **dict.fromkeys(_CLUSTERERS, "clusterer"),
    **dict.fromkeys(_OUTLIER_DETECTORS, "outlier_detector"),
    **dict.fromkeys(_TRANSFORMERS, "transformer"),
    **dict.fromkeys(_OTHERS, "other"),
    "NearestNeighbors": "neighbors",
}
_CLASSIFYING_LOSS = re.compile(r"(Multi)?(Logloss|CrossEntropy)|MultiClass(OneVsAll)?")
# Boosters end in Classifier or Regressor, as XGBRFRegressor does; only their rankers do not.
_RANKERS = frozenset(
    {"xgboost.sklearn.XGBRanker", "lightgbm.sklearn.LGBMRanker", "catboost.core.CatBoostRanker"}
)


def kind_by_name(made_by: Global) -> EstimatorKind | None:
    """Give the estimator kind of a class by its name; None if the name does not tell."""
    path, name = str(made_by), made_by.name.rpartition(".")[2]
    if path in _RANKERS:
        return "other"
    if name.endswith("Classifier"):
        return "classifier"
    if name.endswith("Regressor"):
        return "regressor"
    if is_sklearn_like(made_by):
        return _BY_NAME.get(name)
    # The encoders of category_encoders; its other names are of its parts.
    is_encoder = made_by.module.partition(".")[0] == "category_encoders" and name.endswith("Encoder")
    return "transformer" if is_encoder else None


def kind_by_loss(made_by: Global, state: dict[str, Node]) -> EstimatorKind | None:
    """Give the estimator kind of CatBoost's general class by its loss function; None for any other class."""
    if str(made_by) != "catboost.core.CatBoost":
        return None
    loss = next((state[name] for name in ("loss_function", "objective") if name in state), "RMSE")
    is_classifier = isinstance(loss, str) and _CLASSIFYING_LOSS.fullmatch(loss.partition(":")[0])
    return "classifier" if is_classifier else "regressor"


def is_sklearn_like(made_by: Global) -> bool:
    """Say whether a class is scikit-learn's, or of a package with classes of the same names."""
    return made_by.module.partition(".")[0] in _SKLEARN_LIKE
