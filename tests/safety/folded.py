"""Small models that have no end when they are walked, or take a time that doubles with each level."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils._metadata_requests import MetadataRequest

from tests.safety.assembler import alone, name, new, state

if TYPE_CHECKING:
    from collections.abc import Callable

# scikit-learn has no types.
Estimator = Any

LEVELS = 40
ROWS, CLASSES = np.random.default_rng(0).random((30, 2)), np.arange(30) % 2
MODEL = LogisticRegression().fit(ROWS, CLASSES)
SCALER = StandardScaler().fit(ROWS)


def doubled(held: Any, twice: Callable[[Any], Any], levels: int = LEVELS) -> Any:
    for _ in range(levels):
        held = twice(held)
    return held


def objects(held: Any) -> Any:
    array = np.empty(2, object)
    array[0] = array[1] = held
    return array


def altered(model: Estimator, **attributes: object) -> Estimator:
    other = copy.copy(model)
    vars(other).update(attributes)
    return other


def columns(part: Estimator) -> Estimator:
    both = [("a", part, [0, 1]), ("b", part, [0, 1])]
    fitted = ColumnTransformer([("a", SCALER, [0, 1]), ("b", SCALER, [0, 1])]).fit(ROWS)
    return altered(fitted, transformers=both, transformers_=both)


def within_itself(model: Estimator, attribute: str) -> Estimator:
    other = copy.copy(model)
    setattr(other, attribute, [("scale", SCALER), ("model", other)] if attribute == "steps" else other)
    return other


PIPELINE = Pipeline([("scale", SCALER), ("model", MODEL)])
SEARCH = GridSearchCV(MODEL, {"C": [1]}, cv=2).fit(ROWS, CLASSES)
FOREST = RandomForestClassifier(2, max_depth=1).fit(ROWS, CLASSES)
VOTES = VotingClassifier([("a", MODEL), ("b", MODEL)]).fit(ROWS, CLASSES)
ENCODER = OneHotEncoder().fit(ROWS.round())
HOLDS_ITSELF: list[object] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


def models() -> dict[str, object]:
    """The models, by their names."""
    return {
        "lists as classes": altered(MODEL, classes_=doubled(1, lambda one: [one, one])),
        "tuples as coefficients": altered(MODEL, coef_=doubled(1, lambda one: (one, one))),
        "dictionaries as a parameter": altered(MODEL, class_weight=doubled(1, lambda one: {1: one, 2: one})),
        "arrays as names": altered(MODEL, feature_names_in_=doubled(1, objects)),
        "arrays as categories": altered(ENCODER, categories_=doubled(1, objects)),
        "lists as a file": doubled(MODEL, lambda one: [one, one]),
        "dictionaries as a file": doubled(MODEL, lambda one: {"a": one, "b": one}),
        "long lists in long lists": altered(MODEL, extra_=doubled([0] * 1000, lambda one: [one] * 1000, 3)),
        "pipelines": doubled(SCALER, lambda one: Pipeline([("a", one), ("b", one)])),
        "unions": Pipeline(
            [("a", doubled(SCALER, lambda one: FeatureUnion([("a", one), ("b", one)]))), ("b", MODEL)]
        ),
        "columns": Pipeline([("a", doubled(SCALER, columns)), ("b", MODEL)]),
        "votes": doubled(MODEL, lambda one: altered(VOTES, estimators_=[one, one])),
        "forests": doubled(MODEL, lambda one: altered(FOREST, estimators_=[one, one])),
        "searches": doubled(MODEL, lambda one: altered(SEARCH, best_estimator_=one, estimator=one)),
        "votes that own requests": altered(
            MODEL,
            _metadata_request=MetadataRequest(
                owner=doubled(MODEL, lambda one: altered(VOTES, estimators_=[one, one]))
            ),
        ),
        "list in itself": altered(MODEL, coef_=HOLDS_ITSELF),
        "pipeline in itself": within_itself(PIPELINE, "steps"),
        "search in itself": within_itself(SEARCH, "best_estimator_"),
    }


def corpus() -> dict[str, bytes]:
    """The file of each model, by its name."""
    deep = new(name("sklearn.linear_model._base", "LinearRegression")) + state(
        coef_=b"]" * 2000 + b"a" * 1999
    )
    return {"deep lists": alone(deep + b"b")} | {one: pickle.dumps(model) for one, model in models().items()}
