"""What hostile models are made of: sound models, texts and calls, all with names that are allowed."""

from __future__ import annotations

import copy
import copyreg
import io
import pickle
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

import joblib
import numpy as np
import skops.io
from sklearn.ensemble import StackingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

# scikit-learn has no types, and the parts are put where they do not belong.
Model: TypeAlias = Any

NUMBERS = np.random.default_rng(0).random((12, 2))
LABELS = np.array(["no", "yes"])[(NUMBERS.sum(1) > 1).astype(int)]
AMOUNTS = NUMBERS @ [1.0, 2.0]
ROWS = [[0.5, 0.25]]

# What happens when the model is loaded and asked without any gate.
WRITES = "writes"
READS = "reads"
HANGS = "hangs"
FILLS_MEMORY = "fills memory"
NOTHING = "nothing"

FORMATS = ("pickle", "joblib", "skops")


@dataclass(frozen=True)
class Misplaced:
    """A model of known parts, some of which sit where no model has such a part.

    `effect` is what happens when `method` of the model is asked for `rows`, and `place` is the attribute
    that is wrong. `formats` lists how the model is saved, where its format can hold it; `data` is
    the pickle, where Python's own pickler would write another one.
    """

    kind: str
    name: str
    model: Model
    effect: str = WRITES
    place: str = ""
    rows: object = field(default_factory=lambda: ROWS)
    method: str = "predict"
    formats: tuple[str, ...] = FORMATS
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@lru_cache
def _classifier() -> Model:
    return LogisticRegression().fit(NUMBERS, LABELS)


@lru_cache
def _regressor() -> Model:
    return LinearRegression().fit(NUMBERS, AMOUNTS)


def classifier() -> Model:
    return copy.deepcopy(_classifier())


def regressor() -> Model:
    return copy.deepcopy(_regressor())


def with_attributes(model: Model, **attributes: object) -> Model:
    """Give the model with attributes set as a pickle sets them: without the class being asked."""
    model.__dict__.update(attributes)
    return model


def says(value: object) -> Model:
    """A transformer that gives this value, whatever it is given: the sum of nothing, begun with the value."""
    arguments = {"dtype": np.dtype(object), "initial": value, "where": False}
    return with_attributes(FunctionTransformer(np.sum, kw_args=arguments), n_features_in_=2)


def after(value: object, last: Model) -> Model:
    """A pipeline whose last part is given this value, whatever the client sends."""
    return Pipeline([("says", says(value)), ("last", last)])


def calls(part: object, method: str) -> Model:
    """A stack that calls this method of the part with its input."""
    stack = StackingRegressor([("part", regressor())])
    return with_attributes(
        stack,
        estimators_=[part],
        stack_method_=[method],
        named_estimators_={"part": part},
        final_estimator_=regressor(),
        n_features_in_=2,
    )


def frozen(part: object) -> Model:
    """Anything in the clothes of an estimator: all its methods are those of the part."""
    return FrozenEstimator(part)


def writer(canary: str) -> Model:
    """A call that writes the canary, whatever else it is given; its name is that of an array's class."""
    return partial(np.memmap, canary, "u1", "w+", 0, 1)


def writer_of_pairs(canary: str) -> Model:
    """The same for what is called with two values: they are read after the file is open."""
    return partial(np.memmap, canary, "u1", "w+", 0)


def saved(case: Misplaced) -> dict[str, bytes]:
    """Give the file of the model in each of its formats."""
    if case.data:
        return {"pickle": case.data}
    found = {}
    for form in case.formats:
        # What skops cannot save, it cannot load either.
        with suppress(Exception):
            found[form] = _WRITERS[form](case.model)
    assert "pickle" in found, case
    return found


class _Pickler(pickle.Pickler):
    """Writes every attribute, also those that a model would leave out of its file."""

    def reducer_override(self, value: object) -> Any:
        if type(value) is IsotonicRegression:
            return copyreg.__newobj__, (IsotonicRegression,), vars(value)  # type: ignore[attr-defined]
        return NotImplemented


def with_state(model: Model, part: Model, state: object) -> bytes:
    """Pickle the model with another state for one of its parts."""

    class Pickler(pickle.Pickler):
        def reducer_override(self, value: object) -> Any:
            if value is part:
                return copyreg.__newobj__, (type(part),), state  # type: ignore[attr-defined]
            return NotImplemented

    file = io.BytesIO()
    Pickler(file).dump(model)
    return file.getvalue()


def _pickled(model: Model) -> bytes:
    file = io.BytesIO()
    _Pickler(file).dump(model)
    return file.getvalue()


def _of_joblib(model: Model) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


_WRITERS = {"pickle": _pickled, "joblib": _of_joblib, "skops": skops.io.dumps}
