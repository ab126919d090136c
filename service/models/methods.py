"""Which method of an estimator answers rows, and which further methods give scores beside the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, cast

from service.errors import UnusableFile, with_article
from service.models.estimators import json_list
from service.models.refusals import SEARCHES, check_answers

if TYPE_CHECKING:
    from collections.abc import Collection

    from service.json_values import JsonValue
    from service.schema.parts import Part

    # A method of an estimator: the model's input for some rows in, something like an array out.
    Method = Callable[[object], object]

# The first of these that an estimator has answers rows.
METHODS = ("predict", "transform", "kneighbors", "score_samples", "mahalanobis")
# What a client may ask for by name, where the estimator has it.
FURTHER = (
    *("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples"),
    *("kneighbors", "mahalanobis", "apply"),
)
# What an estimator of these kinds also gives for each row, named as scikit-learn's methods are.
SCORES = ("decision_function", "score_samples")
KINDS_WITH_SCORES = ("clusterer", "outlier_detector")
# Where scikit-learn solves for all rows of a table together until the whole table is near enough, the answer
# to a row hangs on the other rows. An iterative imputer fills in a table of nothing but gaps in another way.
SOLVED_TOGETHER = ("IterativeImputer", "MiniBatchNMF", "NMF")
# They give a row alone another shape than a row among others.
TAKE_SEVERAL_ROWS = ("MiniBatchSparsePCA", "SparsePCA")
# A row of a sparse table with more columns than this is answered without its zeros.
DENSE_COLUMNS_MAX = 10_000
NO_METHOD_ADVICE = "Save the fitted model, with joblib.dump(model, 'model.joblib')"


class Answering(NamedTuple):
    """The method that answers rows, by its name."""

    name: str
    call: Method


def find_answering(estimator: Part) -> Answering:
    """Find the method that answers rows; raise `UnusableFile` for an estimator that cannot answer."""
    check_answers(estimator)
    for name in METHODS:
        call = getattr(estimator, name, None)
        if callable(call):
            return Answering(name, call)
    inner = _inner_answering(estimator)
    if inner is not None:
        return inner
    reason = (
        f"holds {with_article(type(estimator).__name__)}, which has none of the methods {', '.join(METHODS)}"
    )
    raise UnusableFile(reason, NO_METHOD_ADVICE)


def _inner_answering(estimator: Part) -> Answering | None:
    """Find the method of the last step or the best estimator that the estimator itself does not hand on."""
    name = type(estimator).__name__
    if SEARCHES.fullmatch(name):
        return find_answering(estimator.best_estimator_)
    if name != "Pipeline" or not estimator.steps:
        return None
    last = find_answering(estimator.steps[-1][1])
    transformers = [step for _, step in estimator.steps[:-1] if step not in (None, "passthrough")]
    if any(not hasattr(step, "transform") for step in transformers):
        return None

    def call(table: object) -> object:
        for step in transformers:
            table = step.transform(table)
        return last.call(table)

    return Answering(last.name, call)


def score_methods(estimator: Part, kind: str) -> dict[str, Method]:
    """Give the methods that score rows beside the answer, by name."""
    found = {name: getattr(estimator, name, None) for name in SCORES} if kind in KINDS_WITH_SCORES else {}
    return {name: call for name, call in found.items() if callable(call)}


def further_methods(estimator: Part, usual: Collection[str]) -> dict[str, Method]:
    """Give the methods that answer rows besides the usual ones, by name."""
    found = {name: getattr(estimator, name, None) for name in FURTHER if name not in usual}
    return {name: call for name, call in found.items() if callable(call)}


def output_names(estimator: Part) -> list[str] | None:
    """Name the numbers of a transformer's answer, in their order; None if it does not name them."""
    names = getattr(estimator, "get_feature_names_out", None)
    try:
        return None if names is None else [str(name) for name in names()]
    except Exception:  # noqa: BLE001 (a step without names raises one of several errors)
        return None


def listed(values: object) -> list[JsonValue]:
    """List what a method gives, one element a row, in JSON's types but for NaN.

    A row of a table is a list. A row of a sparse table with more than 10,000 columns is an object with the
    number of columns as `size`, and with the `indices` and `values` that are not zero.
    """
    if hasattr(values, "tocsr"):
        sparse = cast("Part", values).tocsr()
        if sparse.shape[1] > DENSE_COLUMNS_MAX:
            return [_sparse_row(sparse[at]) for at in range(sparse.shape[0])]
        values = sparse.toarray()
    return json_list(values)


def _sparse_row(row: Part) -> JsonValue:
    row.sort_indices()
    return {"size": row.shape[1], "indices": row.indices.tolist(), "values": row.data.tolist()}
