"""Models of real parts with unsound values: compiled code would crash, hang, or read what is not theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.interpolate import BSpline
from sklearn.cluster import Birch, BisectingKMeans, KMeans
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import NMF
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.multioutput import RegressorChain
from sklearn.neighbors import BallTree, KDTree, KernelDensity, KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler, TargetEncoder
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.service.models import every_estimator

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Any], Any]

TABLE = every_estimator.table_for("KMeans")
TARGET = np.arange(len(TABLE)) % 3


def tree_with(tree: Any, **state: Any) -> Any:
    """Give a tree as another one, but for parts of its state."""
    make, arguments, held = tree.__reduce__()
    made = make(*arguments)
    made.__setstate__({**held, **state})
    return made


def blank(tree: Any) -> Any:
    """Give a tree that was never given a state."""
    make, arguments = tree.__reduce__()[:2]
    return make(*arguments)


def nodes_with(tree: Any, node: int, **fields: int) -> Any:
    nodes = tree.__getstate__()["nodes"].copy()
    for field, value in fields.items():
        nodes[field][node] = value
    return tree_with(tree, nodes=nodes)


def neighbors_with(tree: Any, place: int, value: Any) -> Any:
    state = list(tree.__getstate__())
    state[place] = value
    made = blank(tree)
    made.__setstate__(tuple(state))
    return made


def a_tree() -> Any:
    return DecisionTreeClassifier(random_state=0).fit(TABLE, TARGET)


def changed_tree(change: Change) -> Any:
    model = a_tree()
    model.tree_ = change(model.tree_)
    return model


def changed(model: Any, attribute: str, change: Change, *, table: Any = TABLE) -> Any:
    model = model.fit(table, TARGET)
    setattr(model, attribute, change(getattr(model, attribute)))
    return model


def lacking(model: Any) -> Any:
    """Give a model that does not say its number of features: scikit-learn looks at no width then."""
    del model.fit(TABLE, TARGET).n_features_in_
    return model


def wide(rows: Any) -> Any:
    return np.hstack([rows, rows])


def chain(order: list[int]) -> Any:
    model = RegressorChain(LinearRegression()).fit(TABLE, TABLE[:, :3])
    model.order_ = order
    return model


def words(change: Change) -> Any:
    model = CountVectorizer().fit(every_estimator.WORDS)
    model.vocabulary_ = change(model.vocabulary_)
    return model


def boosted(**fields: int) -> Any:
    model = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2).fit(TABLE, TARGET)
    for field, value in fields.items():
        model._predictors[1][2].nodes[field][0] = value
    return model


def row_of(table: Any, **arrays: Any) -> Any:
    for name, value in arrays.items():
        vars(table)[name] = value
    return table


def staged(change: Change) -> Any:
    return changed(GradientBoostingClassifier(n_estimators=2), "estimators_", change)


def a_random_state(position: int) -> Any:
    random = np.random.RandomState(0)
    state: Any = random.get_state(legacy=False)
    state["state"]["pos"] = position
    random.set_state(state)
    return random


def far_codes() -> Any:
    values = pd.Categorical(["red", "green"])
    values._ndarray[0] = 100
    return values


def far_levels() -> Any:
    index = pd.MultiIndex.from_product([["red"], [1, 2]])
    index._codes = ([0, 0], np.array([100, 0], dtype=np.int8))
    return index


def squeezed(model: Any, at: int) -> Any:
    model.estimators_[at].tree_ = a_tree().tree_
    return model


def csr(**arrays: Any) -> Any:
    return row_of(sparse.csr_matrix(np.eye(3)), **arrays)


FOREST = RandomForestClassifier(2, random_state=0)
UNSOUND: dict[str, Callable[[], Any]] = {
    "a node is its own child": lambda: changed_tree(lambda tree: nodes_with(tree, 0, left_child=0)),
    "a child lies outside": lambda: changed_tree(lambda tree: nodes_with(tree, 0, right_child=10**9)),
    "a child lies before": lambda: changed_tree(lambda tree: nodes_with(tree, 0, right_child=-7)),
    "one child": lambda: changed_tree(lambda tree: nodes_with(tree, 0, left_child=-1)),
    "two parents": lambda: changed_tree(lambda tree: nodes_with(tree, 0, left_child=2)),
    "a feature outside": lambda: changed_tree(lambda tree: nodes_with(tree, 0, feature=4)),
    "a feature below": lambda: changed_tree(lambda tree: nodes_with(tree, 0, feature=-3)),
    "no nodes": lambda: changed_tree(lambda tree: tree_with(tree, node_count=0)),
    "never given a state": lambda: changed_tree(blank),
    "fewer features than the tree": lambda: changed(
        DecisionTreeClassifier(), "n_features_in_", lambda count: count - 1
    ),
    "no number of features": lambda: changed(DecisionTreeClassifier(), "n_features_in_", lambda _: None),
    "a forest of fewer features": lambda: changed(FOREST, "n_features_in_", lambda count: count - 1),
    "chosen features": lambda: squeezed(
        BaggingClassifier(DecisionTreeClassifier(), 2, max_features=2).fit(TABLE, TARGET), 1
    ),
    "a deeper tree": lambda: flattened(IsolationForest(n_estimators=2, random_state=0)),
    "stages of fewer trees": lambda: staged(lambda trees: trees[:, :2]),
    "stages of no trees": lambda: staged(lambda trees: np.full(trees.shape, None)),
    "a histogram's child lies outside": lambda: boosted(left=10**6),
    "a histogram's child is itself": lambda: boosted(right=0),
    "a histogram's feature": lambda: boosted(feature_idx=17),
    "a histogram's categories": lambda: boosted(is_categorical=1),
    "a KD tree's order": lambda: neighbors_with(KDTree(TABLE), 1, np.full(len(TABLE), 10**9)),
    "a KD tree's nodes": lambda: neighbors_with(
        KDTree(TABLE, leaf_size=2), 2, np.zeros_like(KDTree(TABLE, leaf_size=2).__getstate__()[2])
    ),
    "a KD tree's bounds": lambda: neighbors_with(KDTree(TABLE), 3, np.zeros((2, 1, 1))),
    "a ball tree's count": lambda: neighbors_with(BallTree(TABLE), 6, 2**30),
    "a ball tree's metric": lambda: neighbors_with(
        BallTree(TABLE), 11, BallTree(TABLE[:, :2], metric="seuclidean", V=np.ones(2)).__getstate__()[11]
    ),
    "a ball tree without a state": lambda: blank(BallTree(TABLE)),
    "a tree of other rows": lambda: changed(
        KNeighborsClassifier(algorithm="kd_tree"), "_fit_X", lambda rows: rows[:5]
    ),
    "labels outside": lambda: changed(KNeighborsClassifier(), "_y", lambda labels: labels + 100),
    "density of no state": lambda: changed(KernelDensity(), "tree_", blank),
    "support vectors": lambda: changed(SVC(), "support_vectors_", lambda rows: rows[:, :1].copy()),
    "support counts": lambda: changed(SVC(), "_n_support", lambda counts: counts + 5),
    "support coefficients": lambda: changed(SVC(), "_dual_coef_", lambda numbers: numbers[:, :1].copy()),
    "support intercepts": lambda: changed(SVC(), "_intercept_", lambda numbers: numbers[:1]),
    "support probabilities": lambda: changed(SVC(), "_probA", lambda _: np.zeros(1)),
    "centers": lambda: changed(KMeans(2, n_init=1), "cluster_centers_", lambda centers: centers[:, :2]),
    "centers of any width": lambda: lacking(KMeans(2, n_init=1)),
    "neighbors of any width": lambda: lacking(KNeighborsClassifier(algorithm="brute")),
    "neighbors of more columns": lambda: changed(
        KNeighborsClassifier(algorithm="brute"), "_fit_X", lambda rows: sparse.csr_matrix(wide(rows))
    ),
    "a sparse kernel": lambda: changed(
        SVC(), "kernel", lambda _: "precomputed", table=sparse.csr_matrix(TABLE)
    ),
    "norms": lambda: changed(Birch(n_clusters=2), "_subcluster_norms", lambda norms: norms[:1]),
    "bisecting centers": lambda: changed(BisectingKMeans(3), "_bisecting_tree", bent),
    "a precision": lambda: changed(EmpiricalCovariance(), "precision_", lambda table: table[:2]),
    "a mixture": lambda: changed(GaussianMixture(2), "precisions_cholesky_", lambda tables: tables[:1]),
    "an order of one model alone": lambda: chain([0, 0, 0]),
    "an order of far models": lambda: chain([0, 1, 9]),
    "factors": lambda: changed(NMF(2, max_iter=2000), "components_", lambda table: table[:1]),
    "polynomials": lambda: changed(PolynomialFeatures(), "_n_out_full", lambda count: count + 9),
    "columns without end": lambda: changed(StandardScaler(), "n_features_in_", lambda _: 2**62),
    "columns that it gives": lambda: changed(KMeans(2, n_init=1), "_n_features_out", lambda _: 2**62),
    "polynomials of a high degree": lambda: changed(PolynomialFeatures(), "_max_degree", lambda _: 2**30),
    "words": lambda: words(lambda known: {**known, "red": 10**6}),
    "a target without numbers": lambda: changed(
        TargetEncoder(cv=2, target_type="continuous"), "encodings_", lambda numbers: numbers[:1]
    ),
    "a target of classes without numbers": lambda: changed(
        TargetEncoder(cv=2), "encodings_", lambda numbers: numbers[:-1]
    ),
    "words below": lambda: words(lambda known: {**known, "red": -1}),
    "one column": lambda: changed(OneHotEncoder(), "_n_features_outs", lambda counts: [1] * len(counts)),
    "a spline": lambda: row_of(BSpline(np.arange(8.0), np.zeros(4), 3), k=2**20),
    "a spline's numbers": lambda: row_of(
        BSpline(np.arange(8.0), np.zeros(4), 3), c=np.zeros(1), _c=np.zeros(1)
    ),
    "sparse columns": lambda: csr(indices=np.full(3, 10**6, dtype=np.int32)),
    "sparse rows": lambda: csr(indptr=np.array([0, 5, 2, 3], dtype=np.int32)),
    "sparse values": lambda: csr(data=np.ones(1)),
    "sparse shape": lambda: csr(_shape=(10**6, 3)),
    "sparse pairs": lambda: row_of(
        sparse.coo_matrix(np.eye(3)), coords=(np.full(3, 9), np.zeros(3, dtype=int)), row=np.full(3, 9)
    ),
    "codes of no category": far_codes,
    "codes of no level": far_levels,
    "masked parts": lambda: np.ma.MaskedArray(
        np.array([changed_tree(lambda tree: nodes_with(tree, 0, left_child=0))], dtype=object), mask=True
    ),
    "a random state before its numbers": lambda: a_random_state(-5),
    "a random state behind its numbers": lambda: a_random_state(10**6),
}


def flattened(model: Any) -> Any:
    model.fit(TABLE)
    model.estimators_[0].tree_ = tree_with(model.estimators_[0].tree_, max_depth=0)
    return model


def bent(tree: Any) -> Any:
    tree.left.center = np.zeros(1)
    return tree


def squeezed_node(forest: Any) -> Any:
    forest.estimators_[2].tree_ = nodes_with(forest.estimators_[2].tree_, 0, left_child=0)
    return forest
