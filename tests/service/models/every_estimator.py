"""A fitted model of each estimator class of scikit-learn, small and quick to fit."""

from __future__ import annotations

import warnings
from copy import deepcopy
from inspect import signature
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

ROWS = 60
TREE = DecisionTreeClassifier(max_depth=2)
# The name of the parameter before scikit-learn 1.7 is base_estimator.
CHAINED = "estimator" if "estimator" in signature(ClassifierChain).parameters else "base_estimator"
# Arguments of estimators that cannot be made, or fitted to one table and one target, with the defaults alone.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "CalibratedClassifierCV": {"cv": 2},
    "GraphicalLassoCV": {"cv": 2},
    "ClassifierChain": {CHAINED: TREE},
    "ColumnTransformer": {"transformers": [("a", StandardScaler(), [0, 1]), ("b", "passthrough", [3])]},
    "FeatureUnion": {"transformer_list": [("a", StandardScaler()), ("b", PCA(1))]},
    "DictionaryLearning": {"n_components": 2, "max_iter": 5},
    "FixedThresholdClassifier": {"estimator": TREE},
    "GaussianRandomProjection": {"n_components": 2},
    "GridSearchCV": {"estimator": KMeans(2, n_init=1), "param_grid": {"n_clusters": [2, 3]}, "cv": 2},
    "HalvingGridSearchCV": {"estimator": TREE, "param_grid": {"max_depth": [1, 2]}, "cv": 2},
    "HalvingRandomSearchCV": {"estimator": TREE, "param_distributions": {"max_depth": [1, 2]}, "cv": 2},
    "HashingVectorizer": {"n_features": 2**16},
    "IncrementalPCA": {"n_components": 2},
    "KBinsDiscretizer": {"n_bins": 3, "strategy": "uniform"},
    "LocalOutlierFactor": {"novelty": True},
    "LogisticRegressionCV": {"cv": 2, "Cs": 2},
    "MiniBatchDictionaryLearning": {"n_components": 2, "max_iter": 5},
    "MiniBatchKMeans": {"n_clusters": 2, "n_init": 1},
    "KMeans": {"n_clusters": 2, "n_init": 1},
    "MultiOutputClassifier": {"estimator": TREE},
    "MultiOutputRegressor": {"estimator": LinearRegression()},
    "MLPClassifier": {"max_iter": 20},
    "MLPRegressor": {"max_iter": 20},
    "OneVsOneClassifier": {"estimator": TREE},
    "OneVsRestClassifier": {"estimator": TREE},
    "OutputCodeClassifier": {"estimator": TREE},
    "PLSCanonical": {"n_components": 1},
    "PLSSVD": {"n_components": 1},
    "Pipeline": {"steps": [("a", StandardScaler()), ("b", "passthrough")]},
    "RFE": {"estimator": TREE},
    "RFECV": {"estimator": TREE, "cv": 2},
    "RadiusNeighborsClassifier": {"radius": 1e6},
    "RandomizedSearchCV": {
        "estimator": PCA(1),
        "param_distributions": {"whiten": [True]},
        "n_iter": 1,
        "cv": 2,
    },
    "RegressorChain": {CHAINED: LinearRegression()},
    "SelectFromModel": {"estimator": TREE},
    "SelfTrainingClassifier": {"estimator": TREE},
    "SequentialFeatureSelector": {"estimator": TREE, "cv": 2},
    "SparseCoder": {"dictionary": np.eye(4)},
    "SparseRandomProjection": {"n_components": 2},
    "StackingClassifier": {"estimators": [("a", TREE)], "cv": 2},
    "StackingRegressor": {"estimators": [("a", LinearRegression())], "cv": 2},
    "TunedThresholdClassifierCV": {"estimator": TREE, "cv": 2},
    "VotingClassifier": {"estimators": [("a", TREE)], "voting": "soft"},
    "VotingRegressor": {"estimators": [("a", LinearRegression())]},
}
SEVERAL_OUTPUTS = frozenset(
    {
        *("ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"),
        *("MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"),
    }
)
NUMBERS_TO_PREDICT = frozenset({"CCA", "PLSCanonical", "PLSRegression", "PLSSVD"})
TEXTS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
WORDS = ("red", "green", "blue", "red and blue", "green and red", "no color", "blue sky", "red sky")
# They take no table.
ONLY_LABELS = frozenset({"LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer", "PatchExtractor"})
# They take a dictionary for each row.
DICTIONARIES = frozenset({"DictVectorizer", "FeatureHasher"})
ALL = all_estimators()
# They label or place the rows of their training only, or take no table.
REFUSED = ONLY_LABELS | {
    *(
        "AgglomerativeClustering",
        "ClassicalMDS",
        "DBSCAN",
        "HDBSCAN",
        "MDS",
        "OPTICS",
        "SpectralBiclustering",
    ),
    *("SpectralClustering", "SpectralCoclustering", "SpectralEmbedding", "TSNE"),
}
NAMES = [name for name, _ in ALL if name not in DICTIONARIES | REFUSED]
CLASSES = dict(ALL)


def table_for(name: str) -> Any:
    """Rows that an estimator of this class can be fitted to: positive whole numbers, or texts."""
    if name in TEXTS:
        return [WORDS[at % len(WORDS)] for at in range(ROWS)]
    random = np.random.default_rng(0)
    if name == "IsotonicRegression":
        return random.normal(size=(ROWS, 1))
    if name == "KernelCenterer":
        factors = random.normal(size=(ROWS, 3))
        return factors @ factors.T
    no_tables = {
        "LabelBinarizer": np.arange(ROWS) % 3,
        "LabelEncoder": np.arange(ROWS) % 3,
        "MultiLabelBinarizer": [(0, 1), (2,)] * (ROWS // 2),
        "PatchExtractor": random.normal(size=(ROWS, 8, 8)),
    }
    if name in no_tables:
        return no_tables[name]
    return (random.integers(0, 4, size=(ROWS, 4)) + np.arange(ROWS)[:, None] % 2).astype(float)


def fitted(name: str, *, in_pipeline: bool = False) -> tuple[Any, Any]:
    """A fitted estimator, or a pipeline that ends in it, and the rows that it was fitted to."""
    model = made(name)
    table = table_for(name)
    target: Any = np.arange(ROWS) % 2
    if name in NUMBERS_TO_PREDICT or name.endswith("Regressor"):
        target = target + 1.0 + np.random.default_rng(1).random(ROWS)
    if name in SEVERAL_OUTPUTS:
        target = np.stack([target, 1 - target], axis=1)
    parameters = signature(model.fit).parameters
    takes_target = ("y" in parameters or "Y" in parameters) and name not in (*TEXTS, *ONLY_LABELS)
    if in_pipeline:
        model = make_pipeline("passthrough" if name in TEXTS else MinMaxScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (model.fit(table, target) if takes_target else model.fit(table)), table


def made(name: str) -> Any:
    """An estimator of a class of scikit-learn, not fitted."""
    # A copy: a pipeline fits the steps that it is given.
    arguments = deepcopy(ARGUMENTS.get(name, {}))
    parameters = signature(CLASSES[name]).parameters
    if "estimator" in arguments and "estimator" not in parameters:
        # The name of the parameter in older versions of scikit-learn.
        arguments["base_estimator"] = arguments.pop("estimator")
    if name == "FrozenEstimator":
        return CLASSES[name](KMeans(2, n_init=1).fit(table_for(name)))
    if "random_state" in parameters:
        arguments["random_state"] = 0
    if "n_estimators" in parameters:
        arguments["n_estimators"] = 5
    return CLASSES[name](**arguments)
