"""Links, decisions and activations by name, and the types that all modules of the compiler share.

The names are written into compiled models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from typing import Any, Optional, TypeAlias

    from service.native.library import Array
    from service.schema.features import Rows

    # A fitted estimator or transformer of scikit-learn, which has no types for its attributes.
    Fitted: TypeAlias = Any
    # A program: gives the outcome for rows, or None if only the estimator can answer them.
    Ask: TypeAlias = Callable[[Rows], Optional["Outcome"]]
    # Turns rows into rows, or into scores. It takes an array; `Table` alone takes lists of values.
    Operation: TypeAlias = Callable[[Any], Array]

# The exponential of a larger number is infinite.
LARGEST_EXPONENT = 709.0


class Outcome(NamedTuple):
    """The answers to rows, in arrays.

    `values` has, by row, the number that a regressor predicts, or the position of the class that a classifier
    predicts. `probabilities` has the shape (rows, classes).
    """

    values: Array
    probabilities: Array | None = None


def class_name(part: Fitted) -> str:
    """Give the name of a class of scikit-learn, and "" for any other class, which may compute otherwise."""
    kind = type(part)
    return kind.__name__ if kind.__module__.partition(".")[0] == "sklearn" else ""


def logistic(scores: Array) -> Array:
    """Turn scores into probabilities, by the expression of `scipy.special.expit`: SciPy may be missing.

    A score below -709 would overflow. Its probability is 0 to 300 digits.
    """
    probabilities: Array = 1.0 / (1.0 + np.exp(np.minimum(-scores, LARGEST_EXPONENT)))
    return probabilities


def softmax(scores: Array) -> Array:
    """Turn the scores of each row into probabilities in place, as `sklearn.utils.extmath.softmax` does."""
    scores -= scores.max(axis=1)[:, np.newaxis]
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1)[:, np.newaxis]
    return scores


def _two_columns(positive: Array) -> Array:
    """Give the probabilities of both classes, from the probabilities of the second class."""
    both = np.empty((len(positive), 2))
    both[:, 1] = positive
    np.subtract(1.0, positive, out=both[:, 0])
    return both


def _normalized_logistic(scores: Array) -> Array:
    """Give one-vs-rest probabilities: a sigmoid for each class, divided by their sum."""
    probabilities = logistic(scores)
    total = probabilities.sum(axis=1)
    empty = total == 0
    if empty.any():
        probabilities[empty, :] = 1
        total[empty] = probabilities.shape[1]
    probabilities /= total[:, np.newaxis]
    return probabilities


def _normalized_logarithms(scores: Array) -> Array:
    """Turn the logarithms of likelihoods into probabilities, in the steps of scikit-learn.

    With large scores, the last digits would differ in any other order of steps.
    """
    largest = scores.max(axis=1)[:, np.newaxis]
    probabilities: Array = np.exp(
        scores - (largest + np.log(np.exp(scores - largest).sum(axis=1))[:, np.newaxis])
    )
    return probabilities


# From scores to the probabilities of classes. Scores of one column are flat. A link never changes an array of
# several columns, because a decision may read it afterwards.
LINKS: dict[str, Callable[[Array], Array | None]] = {
    "none": lambda _: None,
    "shares": lambda scores: scores,
    "logistic": lambda score: _two_columns(logistic(score)),
    "logistic of twice": lambda score: _two_columns(logistic(2.0 * score)),
    "softmax": lambda scores: softmax(scores.copy()),
    "softmax of both": lambda score: softmax(np.stack([-score, score], axis=1)),
    "softmax of halves": lambda score: softmax(np.stack([-score, score], axis=1) / 2),
    "softmax of shares": lambda scores: softmax(scores / (scores.shape[1] - 1)),
    "normalized logistic": _normalized_logistic,
    "normalized logarithms": _normalized_logarithms,
}
# From scores and probabilities to the positions of classes. The first three ignore the probabilities, which
# may be None. The last two read them, and stand only with a link that gives probabilities.
DECISIONS: dict[str, Callable[[Array, Any], Array]] = {
    "positive": lambda score, _: (score > 0).astype(np.intp),
    "not negative": lambda score, _: (score >= 0).astype(np.intp),
    "largest": lambda scores, _: scores.argmax(axis=1),
    "more probable": lambda _, probabilities: (probabilities[:, 1] > 0.5).astype(np.intp),  # noqa: PLR2004
    "most probable": lambda _, probabilities: probabilities.argmax(axis=1),
}
# The hidden layers of a neural network; the layer may be changed in place.
ACTIVATIONS: dict[str, Operation] = {
    "identity": lambda layer: layer,
    "logistic": logistic,
    "relu": lambda layer: np.maximum(layer, 0, out=layer),
    "tanh": lambda layer: np.tanh(layer, out=layer),
}
