"""The value of a parameter is given as it is, or described in a few words."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import FunctionTransformer, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection


def test_parameters_of_all_sorts(inspect_bytes: Callable[..., Inspection]) -> None:
    values = {
        "a": np.float64(2.5),
        "b": [1, "x", None],
        "c": (StandardScaler(), np.log),
        "d": {"k": 1},
        "e": np.log,
        "f": np.ones(3),
        "g": "long " * 100,
        "h": StandardScaler(),
        "i": float("inf"),
        "j": {1},
        "k": list(range(20)),
        "l": b"bytes",
    }
    model = FunctionTransformer()
    vars(model).update(values)

    estimator = inspect_bytes(pickle.dumps(model)).estimator

    assert estimator is not None
    shown = {parameter.name: parameter.value for parameter in estimator.parameters}
    assert shown["a"] == 2.5
    assert shown["b"] == "[1, 'x', None]"
    assert shown["c"] == "(StandardScaler(), numpy.log)"
    assert shown["d"] == "a dictionary ('k')"
    assert shown["e"] == "numpy.log"
    assert shown["f"] == "an array of shape (3,)"
    assert shown["g"] == "long " * 23 + "long…"
    assert shown["h"] == "StandardScaler()"
    assert shown["i"] == "inf"
    assert shown["j"] == "{1}"
    assert shown["k"] == "[0, 1, 2, 3, 4, 5, 6, 7, …]"
    assert shown["l"] == "bytes"
