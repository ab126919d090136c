"""Multi-layer perceptrons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.lean.arithmetic import NotLean, Outcome, class_name, logistic, softmax, two_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.lean.arithmetic import Array, Ask, Fitted, Step

ACTIVATIONS: dict[str, Step] = {
    "identity": lambda layer: layer,
    "logistic": logistic,
    "relu": lambda layer: np.maximum(layer, 0, out=layer),
    "tanh": lambda layer: np.tanh(layer, out=layer),
}


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give the function that the model is."""
    name = class_name(model)
    if name == "MLPClassifier":
        yield from _classifiers(model)
    elif name == "MLPRegressor":

        def number(rows: Array) -> Outcome:
            values = _last_layer(model, rows)
            return Outcome(values.ravel() if values.shape[1] == 1 else values)

        yield number


def _classifiers(model: Fitted) -> Iterator[Ask]:
    if model.out_activation_ == "softmax":

        def several(rows: Array) -> Outcome:
            probabilities = softmax(_last_layer(model, rows))
            return Outcome(probabilities.argmax(axis=1), probabilities)

        yield several
    elif model.n_outputs_ == 1:

        def binary(rows: Array) -> Outcome:
            positive = logistic(_last_layer(model, rows).ravel())
            return Outcome((positive > 0.5).astype(np.intp), two_columns(positive))  # noqa: PLR2004 (as likely as not)

        yield binary
    else:
        raise NotLean("it has several outputs with classes")


def _last_layer(model: Fitted, rows: Array) -> Array:
    activation = ACTIVATIONS[model.activation]
    layer = rows
    last = len(model.coefs_) - 1
    for index, (weights, intercepts) in enumerate(zip(model.coefs_, model.intercepts_)):
        layer = layer @ weights
        layer += intercepts
        if index < last:
            layer = activation(layer)
    return layer
