"""Labels and probabilities of an estimator, with the work that both have in common done once.

For some estimators `predict` and `predict_proba` start with the same method, on the same rows, and go on
differently. While both are called, that method is replaced by one that gives its last answer again.
Some methods are also replaced by a quicker one: see `own_methods`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

import numpy as np

from service.models.own_methods import own_methods

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.schema.parts import Part

# Estimators for which this is quicker than two calls, and the attributes with the estimators that they ask.
SHARING = {
    "CategoricalNB": (),
    "FixedThresholdClassifier": ("estimator_", "estimator"),
    "GaussianProcessClassifier": ("base_estimator_",),
    "NearestCentroid": (),
    "OneVsRestClassifier": ("estimators_",),
    "QuadraticDiscriminantAnalysis": (),
    "RadiusNeighborsClassifier": (),
    "SelfTrainingClassifier": ("estimator_", "base_estimator_"),
    "TunedThresholdClassifierCV": ("estimator_",),
}
# What both methods may start with; `kernel_` is an object that is called.
SHARED = (
    *("predict_proba", "decision_function", "_decision_function", "_joint_log_likelihood", "_check_X"),
    "kernel_",
)


class _Kept:
    """Calls a method, and gives the same answer again while it is called with the same arguments."""

    def __init__(self, call: Part) -> None:
        self.call = call
        self._given: tuple[object, ...] | None = None
        self._answer: Any = None

    def __call__(self, *given: object, **keywords: object) -> object:
        if keywords:
            return self.call(*given, **keywords)
        if self._given is None or not _are_same(given, self._given):
            self._answer = self.call(*given)
            self._given = given
        return self._answer

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the kernel has)
        return getattr(self.call, name)

    def forget(self) -> None:
        """Let go of the rows and of the answer."""
        self._given = self._answer = None


class _Place(NamedTuple):
    """A method of a part, and what stands in for it.

    `had` says whether the part itself has the attribute, and not only its class.
    """

    attributes: dict[str, object]
    name: str
    method: object
    kept: _Kept
    had: bool


def share_work(model: Part, *, is_own: bool = True) -> Callable[[object], tuple[object, object]] | None:
    """Give what answers labels and probabilities of rows; None for an estimator that shares no work.

    With `is_own`, own methods stand in for those of scikit-learn.
    """
    if type(model).__name__ not in SHARING:
        return None
    places = [place for part in _parts(model) for place in _places(part, is_own=is_own)]
    inner = _asked_with_checked_rows(model)

    def joint(table: object) -> tuple[object, object]:
        for place in places:
            place.attributes[place.name] = place.kept
        try:
            if inner is not None:
                return _of_rows_checked_once(model, inner, table)
            return model.predict(table), model.predict_proba(table)
        finally:
            for place in places:
                if place.had:
                    place.attributes[place.name] = place.method
                else:
                    del place.attributes[place.name]
                place.kept.forget()

    return joint


def _asked_with_checked_rows(model: Part) -> Part | None:
    """Give the estimator that a Gaussian process asks, once it has checked the rows."""
    if type(model).__name__ != "GaussianProcessClassifier":
        return None
    inner: Part = model.base_estimator_
    return None if "predict" in vars(inner) else inner


def _of_rows_checked_once(model: Part, inner: Part, table: object) -> tuple[object, object]:
    """Ask the inner estimator for the probabilities of the rows that it was given for the labels."""
    given: list[object] = []

    def predict(rows: object) -> object:
        given.append(rows)
        return type(inner).predict(inner, rows)

    attributes: dict[str, object] = inner.__dict__
    attributes["predict"] = predict
    try:
        labels = model.predict(table)
    finally:
        del attributes["predict"]
    return labels, inner.predict_proba(given[0])


def _parts(model: Part) -> Iterator[Part]:
    """Give an estimator, and the estimators that it asks; each of these may ask others."""
    yield model
    for name in SHARING.get(type(model).__name__, ()):
        found = getattr(model, name, None)
        for part in found if isinstance(found, (list, tuple)) else [found]:
            if hasattr(part, "predict"):
                yield from _parts(part)


def _places(part: Part, *, is_own: bool) -> Iterator[_Place]:
    attributes: dict[str, object] = part.__dict__
    own = own_methods(part) if is_own else {}
    for name in dict.fromkeys((*SHARED, *own)):
        found = getattr(part, name, None)
        if callable(found):
            yield _Place(attributes, name, found, _Kept(own.get(name, found)), name in attributes)


def _are_same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(some) == len(others) and all(map(_is_same, some, others))


def _is_same(one: object, other: object) -> bool:
    if one is other:
        return True
    return (
        type(one) is np.ndarray
        and type(other) is np.ndarray
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.tobytes() == other.tobytes()
    )
