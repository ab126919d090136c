"""Real fitted models that are mutated: every estimator of scikit-learn, and what people make of them."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, f_classif
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.service.models.every_estimator import NAMES, fitted

if TYPE_CHECKING:
    from collections.abc import Callable

# scikit-learn has no types.
Model: TypeAlias = Any

ROWS = 60
RANDOM = np.random.default_rng(0)
CLASSES = np.tile([0, 1, 2], ROWS // 3)
NUMBERS = RANDOM.random((ROWS, 4)) + CLASSES[:, None] + 0.1
AMOUNTS = NUMBERS[:, 0] * 2 + RANDOM.random(ROWS)
WORDS = ["red rose", "blue bell", "tulip"] * (ROWS // 3)
FRAME = pd.DataFrame(
    {
        "length": NUMBERS[:, 0],
        "width": np.where(CLASSES == 1, np.nan, NUMBERS[:, 1]),
        "color": np.array(["red", "blue", "green"], dtype=object)[CLASSES],
        "size": pd.Categorical(np.array(["s", "m", "l"])[CLASSES]),
    }
)
LOGISTIC = LogisticRegression()
COLUMNS = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["length", "width"]),
        ("words", OneHotEncoder(handle_unknown="ignore"), ["color"]),
        ("sizes", OrdinalEncoder(), ["size"]),
    ],
    remainder="passthrough",
)
TREES = [("a", DecisionTreeClassifier(max_depth=3)), ("b", LOGISTIC)]
VARIANTS: dict[str, tuple[Model, object, object]] = {
    "mixed table": (make_pipeline(COLUMNS, RandomForestClassifier(3)), FRAME, CLASSES),
    "mixed hist": (make_pipeline(COLUMNS, HistGradientBoostingClassifier(max_iter=3)), FRAME, CLASSES),
    "categories": (HistGradientBoostingClassifier(max_iter=3), FRAME[["length", "size"]], CLASSES),
    "words": (make_pipeline(TfidfVectorizer(), LOGISTIC), WORDS, CLASSES),
    "hashes": (make_pipeline(HashingVectorizer(n_features=64), LOGISTIC), WORDS, CLASSES),
    "words tree": (make_pipeline(TfidfVectorizer(), DecisionTreeClassifier()), WORDS, CLASSES),
    "words neighbors": (make_pipeline(TfidfVectorizer(), KNeighborsClassifier()), WORDS, CLASSES),
    "words svm": (make_pipeline(TfidfVectorizer(), SVC()), WORDS, CLASSES),
    "function": (make_pipeline(FunctionTransformer(np.log1p), LOGISTIC), NUMBERS, CLASSES),
    "target": (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), NUMBERS, AMOUNTS),
    "selection": (make_pipeline(SelectKBest(f_classif, k=2), SVC()), NUMBERS, CLASSES),
    "elimination": (make_pipeline(RFE(LOGISTIC, n_features_to_select=2), LOGISTIC), NUMBERS, CLASSES),
    "from model": (make_pipeline(SelectFromModel(LOGISTIC), LOGISTIC), NUMBERS, CLASSES),
    "isotonic": (CalibratedClassifierCV(LOGISTIC, method="isotonic", cv=2), NUMBERS, CLASSES),
    "stack": (StackingClassifier(TREES, cv=2), NUMBERS, CLASSES),
    "stack of numbers": (
        StackingRegressor([("a", DecisionTreeRegressor(max_depth=2)), ("b", Ridge())], cv=2),
        NUMBERS,
        AMOUNTS,
    ),
    "votes": (VotingClassifier(TREES, voting="soft"), NUMBERS, CLASSES),
    "ball tree": (KNeighborsClassifier(algorithm="ball_tree", metric="chebyshev"), NUMBERS, CLASSES),
    "kd tree": (KNeighborsRegressor(algorithm="kd_tree"), NUMBERS, AMOUNTS),
    "brute": (KNeighborsClassifier(algorithm="brute", metric="cosine"), NUMBERS, CLASSES),
    "density": (KernelDensity(), NUMBERS, None),
    "kernel": (GaussianProcessRegressor(kernels.RBF() * 2 + kernels.WhiteKernel()), NUMBERS, AMOUNTS),
    "matern": (GaussianProcessRegressor(kernels.Matern() + kernels.RationalQuadratic()), NUMBERS, AMOUNTS),
    "imputed": (make_pipeline(IterativeImputer(max_iter=2), LOGISTIC), NUMBERS, CLASSES),
    "imputed by neighbors": (make_pipeline(KNNImputer(), LOGISTIC), NUMBERS, CLASSES),
    "splines": (make_pipeline(SplineTransformer(n_knots=4), Ridge()), NUMBERS, AMOUNTS),
    "polynomials": (make_pipeline(PolynomialFeatures(2), Ridge()), NUMBERS, AMOUNTS),
    "union": (make_pipeline(FeatureUnion([("a", StandardScaler())]), LOGISTIC), NUMBERS, CLASSES),
    "search": (GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2), NUMBERS, CLASSES),
    "svm": (SVC(), NUMBERS, CLASSES),
    "svm of a line": (SVC(kernel="linear"), NUMBERS, CLASSES),
    "svm of polynomials": (NuSVC(kernel="poly", degree=2, nu=0.2), NUMBERS, CLASSES),
    "svm of numbers": (SVR(), NUMBERS, AMOUNTS),
    "svm of one class": (OneClassSVM(), NUMBERS, None),
    "forest": (RandomForestClassifier(3, max_depth=3), NUMBERS, CLASSES),
    "boosting": (GradientBoostingClassifier(n_estimators=3), NUMBERS, CLASSES),
    "bagging": (BaggingRegressor(Ridge(), 3, max_features=2), NUMBERS, AMOUNTS),
    "isolation": (IsolationForest(n_estimators=3), NUMBERS, None),
    "random state": (RandomForestClassifier(2, random_state=np.random.RandomState(1)), NUMBERS, CLASSES),
}


def _boosters() -> dict[str, Callable[[], Model]]:
    found: dict[str, Callable[[], Model]] = {}
    if find_spec("xgboost"):
        from xgboost import XGBClassifier, XGBRegressor  # noqa: PLC0415

        found["xgboost"] = lambda: XGBClassifier(n_estimators=3, n_jobs=1).fit(NUMBERS, CLASSES)
        found["xgboost numbers"] = lambda: XGBRegressor(n_estimators=3, n_jobs=1).fit(NUMBERS, AMOUNTS)
    if find_spec("lightgbm"):
        from lightgbm import LGBMClassifier  # noqa: PLC0415

        found["lightgbm"] = lambda: LGBMClassifier(n_estimators=3, n_jobs=1, verbose=-1).fit(NUMBERS, CLASSES)
    if find_spec("catboost"):
        from catboost import CatBoostRegressor  # noqa: PLC0415

        found["catboost"] = lambda: CatBoostRegressor(
            iterations=3, verbose=False, allow_writing_files=False, thread_count=1
        ).fit(NUMBERS, AMOUNTS)
    return found


BOOSTERS = _boosters()
ALL = (*VARIANTS, *NAMES, *BOOSTERS)


@cache
def seed(name: str) -> Model:
    """Give the fitted model of a name; it must not be changed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in BOOSTERS:
            return BOOSTERS[name]()
        if name in VARIANTS:
            estimator, table, target = VARIANTS[name]
            np.random.seed(0)  # noqa: NPY002 (some of them have no random state of their own)
            return clone(estimator).fit(table, target)
        np.random.seed(0)  # noqa: NPY002
        return fitted(name)[0]
