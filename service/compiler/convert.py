"""Candidate programs for a fitted estimator, put together from the programs and operations of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.converters import bayes, boosting, forests, linear, networks
from service.compiler.converters.columns import branches_of, table_of
from service.compiler.converters.transformers import inverse_of, operations_of
from service.compiler.functions import class_name
from service.compiler.outputs import Average, Chain, TurnedBack
from service.errors import NotCompilable
from service.schema.column_types import takes_texts
from service.schema.entry import takes_dictionaries
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Ask, Fitted, Operation
    from service.schema.features import Feature

    # The features, if the rows are mixed: lists of values. None, if the rows are an array of numbers.
    Mixed = Sequence[Feature] | None

SEARCHES = frozenset({"GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"})
VOTES = frozenset({"VotingClassifier", "VotingRegressor"})
FAMILIES = (linear, forests, boosting, bayes, networks)


def candidates(estimator: Fitted, features: Sequence[Feature]) -> Iterator[Ask]:
    """Give the candidate programs for an estimator; at most one of them answers as the estimator does.

    A program takes an array of numbers or, if a feature is no number, lists of values. Raises `NotCompilable`
    with the reason if there is no candidate.
    """
    if takes_texts(estimator):
        raise NotCompilable("the compiler does not support models of text documents")
    if takes_dictionaries(estimator):
        raise NotCompilable("the compiler does not support models of dictionaries")
    found = False
    for ask in _candidates(estimator, features if is_mixed(features) else None):
        found = True
        yield ask
    if not found:
        raise NotCompilable(f"the compiler does not support {type(_innermost(estimator)).__name__}")


def transformers_of(pipeline: Fitted) -> list[Fitted]:
    """Give the steps of a pipeline before its last step, without the steps that do nothing."""
    parts = [part for _, part in pipeline.steps[:-1]]
    return [part for part in parts if part is not None and part != "passthrough"]


def _innermost(estimator: Fitted) -> Fitted:
    """Give the estimator at the end of pipelines and searches."""
    name = class_name(estimator)
    if name == "Pipeline":
        return _innermost(estimator.steps[-1][1])
    return _innermost(estimator.best_estimator_) if name in SEARCHES else estimator


def _candidates(estimator: Fitted, mixed: Mixed) -> Iterator[Ask]:
    name = class_name(estimator)
    if name == "Pipeline":
        yield from _pipeline(estimator, mixed)
    elif name in SEARCHES:
        yield from _candidates(estimator.best_estimator_, mixed)
    elif mixed is not None:
        yield from _boosting_with_encoder(estimator, mixed)
    elif name == "TransformedTargetRegressor":
        back = inverse_of(estimator.transformer_)
        yield from (TurnedBack(ask, back) for ask in _candidates(estimator.regressor_, None))
    elif name in VOTES:
        yield _average(estimator, is_classifier=name == "VotingClassifier")
    else:
        for family in FAMILIES:
            yield from family.candidates(estimator)


def _pipeline(pipeline: Fitted, mixed: Mixed) -> Iterator[Ask]:
    operations: list[Operation] = []
    for part in transformers_of(pipeline):
        operations += _operations(part, mixed)
        mixed = None
    for ask in _candidates(pipeline.steps[-1][1], mixed):
        yield Chain(operations, ask) if operations else ask


def _operations(transformer: Fitted, mixed: Mixed) -> list[Operation]:
    if class_name(transformer) == "ColumnTransformer":
        return [branches_of(transformer) if mixed is None else table_of(transformer, mixed)]
    if mixed is not None:
        raise NotCompilable("it takes columns of several types without a ColumnTransformer")
    return operations_of(transformer)


def _boosting_with_encoder(estimator: Fitted, mixed: Sequence[Feature]) -> Iterator[Ask]:
    """Give the candidates for histogram gradient boosting, which holds a column transformer of its own.

    One branch of it encodes categories. The other, "numerical", only checks numbers.
    """
    preprocessor = getattr(estimator, "_preprocessor", None)
    if preprocessor is None:
        raise NotCompilable("it takes columns of several types without a ColumnTransformer")
    table = table_of(preprocessor, mixed, passing=["numerical"])
    yield from (Chain([table], ask) for ask in boosting.candidates(estimator))


def _average(estimator: Fitted, *, is_classifier: bool) -> Ask:
    if is_classifier and estimator.voting != "soft":
        raise NotCompilable("the compiler supports VotingClassifier only with voting='soft'")
    # The first candidate of each part. If one of them is wrong, the trial of the whole program shows it.
    asks = [next(_candidates(part, None), None) for part in estimator.estimators_]
    known = [ask for ask in asks if ask is not None]
    if len(known) < len(asks):
        raise NotCompilable("the compiler does not support one of its estimators")
    weights = estimator._weights_not_none  # noqa: SLF001 (has no public name)
    return Average(known, None if weights is None else np.asarray(weights, np.float64), is_classifier)
