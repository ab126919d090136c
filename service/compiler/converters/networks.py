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


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give what the model is."""
    name = class_name(model)
    if name not in ("MLPClassifier", "MLPRegressor"):
        return
    layers = Layers(list(model.coefs_), list(model.intercepts_), model.activation)
    if name == "MLPRegressor":
        yield Regressor(layers)
    elif model.out_activation_ == "softmax":
        yield Classifier(layers, "most probable", "softmax")
    elif model.n_outputs_ == 1:
        yield Classifier(layers, "more probable", "logistic", is_flat=True)
    else:
        raise NotCompilable("it has several outputs with classes")
