"""Observes what the attributes of kernels, splitters, scorers, losses, sparse matrices and metrics hold.

`python -m tests.safety.observe_parts OUT` does for these parts what `observe_attributes` does for estimators.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
import sklearn
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.gaussian_process import kernels
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, fbeta_score, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, _split
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from service.loading import attributes
from tests.safety.observe_attributes import CLASSES, MIXED, NAMED, NUMBERS, Observed

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
METRICS = (
    *("braycurtis", "canberra", "chebyshev", "dice", "euclidean", "hamming", "haversine", "jaccard"),
    *("kulsinski", "mahalanobis", "manhattan", "matching", "minkowski", "rogerstanimoto", "russellrao"),
    *("seuclidean", "sokalmichener", "sokalsneath", "wminkowski"),
)


def kernel_parts() -> list[object]:
    """Give each kernel of Gaussian processes, also in the kernels that hold others."""
    one = kernels.RBF(1.0)
    found: list[object] = [
        one + one,
        one * one,
        one**2,
        kernels.CompoundKernel([one, one]),
        kernels.RBF([1.0, 2.0]),
    ]
    for cls in vars(kernels).values():
        if isinstance(cls, type) and issubclass(cls, kernels.Kernel):
            # Some are abstract, and some need other kernels.
            with suppress(TypeError):
                found.append(cls())
    return found


def splitters() -> list[object]:
    """Give each way to split rows for training."""
    found: list[object] = [_split.check_cv([(np.arange(5), np.arange(5, 9))])]
    for cls in vars(_split).values():
        if isinstance(cls, type) and cls.__module__ == _split.__name__:
            for arguments in ({}, {"p": 1}, {"n_groups": 1}, {"test_fold": [0, 1]}):
                with suppress(TypeError):
                    found.append(cls(**arguments))
    return found


def scorers() -> list[object]:
    """Give scorers of scikit-learn, and searches that hold several."""
    try:
        from sklearn.metrics import get_scorer, get_scorer_names  # noqa: PLC0415 (not in every version)
    except ImportError:
        return []
    found: list[object] = [get_scorer(name) for name in get_scorer_names()]
    found.append(make_scorer(f1_score, average="macro"))
    found.append(make_scorer(fbeta_score, beta=2))
    with suppress(TypeError, ValueError):
        found.append(make_scorer(log_loss, response_method="predict_proba"))
    with suppress(TypeError, ValueError):
        found.append(make_scorer(log_loss, needs_proba=True))
    for scoring in (["accuracy", "f1_macro"], {"a": make_scorer(f1_score, average="macro")}, "accuracy"):
        refit = "accuracy" if isinstance(scoring, list) else True if isinstance(scoring, str) else "a"
        search = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, scoring=scoring, refit=refit, cv=2)
        found.append(search.fit(NUMBERS, CLASSES))
    found.append(RandomizedSearchCV(Ridge(), {"alpha": [1.0]}, n_iter=1, cv=2).fit(NUMBERS, CLASSES))
    return found


def matrices() -> list[object]:
    """Give a sparse matrix and a sparse array of each format."""
    found: list[object] = []
    for form in FORMATS:
        found.append(scipy.sparse.csr_matrix(np.eye(3)).asformat(form))
        if hasattr(scipy.sparse, "csr_array"):
            found.append(scipy.sparse.csr_array(np.eye(3)).asformat(form))
    return found


def neighbours() -> list[object]:
    """Give search trees, each metric of distances, and a model that holds a metric."""
    try:
        from sklearn.metrics import DistanceMetric  # noqa: PLC0415 (elsewhere in old versions)
    except ImportError:
        from sklearn.neighbors import DistanceMetric  # noqa: PLC0415
    found: list[object] = [KDTree(NUMBERS), BallTree(NUMBERS)]
    for metric in METRICS:
        for arguments in ({}, {"V": np.ones(4)}, {"p": 2, "w": np.ones(4)}):
            with suppress(Exception):
                found.append(DistanceMetric.get_metric(metric, **arguments))
    with suppress(Exception):
        found.append(
            KNeighborsClassifier(metric=DistanceMetric.get_metric("manhattan")).fit(NUMBERS, CLASSES)
        )
    return found


def losses() -> list[object]:
    """Give the losses of scikit-learn, with their links."""
    try:
        module: Any = importlib.import_module("sklearn._loss.loss")
    except ImportError:
        return []
    found: list[object] = []
    for cls in vars(module).values():
        if isinstance(cls, type) and cls.__module__ == module.__name__:
            for arguments in ({}, {"quantile": 0.5}, {"delta": 1.0}, {"n_classes": 3}, {"power": 1.5}):
                with suppress(Exception):
                    found.append(cls(**arguments))
    links: Any = importlib.import_module("sklearn._loss.link")
    for cls in vars(links).values():
        if isinstance(cls, type) and cls.__module__ == links.__name__:
            with suppress(Exception):
                found.append(cls())
    return found


def columns() -> list[object]:
    """Give transformers of columns chosen in each way, and with what scikit-learn's settings add."""
    found: list[object] = []
    for chosen in (
        make_column_selector(dtype_include=np.number),
        make_column_selector("n"),
        ["n"],
        slice(0, 1),
        [0],
    ):
        for remainder in ("drop", "passthrough"):
            part = ColumnTransformer([("a", StandardScaler(), chosen)], remainder=remainder)
            with suppress(Exception):
                found.append(part.fit(MIXED[["n", "b"]], CLASSES))
    with suppress(Exception):
        found.append(MinMaxScaler().set_output(transform="pandas").fit(NAMED))
    return found


def requests() -> list[object]:
    """Give an estimator that asks for metadata, as newer versions of scikit-learn let users say."""
    with suppress(Exception):
        sklearn.set_config(enable_metadata_routing=True)
        return [
            LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        ]
    return []


def frozen() -> list[object]:
    """Give models of other models that need a fitted one."""
    try:
        frozen_module: Any = importlib.import_module("sklearn.frozen")
    except ImportError:
        return []
    inner: BaseEstimator = LogisticRegression().fit(NUMBERS, CLASSES)
    return [frozen_module.FrozenEstimator(inner)]


def main(out: Path) -> None:
    """Observe these parts with the version of scikit-learn that the environment has."""
    attributes.known_classes = dict  # type: ignore[assignment]  # the raw names, whatever is listed now
    observed = Observed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for make in (
            kernel_parts,
            splitters,
            scorers,
            matrices,
            neighbours,
            losses,
            columns,
            frozen,
            requests,
        ):
            for part in make():
                observed.add(part)
    out.write_text(json.dumps(observed.result(), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
