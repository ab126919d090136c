"""Both gates allow every estimator of scikit-learn without any --trust."""

from __future__ import annotations

import pickle
import warnings
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
import skops.io
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import AgglomerativeClustering, Birch, FeatureAgglomeration
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, SGDClassifier
from sklearn.metrics import f1_score, get_scorer_names, make_scorer
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.neighbors import KDTree, KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from infer_cli.errors import ModelUnsafe
from infer_cli.inspection import inspect_model, judge_globals, require_safe
from service.errors import Forbidden
from service.loading.contents import check_contents
from service.loading.policy import Policy
from service.loading.skops_archive import load_skops
from service.loading.unpickling import load_safely

if TYPE_CHECKING:
    from pathlib import Path

# scikit-learn has no types.
Estimator: TypeAlias = Any

ROWS = 60
RANDOM = np.random.default_rng(0)
CLASSES = np.tile([0, 1, 2], ROWS // 3)
NUMBERS = RANDOM.random((ROWS, 4)) + CLASSES[:, None] + 0.1
AMOUNTS = NUMBERS[:, 0] * 2 + RANDOM.random(ROWS)
FRAME = pd.DataFrame(
    {
        "length": NUMBERS[:, 0],
        "width": np.where(CLASSES == 1, np.nan, NUMBERS[:, 1]),
        "color": np.array(["red", "blue", None], dtype=object)[CLASSES],
        "size": pd.Categorical(np.array(["s", "m", "l"])[CLASSES]),
        "is_new": CLASSES == 1,
    }
)
# Training data: each estimator is fitted with the first entry that it takes.
TRAINING: tuple[tuple[object, ...], ...] = (
    (NUMBERS, CLASSES),
    (NUMBERS, CLASSES == 1),
    (NUMBERS, AMOUNTS),
    (NUMBERS, np.c_[AMOUNTS, AMOUNTS]),
    (NUMBERS, np.c_[CLASSES == 1, CLASSES == 2]),
    (NUMBERS[:, :1], AMOUNTS),
    (NUMBERS @ NUMBERS.T, CLASSES),
    (["some words", "other words"] * 30,),
    ([{"a": 1}, {"b": 2}] * 30,),
    ([["a"], ["b"]] * 30,),
    (["a", "b"] * 30,),
)
LOGISTIC = LogisticRegression()
NEEDED: dict[str, object] = {
    "estimator": LOGISTIC,
    "base_estimator": LOGISTIC,
    "estimators": [("logistic", LOGISTIC), ("tree", DecisionTreeClassifier())],
    "param_grid": {"C": [0.1, 1.0]},
    "param_distributions": {"C": [0.1, 1.0]},
    "steps": [("scale", StandardScaler()), ("classify", LOGISTIC)],
    "transformer_list": [("scale", StandardScaler())],
    "transformers": [("scale", StandardScaler(), [0, 1]), ("keep", "passthrough", slice(2, 3))],
    "dictionary": np.eye(4),
}
# Estimators that no entry fits: they need thousands of columns, a fitted estimator, or rows without a class.
NOT_FITTED = {
    "FrozenEstimator",
    "GaussianRandomProjection",
    "SelfTrainingClassifier",
    "SparseRandomProjection",
}
# Estimators that answer no new rows.
NOT_ANSWERING = {
    *("AgglomerativeClustering", "ClassicalMDS", "DBSCAN", "HDBSCAN", "LabelBinarizer", "LabelEncoder"),
    *("LocalOutlierFactor", "MDS", "MultiLabelBinarizer", "OPTICS", "PatchExtractor"),
    *("SpectralBiclustering", "SpectralClustering", "SpectralCoclustering", "SpectralEmbedding", "TSNE"),
}


# Models that skops cannot save.
NOT_BY_SKOPS = {
    *("Birch", "clusters of clusters", "columns chosen by their types", "early stopping"),
    "words without a pattern",
}


# A few trees hold every name that many trees hold.
FEW = {"n_estimators": 3, "max_iter": 3}


def _made(name: str, cls: type) -> Estimator:
    needed = {key: NEEDED[key] for key in _required(cls)}
    if cls.__module__.startswith("sklearn.ensemble."):
        needed |= {key: value for key, value in FEW.items() if key in signature(cls).parameters}
    if "Regressor" in name or name == "RegressorChain":
        needed |= {"estimator": Ridge()} if "estimator" in needed else {}
        needed |= {"estimators": [("ridge", Ridge())]} if "estimators" in needed else {}
    return cls(**needed)


def _required(cls: type) -> list[str]:
    # These two have a default only while `base_estimator`, the former name of `estimator`, is still taken.
    if cls.__name__ in ("ClassifierChain", "RegressorChain"):
        return ["estimator"]
    parameters = signature(cls).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.name in NEEDED]


def _fitted(estimator: Estimator) -> Estimator:
    for data in TRAINING:
        try:
            return clone(estimator).fit(*data)
        except (ValueError, TypeError, AttributeError, IndexError):
            continue
    return None


COLUMNS = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["length", "width"]),
        ("words", OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
        ("sizes", OrdinalEncoder(), ["size"]),
    ],
    remainder="passthrough",
)
VARIANTS: dict[str, tuple[Estimator, object, object]] = {
    "mixed table": (make_pipeline(COLUMNS, RandomForestClassifier(3)), FRAME, CLASSES),
    "categories": (HistGradientBoostingClassifier(max_iter=3), FRAME[["length", "size"]], CLASSES),
    "early stopping": (
        HistGradientBoostingClassifier(max_iter=3, early_stopping=True, scoring="roc_auc_ovr"),
        NUMBERS,
        CLASSES,
    ),
    "poisson loss": (HistGradientBoostingRegressor(loss="poisson", max_iter=3), NUMBERS, AMOUNTS),
    "words": (make_pipeline(TfidfVectorizer(), LOGISTIC), ["red rose", "blue bell", "tulip"] * 20, CLASSES),
    "the most frequent words": (
        make_pipeline(TfidfVectorizer(max_features=2), LOGISTIC),
        ["red rose", "blue rose", "tulip"] * 20,
        CLASSES,
    ),
    "words without a pattern": (
        make_pipeline(
            TfidfVectorizer(
                preprocessor=str.lower, tokenizer=partial(str.split, maxsplit=9), token_pattern=None
            ),
            LOGISTIC,
        ),
        ["red rose", "blue bell", "tulip"] * 20,
        CLASSES,
    ),
    "columns chosen by their types": (
        make_pipeline(
            ColumnTransformer(
                [
                    ("numbers", SimpleImputer(), FRAME.dtypes == FRAME["length"].dtype),
                    ("words", OneHotEncoder(), FRAME.dtypes == FRAME["color"].dtype),
                ]
            ),
            LOGISTIC,
        ),
        FRAME,
        CLASSES,
    ),
    "clusters of clusters": (Birch(n_clusters=AgglomerativeClustering(2)), NUMBERS, CLASSES),
    "function with arguments": (
        make_pipeline(FunctionTransformer(partial(np.clip, a_min=0.0, a_max=1.0)), LOGISTIC),
        NUMBERS,
        CLASSES,
    ),
    "pooling": (make_pipeline(FeatureAgglomeration(2, pooling_func=np.median), LOGISTIC), NUMBERS, CLASSES),
    "own words": (
        make_pipeline(
            ColumnTransformer(
                [("scale", StandardScaler(), ["length", "width"])],
                verbose_feature_names_out="{feature_name} ({transformer_name})",
            ).set_output(transform="pandas"),
            SimpleImputer(),
            LOGISTIC,
        ),
        FRAME,
        CLASSES,
    ),
    "function": (make_pipeline(FunctionTransformer(np.log1p), LOGISTIC), NUMBERS, CLASSES),
    "target": (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), NUMBERS, AMOUNTS),
    "selection": (make_pipeline(SelectKBest(chi2, k=2), SVC(probability=False)), NUMBERS, CLASSES),
    "isotonic": (CalibratedClassifierCV(LOGISTIC, method="isotonic", cv=2), NUMBERS, CLASSES),
    "stack": (StackingClassifier(NEEDED["estimators"], cv=2), NUMBERS, CLASSES),
    "tree of neighbors": (KNeighborsClassifier(algorithm="ball_tree", metric="chebyshev"), NUMBERS, CLASSES),
    "kernel": (GaussianProcessRegressor(kernels.RBF() * 2 + kernels.WhiteKernel()), NUMBERS, AMOUNTS),
    "loss": (SGDClassifier(loss="log_loss"), NUMBERS, CLASSES),
    "imputed": (make_pipeline(IterativeImputer(max_iter=2), LOGISTIC), NUMBERS, CLASSES),
    "random state": (RandomForestClassifier(3, random_state=np.random.RandomState(1)), NUMBERS, CLASSES),
    "imputed by a model": (
        make_pipeline(IterativeImputer(Ridge(), max_iter=2, random_state=np.random.RandomState(1)), LOGISTIC),
        NUMBERS,
        CLASSES,
    ),
    "all but words": (
        make_pipeline(
            ColumnTransformer(
                [("a", SimpleImputer(), make_column_selector(dtype_exclude=[object, "category"]))]
            ),
            LOGISTIC,
        ),
        FRAME.drop(columns=["color"]),
        CLASSES,
    ),
    "splines": (make_pipeline(SplineTransformer(), LOGISTIC), NUMBERS, CLASSES),
    "kernel for three classes": (GaussianProcessClassifier(kernels.RBF(), optimizer=None), NUMBERS, CLASSES),
    "scorer": (
        LogisticRegressionCV(Cs=2, cv=2, scoring=make_scorer(f1_score, average="macro")),
        NUMBERS,
        CLASSES,
    ),
    "folds in turns": (
        GridSearchCV(
            LOGISTIC,
            {"C": [0.1]},
            cv=RepeatedStratifiedKFold(n_splits=2, random_state=np.random.RandomState(1)),
        ),
        NUMBERS,
        CLASSES,
    ),
    "listed folds": (
        GridSearchCV(LOGISTIC, {"C": [0.1]}, cv=[(np.arange(30), np.arange(30, 60))]),
        NUMBERS,
        CLASSES,
    ),
    "folds": (GridSearchCV(LOGISTIC, {"C": [0.1]}, cv=StratifiedKFold(2, shuffle=True)), NUMBERS, CLASSES),
}


def _check(model: object, folder: Path) -> None:
    """Save the model in each form; the inspection allows it, and the service loads it."""
    forms: list[tuple[str, bytes | None]] = [(f"{p}.pkl", pickle.dumps(model, p)) for p in (0, 2, 4, 5)]
    for name, data in (*forms, ("plain.joblib", None), ("small.joblib", None)):
        file = folder / name
        if data is None:
            joblib.dump(model, file, compress=3 if name == "small.joblib" else 0)
        else:
            file.write_bytes(data)
        loaded = load_safely(file, Policy())
        check_contents(loaded, Policy())

        refused = [str(judged) for judged in judge_globals(inspect_model(file)) if not judged.is_allowed]

        assert type(loaded) is type(model)
        assert refused == []


def _check_skops(model: object, file: Path) -> Estimator:
    """Save the model with skops; the inspection allows it. Give what the service loads."""
    skops.io.dump(model, file)

    require_safe(inspect_model(file), ())
    loaded = load_skops(file, Policy())
    check_contents(loaded, Policy())

    assert type(loaded) is type(model)
    return loaded


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "cls"), all_estimators(), ids=str)
def test_every_estimator(name: str, cls: type, tmp_path: Path) -> None:
    model = _fitted(_made(name, cls))

    if model is None:
        assert name in NOT_FITTED
        model = _made(name, cls)
    if name in NOT_FITTED | NOT_ANSWERING | {"FeatureHasher"}:
        # The inspection refuses it before any name is judged. A hasher does not tell its columns.
        holder = GridSearchCV(LOGISTIC, {"C": [1.0]}, cv=2).fit(NUMBERS, CLASSES)
        holder.best_params_["held"] = model
        model = holder
    _check(model, tmp_path)
    if name not in NOT_BY_SKOPS:
        _check_skops(model, tmp_path / "model.skops")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", VARIANTS)
def test_what_people_make_of_them(name: str, tmp_path: Path) -> None:
    estimator, table, target = VARIANTS[name]
    model = clone(estimator).fit(table, target)

    _check(model, tmp_path)

    models: list[Estimator] = [load_safely(tmp_path / "plain.joblib", Policy())]
    if name not in NOT_BY_SKOPS:
        models.append(_check_skops(model, tmp_path / "model.skops"))
    for loaded in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.array_equal(loaded.predict(table), model.predict(table))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scoring", get_scorer_names())
def test_every_scoring_of_a_search(scoring: str, tmp_path: Path) -> None:
    search = GridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, cv=2, scoring=scoring, error_score=0.0)

    _check(search.fit(NUMBERS, CLASSES == 1), tmp_path)
    _check_skops(search, tmp_path / "model.skops")


def test_what_callers_are_asked_for(tmp_path: Path) -> None:
    with sklearn.config_context(enable_metadata_routing=True):
        asking = LogisticRegression().set_fit_request(sample_weight=True)
        # A copy knows the estimator that it was copied from.
        model = make_pipeline(StandardScaler(), clone(asking)).fit(NUMBERS, CLASSES)

    _check(model, tmp_path)


ADDED: dict[str, object] = {
    "table": FRAME,
    "column": FRAME["length"],
    "sparse matrix": scipy.sparse.csr_matrix(NUMBERS),
    "folds": StratifiedKFold(2),
    "scorer": make_scorer(f1_score),
    "kernel": kernels.RBF(),
    "tree of neighbors": KDTree(NUMBERS),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_people_add_to_a_model(name: str, tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, CLASSES)
    model.made_of = ADDED[name]

    _check(model, tmp_path)


@pytest.mark.parametrize("attribute", ["_cache", "estimators_"])
def test_no_table_under_a_name_that_a_library_might_read(attribute: str, tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, CLASSES)
    setattr(model, attribute, FRAME)
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(model))

    with pytest.raises(ModelUnsafe, match=f"a table as {attribute}"):
        inspect_model(file)
    with pytest.raises(Forbidden, match=f"a table as {attribute}"):
        check_contents(load_safely(file, Policy()), Policy())
