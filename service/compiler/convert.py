"""Puts the short path of a model together from those of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.converters import bayes, boosting, forests, linear, networks
from service.compiler.converters.columns import branches_of, table_of
from service.compiler.converters.transformers import steps_back, steps_of
from service.compiler.functions import class_name
from service.compiler.outputs import Average, Chain, TurnedBack
from service.errors import NotCompilable
from service.schema.column_types import takes_texts
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Ask, Fitted, Step
    from service.schema.features import Feature

    # The features, if rows come as lists of values; None if they come as an array.
    Mixed = Sequence[Feature] | None

SEARCHES = frozenset({"GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"})
VOTES = frozenset({"VotingClassifier", "VotingRegressor"})
FAMILIES = (linear, forests, boosting, bayes, networks)


def candidates(model: Fitted, features: Sequence[Feature]) -> Iterator[Ask]:
    """Give what the model may be, of which at most one is right.

    They take an array of numbers or, if a feature is no number, rows as lists of values. Raises
    `NotCompilable` with the reason if there is none.
    """
    if takes_texts(model):
        raise NotCompilable("it takes texts")
    found = False
    for ask in _candidates(model, features if is_mixed(features) else None):
        found = True
        yield ask
    if not found:
        raise NotCompilable(f"there is no shorter way through {type(_innermost(model)).__name__}")


def transformers_of(pipeline: Fitted) -> list[Fitted]:
    """Give the steps before the last one of a pipeline, but for those that do nothing."""
    parts = [part for _, part in pipeline.steps[:-1]]
    return [part for part in parts if part is not None and part != "passthrough"]


def _innermost(model: Fitted) -> Fitted:
    """Give the model at the end of pipelines and searches."""
    name = class_name(model)
    if name == "Pipeline":
        return _innermost(model.steps[-1][1])
    return _innermost(model.best_estimator_) if name in SEARCHES else model


def _candidates(model: Fitted, mixed: Mixed) -> Iterator[Ask]:
    name = class_name(model)
    if name == "Pipeline":
        yield from _pipeline(model, mixed)
    elif name in SEARCHES:
        yield from _candidates(model.best_estimator_, mixed)
    elif mixed is not None:
        yield from _encoding(model, mixed)
    elif name == "TransformedTargetRegressor":
        back = steps_back(model.transformer_)
        yield from (TurnedBack(ask, back) for ask in _candidates(model.regressor_, None))
    elif name in VOTES:
        yield _average(model, is_classifier=name == "VotingClassifier")
    else:
        for family in FAMILIES:
            yield from family.candidates(model)


def _pipeline(pipeline: Fitted, mixed: Mixed) -> Iterator[Ask]:
    steps: list[Step] = []
    for part in transformers_of(pipeline):
        steps += _steps(part, mixed)
        mixed = None
    for ask in _candidates(pipeline.steps[-1][1], mixed):
        yield Chain(steps, ask) if steps else ask


def _steps(part: Fitted, mixed: Mixed) -> list[Step]:
    if class_name(part) == "ColumnTransformer":
        return [branches_of(part) if mixed is None else table_of(part, mixed)]
    if mixed is not None:
        raise NotCompilable("it takes columns of several kinds without a ColumnTransformer")
    return steps_of(part)


def _encoding(model: Fitted, mixed: Sequence[Feature]) -> Iterator[Ask]:
    """Histogram gradient boosting encodes categories itself; its other branch checks numbers, no more."""
    preprocessor = getattr(model, "_preprocessor", None)
    if preprocessor is None:
        raise NotCompilable("it takes columns of several kinds without a ColumnTransformer")
    table = table_of(preprocessor, mixed, passing=["numerical"])
    yield from (Chain([table], ask) for ask in boosting.candidates(model))


def _average(model: Fitted, *, is_classifier: bool) -> Ask:
    if is_classifier and model.voting != "soft":
        raise NotCompilable("it counts votes")
    # The first of each: a wrong one shows in the trial of the whole.
    asks = [next(_candidates(part, None), None) for part in model.estimators_]
    known = [ask for ask in asks if ask is not None]
    if len(known) < len(asks):
        raise NotCompilable("there is no shorter way through one of its models")
    weights = model._weights_not_none  # noqa: SLF001 (has no public name)
    return Average(known, None if weights is None else np.asarray(weights, np.float64), is_classifier)
