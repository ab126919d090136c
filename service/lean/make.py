"""Puts the function of a model together from those of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.kinds import takes_texts
from service.lean import bayes, boosting, forests, linear, networks
from service.lean.arithmetic import NotLean, Outcome, class_name
from service.lean.columns import array_columns_step, columns_step
from service.lean.transformers import step_of
from service.values import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.features import Feature
    from service.lean.arithmetic import Array, Ask, Fitted, Step

SEARCHES = frozenset({"GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"})
# A third of the time that the same methods of an array take.
LARGEST, ABSOLUTE = np.maximum.reduce, np.absolute
FAMILIES = (linear, forests, boosting, bayes, networks)


def candidates(model: Fitted, features: Sequence[Feature]) -> Iterator[Ask]:
    """Give the functions that the model may be, of which at most one is right.

    They take an array of numbers or, if a feature is no number, rows as lists of values. Raises `NotLean`
    with the reason if there is none.
    """
    is_mixed = any(feature.type != "number" for feature in features)
    if takes_texts(model):
        raise NotLean("it takes texts")
    found = False
    for ask in _candidates(model, features if is_mixed else None):
        found = True
        yield ask
    if not found:
        raise NotLean(f"there is no shorter way through {type(model).__name__}")


def _candidates(model: Fitted, mixed: Sequence[Feature] | None) -> Iterator[Ask]:
    """`mixed`: the features, if rows come as lists of values; else they come as an array."""
    name = class_name(model)
    if name == "Pipeline":
        yield from _pipeline(model, mixed)
    elif name in SEARCHES:
        yield from _candidates(model.best_estimator_, mixed)
    elif mixed is not None and getattr(model, "_preprocessor", None) is not None:
        # Histogram gradient boosting encodes categories itself; its other branch checks numbers, no more.
        step = columns_step(model._preprocessor, mixed, passing=["numerical"])  # noqa: SLF001
        for ask in boosting.candidates(model):
            yield _composed([step], ask)
    elif mixed is not None:
        raise NotLean("it takes columns of several kinds without a ColumnTransformer")
    elif name == "TransformedTargetRegressor":
        yield from _turned_back(model)
    elif name in ("VotingClassifier", "VotingRegressor"):
        yield from _averaged(model)
    else:
        for family in FAMILIES:
            yield from family.candidates(model)


def _pipeline(pipeline: Fitted, mixed: Sequence[Feature] | None) -> Iterator[Ask]:
    *transformers, final = [part for _, part in pipeline.steps]
    transformers = [part for part in transformers if part is not None and part != "passthrough"]
    steps = []
    for part in transformers:
        steps.append(_first_step(part, mixed))
        mixed = None
    for ask in _candidates(final, mixed):
        yield _composed(steps, ask) if steps else ask


def _first_step(part: Fitted, mixed: Sequence[Feature] | None) -> Step:
    if class_name(part) == "ColumnTransformer":
        return array_columns_step(part) if mixed is None else columns_step(part, mixed)
    if mixed is not None:
        raise NotLean("it takes columns of several kinds without a ColumnTransformer")
    return step_of(part)


def _composed(steps: list[Step], ask: Ask) -> Ask:
    def through(rows: Array) -> Outcome | None:
        for step in steps:
            rows = step(rows)
        # Models refuse what a step made too large; whether they do is theirs to say.
        if not LARGEST(ABSOLUTE(rows), axis=None) <= LARGEST_NUMBER and not _are_usable(rows):
            return None
        return ask(rows)

    return through


def _are_usable(rows: Array) -> bool:
    """Tell whether all is a number within the limits, or missing as some models take it."""
    return bool((np.isnan(rows) | (np.abs(rows) <= LARGEST_NUMBER)).all())


def _turned_back(model: Fitted) -> Iterator[Ask]:
    turn = _turn(model.transformer_)
    for ask in _candidates(model.regressor_, None):

        def turned(rows: Array, ask: Ask = ask) -> Outcome | None:
            outcome = ask(rows)
            return None if outcome is None else Outcome(turn(outcome.values))

        yield turned


def _turn(transformer: Fitted) -> Callable[[Array], Array]:
    """Give the function from what the inner model says to what was meant."""
    inverse = getattr(transformer, "inverse_func", None)
    if isinstance(inverse, np.ufunc):
        return inverse

    def turn(values: Array) -> Array:
        column = values.reshape(-1, 1) if values.ndim == 1 else values
        turned = transformer.inverse_transform(column)
        return turned.ravel() if values.ndim == 1 else turned

    return turn


def _averaged(model: Fitted) -> Iterator[Ask]:
    """Give the vote of models, whose probabilities or numbers are averaged."""
    is_classifier = class_name(model) == "VotingClassifier"
    if is_classifier and model.voting != "soft":
        raise NotLean("it counts votes")
    weights = model._weights_not_none  # noqa: SLF001 (has no public name)
    weights = None if weights is None else np.asarray(weights, np.float64)
    # The first of each: a wrong one shows in the trial of the whole.
    asks = [next(iter(_candidates(part, None)), None) for part in model.estimators_]
    if None in asks:
        raise NotLean("there is no shorter way through one of its models")

    def ask(rows: Array) -> Outcome | None:
        outcomes = [ask(rows) for ask in asks if ask]
        if None in outcomes:
            return None
        if is_classifier:
            each = np.array([outcome.probabilities for outcome in outcomes if outcome])
            probabilities: Array = np.average(each, axis=0, weights=weights)
            return Outcome(probabilities.argmax(axis=1), probabilities)
        values = np.asarray([outcome.values for outcome in outcomes if outcome]).T
        return Outcome(np.average(values, axis=1, weights=weights))

    yield ask
