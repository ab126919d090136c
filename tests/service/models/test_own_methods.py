"""Own methods give the answers of scikit-learn's methods, bit by bit, or leave the rows to them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, DotProduct, Matern, RationalQuadratic, WhiteKernel
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import NearestCentroid, RadiusNeighborsClassifier

from service.models import shared_work
from service.models.joint_predict import find_joint_predict
from service.models.own_methods import own_methods
from service.models.shared_work import share_work
from service.schema.features import Feature

if TYPE_CHECKING:
    from collections.abc import Callable

KERNELS = {
    "none": None,
    "Gaussian": 2.0 * RBF(0.7),
    "of each column": RBF([0.5, 1.0, 2.0, 4.0]),
    "Matern": Matern(1.3, nu=1.5),
    "sum": RationalQuadratic() + WhiteKernel(0.1),
    "products": DotProduct(0.5) ** 2,
}
OPTIMIZERS = [None, None, None, "fmin_l_bfgs_b"]
LABELS = {"texts": np.array(["a", "bb", "c", "d", "e"]), "numbers": np.array([-3, 0, 5, 70, 71])}
# Rows of which the squares or the products are too large, and rows that are next to nothing.
EXTREMES = (0.0, -0.0, 1e-300, 1e-160, 1e30, 1e160, -1e300, 1.7e308)
has_predict_proba = pytest.mark.skipif(
    not hasattr(NearestCentroid, "_decision_function"), reason="this scikit-learn gives no probabilities"
)
some_models = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
tables = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10_000),
        "rows": st.integers(20, 120),
        "classes": st.integers(2, 5),
        "dtype": st.sampled_from(["float64", "float32", "int64"]),
        "labels": st.sampled_from(sorted(LABELS)),
    }
)


def training(table: dict[str, Any], width: int) -> tuple[Any, Any]:
    chance = np.random.default_rng(table["seed"])
    classes = np.arange(table["rows"]) % table["classes"]
    rows = chance.normal(size=(table["rows"], width)) * chance.uniform(0.5, 20, width) + classes[:, None]
    return rows.astype(table["dtype"]), LABELS[table["labels"]][classes]


def asked(rows: Any, seed: int) -> list[Any]:
    """Give tables of several lengths: rows of the training data, near them, between them, and far away."""
    chance = np.random.default_rng(seed)
    some = rows.astype(np.float64)
    between = (some[:-1] + some[1:]) / 2
    far = chance.choice(EXTREMES, size=(12, rows.shape[1]))
    near = some + chance.normal(0, 0.1, some.shape)
    every = np.concatenate([near, between, some, far])
    singles = [
        every[at : at + 1] + 0.0 for at in (0, len(near), -13, -12, -3, -1) if at < 0 or at < len(every)
    ]
    return [*(one for one in singles if len(one)), every[:2], every[:7], every[-9:], near, every]


def answers_of(ask: Callable[[], Any]) -> Any:
    """Give the types, shapes and bits of two answers, or the error in their place."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = [np.asarray(answer) for answer in ask()]
        except ValueError as error:
            return str(error)
    return [(answer.dtype, answer.shape, answer.tobytes()) for answer in found]


def assert_same_bits(model: Any, table: Any) -> None:
    joint = share_work(model)
    assert joint
    expected = answers_of(lambda: (model.predict(table), model.predict_proba(table)))

    assert answers_of(lambda: joint(table)) == expected


@has_predict_proba
@some_models
@given(
    table=tables,
    width=st.integers(1, 40),
    shrink=st.sampled_from([None, 0.2, 5.0]),
    priors=st.sampled_from(["uniform", "empirical", "given"]),
    constants=st.integers(0, 1),
)
def test_nearest_centroids(
    table: dict[str, Any], width: int, shrink: float | None, priors: str, constants: int
) -> None:
    rows, labels = training(table, width)
    rows[:, : min(constants, width - 1)] = 3
    weights = np.arange(1.0, table["classes"] + 1)
    shares = (weights / weights.sum()).tolist() if priors == "given" else priors
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = NearestCentroid(shrink_threshold=shrink, priors=shares).fit(rows, labels)

    middles = (model.centroids_[:-1] + model.centroids_[1:]) / 2
    for some in (*asked(rows, table["seed"]), model.centroids_, middles, middles[:1]):
        assert_same_bits(model, some)


@some_models
@given(
    table=tables,
    width=st.integers(1, 12),
    radius=st.sampled_from([0.01, 1.0, 15.0, 1e3]),
    algorithm=st.sampled_from(["auto", "kd_tree", "ball_tree", "brute"]),
    metric=st.sampled_from(["minkowski", "manhattan", "chebyshev"]),
    weights=st.sampled_from(["uniform", "distance"]),
    outliers=st.sampled_from([None, "most_frequent"]),
)
def test_radius_neighbors(
    table: dict[str, Any], width: int, radius: float, outliers: Any, **chosen: Any
) -> None:
    rows, labels = training(table, width)
    model = RadiusNeighborsClassifier(radius, outlier_label=outliers, **chosen).fit(rows, labels)

    for some in asked(rows, table["seed"]):
        assert_same_bits(model, some)


@some_models
@given(table=tables, width=st.integers(1, 12), categories=st.integers(2, 30))
def test_categories(table: dict[str, Any], width: int, categories: int) -> None:
    rows, labels = training(table, width)
    rows = np.abs(rows).astype(int) % categories
    model = CategoricalNB(min_categories=categories).fit(rows, labels)
    whole = rows.astype(np.float64)

    # With parts of whole numbers, below zero, and too large: scikit-learn cuts numbers, or refuses them.
    for some in (whole[:1], whole[:2], whole, whole[:1] + 0.7, whole - 0.7, whole - 1, whole[:3] + 1e300):
        assert_same_bits(model, some)


@some_models
@given(table=tables, kernel=st.sampled_from(sorted(KERNELS)), optimizer=st.sampled_from(OPTIMIZERS))
def test_gaussian_processes(table: dict[str, Any], kernel: str, optimizer: str | None) -> None:
    rows, labels = training({**table, "rows": min(table["rows"], 60)}, 4)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            model = GaussianProcessClassifier(KERNELS[kernel], optimizer=optimizer).fit(rows, labels)
        except np.linalg.LinAlgError:
            # Products of large numbers round to a matrix that is none of a kernel.
            reject()

    for some in asked(rows, table["seed"]):
        assert_same_bits(model, some)


ROWS, CLASSES = training({"seed": 1, "rows": 90, "classes": 3, "dtype": "float64", "labels": "texts"}, 4)
CENTROIDS = NearestCentroid().fit(ROWS, CLASSES)
RADIUS = RadiusNeighborsClassifier(30.0).fit(ROWS, CLASSES)
CATEGORIES = CategoricalNB(min_categories=9).fit(np.abs(ROWS).astype(int) % 9, CLASSES)
MODELS = [
    pytest.param(CENTROIDS, marks=has_predict_proba, id="centroids"),
    pytest.param(RADIUS, id="radius"),
    pytest.param(CATEGORIES, id="categories"),
]


def refused(*_: object, **__: object) -> object:
    raise AssertionError("scikit-learn was asked")


@pytest.mark.parametrize("model", MODELS)
def test_a_usual_row_does_without_scikit_learns_methods(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in own_methods(model):
        monkeypatch.setattr(type(model), name, refused)
    own = own_methods(model)

    assert own
    for method in own.values():
        method(np.abs(ROWS[:1]))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "table",
    [
        ROWS[:1].astype(np.float32),
        ROWS[:1, :3],
        ROWS[:0],
        ROWS[0],
        np.full((1, 4), np.nan),
        np.full((1, 4), np.inf),
        np.asfortranarray(ROWS[:5]),
        ROWS[:1].tolist(),
    ],
    ids=["float32", "narrow", "empty", "flat", "missing", "infinite", "by column", "list"],
)
def test_any_other_table_is_left_to_them(model: Any, table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in own_methods(model):
        monkeypatch.setattr(type(model), name, refused)

    for method in own_methods(model).values():
        with pytest.raises(AssertionError, match="scikit-learn was asked"):
            method(table)


@has_predict_proba
def test_a_row_between_two_centroids_is_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    middle = (CENTROIDS.centroids_[:1] + CENTROIDS.centroids_[1:2]) / 2
    near = middle + 1e-17 * (CENTROIDS.centroids_[:1] - middle)
    monkeypatch.setattr(NearestCentroid, "predict", refused)

    predict = own_methods(CENTROIDS)["predict"]

    for row in (middle, near):
        with pytest.raises(AssertionError, match="scikit-learn was asked"):
            predict(row)


@has_predict_proba
def test_an_own_method_that_differs_in_one_bit_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    scores: Any = own_methods(CENTROIDS)["_decision_function"]

    def differing(_: object) -> dict[str, Any]:
        return {"_decision_function": lambda table: np.nextafter(scores(table), 0.0)}

    features = [Feature(f"x{at}") for at in range(4)]
    monkeypatch.setattr(shared_work, "own_methods", differing)

    joint = find_joint_predict(CENTROIDS, features, lambda rows: np.array(rows, np.float64))

    assert joint
    assert np.asarray(joint(ROWS)[1]).tobytes() == CENTROIDS.predict_proba(ROWS).tobytes()


@has_predict_proba
def test_an_own_method_that_fails_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    features = [Feature(f"x{at}") for at in range(4)]
    monkeypatch.setattr(shared_work, "own_methods", refused)

    joint = find_joint_predict(CENTROIDS, features, lambda rows: np.array(rows, np.float64))

    assert joint
    assert np.asarray(joint(ROWS)[1]).tobytes() == CENTROIDS.predict_proba(ROWS).tobytes()


@pytest.mark.parametrize("target", [CLASSES, CLASSES == "a"], ids=["three", "two"])
def test_a_difference_near_the_training_data_is_seen(target: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ROWS * 0.2 + 1000
    model = GaussianProcessClassifier().fit(rows, target)

    def differing(part: Any) -> dict[str, Any]:
        def near(table: Any) -> Any:
            found = type(part).predict_proba(part, table)
            return np.where(abs(found - 0.5) < 1e-6, found, np.nextafter(found, 0.0))

        return {} if part is model or hasattr(part, "estimators_") else {"predict_proba": near}

    features = [Feature(f"x{at}") for at in range(4)]
    monkeypatch.setattr(shared_work, "own_methods", differing)

    joint = find_joint_predict(model, features, lambda some: np.array(some, np.float64))

    assert joint
    assert np.asarray(joint(rows)[1]).tobytes() == model.predict_proba(rows).tobytes()


def test_a_matrix_that_another_way_solves_otherwise_is_left_to_scikit_learn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = GaussianProcessClassifier().fit(ROWS, CLASSES == "a").base_estimator_
    monkeypatch.setattr("scipy.linalg.solve", lambda left, right: np.linalg.inv(left) @ right)

    assert own_methods(inner) == {}


def test_other_classes_have_none() -> None:
    class NearestCentroidOfAnother(NearestCentroid):  # type: ignore[misc]  # (scikit-learn has no types)
        pass

    NearestCentroidOfAnother.__name__ = "NearestCentroid"

    assert own_methods(NearestCentroidOfAnother().fit(ROWS, CLASSES)) == {}
    assert own_methods(QuadraticDiscriminantAnalysis().fit(ROWS, CLASSES)) == {}
    assert own_methods(NearestCentroid(metric="manhattan").fit(ROWS, CLASSES)) == {}
    assert own_methods(RadiusNeighborsClassifier(algorithm="brute").fit(ROWS, CLASSES)) == {}
