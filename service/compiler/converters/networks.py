"""Multi-layer perceptrons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.compiler.functions import class_name
from service.compiler.operations import Layers
from service.compiler.outputs import Classifier, Regressor
from service.errors import NotCompilable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted


def candidates(estimator: Fitted) -> Iterator[Ask]:
    """Give the candidate program for an estimator of this family."""
    name = class_name(estimator)
    if name not in ("MLPClassifier", "MLPRegressor"):
        return
    layers = Layers(list(estimator.coefs_), list(estimator.intercepts_), estimator.activation)
    if name == "MLPRegressor":
        yield Regressor(layers)
    elif estimator.out_activation_ == "softmax":
        yield Classifier(layers, "most probable", "softmax")
    elif estimator.n_outputs_ == 1:
        yield Classifier(layers, "more probable", "logistic", is_flat=True)
    else:
        raise NotCompilable("it has several outputs with classes")
