"""What the families share: the shape of an answer, and the functions at the end of many models."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import numpy as np

# NumPy is not imported for types on Python 3.9, and a model's attributes have none.
Array = Any
Fitted = Any


class Outcome(NamedTuple):
    """`values` by row: for a classifier the position of its class, else the number itself."""

    values: Array
    probabilities: Array | None = None


# Gives the outcome for rows, or None for those that only the model itself can judge.
Ask = Callable[[Array], Optional[Outcome]]
# Turns rows into rows.
Step = Callable[[Array], Array]


class NotLean(Exception):
    """A model, or a part of one, that is left to scikit-learn; one line says why."""


def softmax(scores: Array) -> Array:
    """Give probabilities by row, as `sklearn.utils.extmath.softmax` does; `scores` may be changed."""
    scores -= scores.max(axis=1)[:, np.newaxis]
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1)[:, np.newaxis]
    return scores


try:
    # The very function that the models use, where it is; its last bit may differ from the formula's.
    from scipy.special import expit
except ImportError:  # pragma: no cover (images of compiled models have no SciPy)
    expit = None


def _formula(scores: Array) -> Array:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-scores))


# Takes scores to probabilities.
logistic: Callable[[Array], Array] = expit or _formula


def two_columns(positive: Array) -> Array:
    """Give the probabilities of both classes, from those of the second."""
    both = np.empty((len(positive), 2))
    both[:, 1] = positive
    np.subtract(1.0, positive, out=both[:, 0])
    return both


def class_name(part: Fitted) -> str:
    """Give the name of a class of scikit-learn; "" for any other, whose arithmetic may be its own."""
    kind = type(part)
    return kind.__name__ if kind.__module__.partition(".")[0] == "sklearn" else ""
