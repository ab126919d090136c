"""Models with objects that have methods of the right names in the places of their parts: see `made`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomTreesEmbedding,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import IterativeImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.manifold import Isomap
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import KBinsDiscretizer, PowerTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import Bunch

from tests.safety.misplaced.made import (
    AMOUNTS,
    LABELS,
    NOTHING,
    NUMBERS,
    Misplaced,
    classifier,
    frozen,
    regressor,
    with_attributes,
    writer,
)

if TYPE_CHECKING:
    from tests.safety.misplaced.made import Model

KIND = "wrong part"


def wrong_parts(canary: str) -> list[Misplaced]:
    # A Bunch is a dictionary whose keys are attributes: an object with any method that is asked for.
    fake = Bunch(**dict.fromkeys(("predict", "transform", "inverse_transform", "query"), writer(canary)))
    fake.update(predict_proba=writer(canary), kernel_density=writer(canary), kneighbors=writer(canary))
    return [*_parts_called(fake), *_parts_of_parts(fake), *_data_for_parts()]


def _case(
    model: Model, place: str, effect: str = "writes", method: str = "predict", **more: object
) -> Misplaced:
    return Misplaced(KIND, f"{place} of {type(model).__name__}", model, effect, place, method=method, **more)  # type: ignore[arg-type]  # the fields of a case


def _parts_called(fake: Model) -> list[Misplaced]:
    def set_in(model: Model, place: str, value: object, *, fitted: bool = True, **more: object) -> Misplaced:
        if not fitted:
            model.fit(NUMBERS, AMOUNTS)
        return _case(with_attributes(model, **{place: value}), place, **more)  # type: ignore[arg-type]

    two = np.c_[AMOUNTS, AMOUNTS]
    steps = Pipeline([("first", StandardScaler()), ("last", regressor())]).fit(NUMBERS, AMOUNTS)
    union = FeatureUnion([("first", StandardScaler())]).fit(NUMBERS)
    union.transformer_list = [("first", fake)]
    steps.steps[0] = ("first", fake)
    return [
        set_in(VotingRegressor([("a", regressor())]), "estimators_", [fake], fitted=False),
        set_in(StackingRegressor([("a", regressor())], cv=2), "final_estimator_", fake, fitted=False),
        set_in(BaggingRegressor(n_estimators=1), "estimators_", [fake], fitted=False),
        set_in(MultiOutputRegressor(regressor()).fit(NUMBERS, two), "estimators_", [fake, fake]),
        set_in(RegressorChain(regressor()).fit(NUMBERS, two), "estimators_", [fake, fake], effect=NOTHING),
        set_in(RANSACRegressor(min_samples=3), "estimator_", fake, fitted=False),
        set_in(frozen(regressor()), "estimator", fake),
        set_in(RandomTreesEmbedding(2), "one_hot_encoder_", fake, fitted=False, method="transform"),
        set_in(PowerTransformer(), "_scaler", fake, fitted=False, method="transform"),
        set_in(
            KBinsDiscretizer(2, quantile_method="averaged_inverted_cdf"),
            "_encoder",
            fake,
            fitted=False,
            method="transform",
            effect=NOTHING,
        ),
        set_in(KernelPCA(1), "_centerer", fake, fitted=False, method="transform"),
        set_in(Isomap(n_neighbors=3), "nbrs_", fake, fitted=False, method="transform", effect=NOTHING),
        set_in(IterativeImputer(), "initial_imputer_", fake, fitted=False, method="transform"),
        set_in(MLPClassifier(2, max_iter=300, tol=1.0).fit(NUMBERS, LABELS), "_label_binarizer", fake),
        set_in(
            OneVsRestClassifier(LogisticRegression()).fit(NUMBERS, LABELS),
            "label_binarizer_",
            fake,
            effect=NOTHING,
        ),
        _case(union, "transformer_list", method="transform"),
        _case(steps, "steps"),
    ]


def _parts_of_parts(fake: Model) -> list[Misplaced]:
    calibrated = CalibratedClassifierCV(cv=2).fit(NUMBERS, LABELS)
    calibrated.calibrated_classifiers_[0] = fake
    curve = CalibratedClassifierCV(cv=2).fit(NUMBERS, LABELS)
    curve.calibrated_classifiers_[0].calibrators[0] = fake
    forest = RandomForestClassifier(1).fit(NUMBERS, LABELS)
    forest.estimators_[0] = fake
    histograms = HistGradientBoostingRegressor(max_iter=1).fit(NUMBERS, AMOUNTS)
    histograms._predictors[0][0] = fake
    prepared = HistGradientBoostingRegressor(max_iter=1).fit(NUMBERS, AMOUNTS)
    prepared._preprocessor = fake
    boosted = GradientBoostingClassifier(n_estimators=1).fit(NUMBERS, LABELS)
    boosted.init_ = fake
    tree = with_attributes(DecisionTreeRegressor().fit(NUMBERS, AMOUNTS))
    tree.tree_ = fake
    near = KNeighborsClassifier(2, algorithm="kd_tree").fit(NUMBERS, LABELS)
    near._tree = fake
    density = KernelDensity().fit(NUMBERS)
    density.tree_ = fake
    words = TfidfVectorizer().fit(["a red rose"])
    words._tfidf = fake
    threshold = FixedThresholdClassifier(classifier()).fit(NUMBERS, LABELS)
    threshold.estimator_ = fake
    return [
        _case(calibrated, "calibrated_classifiers_"),
        _case(curve, "calibrators"),
        _case(forest, "estimators_", NOTHING),
        _case(histograms, "_predictors", NOTHING),
        _case(prepared, "_preprocessor"),
        _case(boosted, "init_"),
        _case(tree, "tree_"),
        _case(near, "_tree", NOTHING),
        _case(density, "tree_", NOTHING, method="score_samples"),
        _case(words, "_tfidf", NOTHING, method="transform", rows=["a red rose"]),
        _case(threshold, "estimator_", NOTHING),
    ]


def _data_for_parts() -> list[Misplaced]:
    """Data where a part should be: the service would end with a traceback at the first request."""
    frame = pd.DataFrame({"a": [1.0]})
    data: dict[str, object] = {
        "a table": frame,
        "a table in the clothes of an estimator": frozen(frame),
        "a column": frame["a"],
        "an array": np.zeros((2, 2)),
        "an array of objects": np.array([frozen(frame), None], dtype=object),
        "a list": [1, 2],
        "a data type": np.dtype("f8"),
        "a sparse matrix": csr_matrix(np.eye(2)),
        "a dictionary": {"predict": 1},
        "a text": "passthrough",
        "a class": LinearRegression,
        "a random state": np.random.RandomState(0),
        "a tree": DecisionTreeRegressor().fit(NUMBERS, AMOUNTS).tree_,
        "a loss": GradientBoostingClassifier(n_estimators=1).fit(NUMBERS, LABELS)._loss,
    }
    found = []
    for name, value in data.items():
        model = StackingRegressor([("a", regressor())], cv=2).fit(NUMBERS, AMOUNTS)
        model.final_estimator_ = value
        found.append(Misplaced(KIND, f"{name} for an estimator", model, NOTHING, "final_estimator_"))
    return found
