"""What all share: the shape of an answer, and the functions at the end of many models, by their names."""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

import numpy as np

# NumPy has no types for Python 3.9 that say more, and a model's attributes have none.
Array = Any
Fitted = Any
LARGEST_EXPONENT = 709.0


class Outcome(NamedTuple):
    """`values` by row: for a classifier the position of its class, else the number itself."""

    values: Array
    probabilities: Array | None = None


# Gives the outcome for rows, or None for those that only the model itself can judge.
Ask = Callable[[Array], Optional[Outcome]]
# Turns rows into rows, or into scores.
Step = Callable[[Array], Array]


def class_name(part: Fitted) -> str:
    """Give the name of a class of scikit-learn; "" for any other, whose arithmetic may be its own."""
    kind = type(part)
    return kind.__name__ if kind.__module__.partition(".")[0] == "sklearn" else ""


def logistic(scores: Array) -> Array:
    """Take scores to probabilities: SciPy's expression, where SciPy may be missing.

    Beyond the limit, the power would be too large, and the probability is 0 to 300 digits.
    """
    return 1.0 / (1.0 + np.exp(np.minimum(-scores, LARGEST_EXPONENT)))


def softmax(scores: Array) -> Array:
    """Give probabilities by row, as `sklearn.utils.extmath.softmax` does; `scores` are changed."""
    scores -= scores.max(axis=1)[:, np.newaxis]
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1)[:, np.newaxis]
    return scores


def _two_columns(positive: Array) -> Array:
    """Give the probabilities of both classes, from those of the second."""
    both = np.empty((len(positive), 2))
    both[:, 1] = positive
    np.subtract(1.0, positive, out=both[:, 0])
    return both


def _normalized_logistic(scores: Array) -> Array:
    """Give one against the rest: a sigmoid for each class, and their shares."""
    probabilities = logistic(scores)
    total = probabilities.sum(axis=1)
    empty = total == 0
    if empty.any():
        probabilities[empty, :] = 1
        total[empty] = probabilities.shape[1]
    probabilities /= total[:, np.newaxis]
    return probabilities


def _normalized_logarithms(scores: Array) -> Array:
    """Give the shares of likelihoods, by way of the logarithm of their sum as scikit-learn goes.

    With large numbers, the last digits would differ any other way.
    """
    largest = scores.max(axis=1)[:, np.newaxis]
    return np.exp(scores - (largest + np.log(np.exp(scores - largest).sum(axis=1))[:, np.newaxis]))


# From scores to probabilities by class. Scores of one column are flat, those of several are never changed.
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
# From scores and probabilities to the positions of classes.
DECISIONS: dict[str, Callable[[Array, Any], Array]] = {
    "positive": lambda score, _: (score > 0).astype(np.intp),
    "not negative": lambda score, _: (score >= 0).astype(np.intp),
    "largest": lambda scores, _: scores.argmax(axis=1),
    "more probable": lambda _, probabilities: (probabilities[:, 1] > 0.5).astype(np.intp),  # noqa: PLR2004
    "most probable": lambda _, probabilities: probabilities.argmax(axis=1),
}
ACTIVATIONS: dict[str, Step] = {
    "identity": lambda layer: layer,
    "logistic": logistic,
    "relu": lambda layer: np.maximum(layer, 0, out=layer),
    "tanh": lambda layer: np.tanh(layer, out=layer),
}
