"""Models whose wrong parts lie where a gate might not look: see `made`."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.safety.misplaced.made import (
    AMOUNTS,
    NOTHING,
    NUMBERS,
    ROWS,
    Misplaced,
    frozen,
    regressor,
    with_attributes,
    with_state,
    writer,
)

if TYPE_CHECKING:
    from tests.safety.misplaced.made import Model

KIND = "disguised part"
TABLE = pd.DataFrame({"a": [1.0]})


def disguised(canary: str) -> list[Misplaced]:
    return [*_states(canary), *_in_data(), *_results()]


def _states(canary: str) -> list[Misplaced]:
    """Attributes that are given in another form than a dictionary."""
    hidden = with_attributes(regressor(), predict=writer(canary))
    process = GaussianProcessRegressor().fit(NUMBERS, AMOUNTS)
    kernel = process.kernel_.k1
    ordered = OrderedDict(vars(kernel), __call__2=1, diag=writer(canary))
    slots = (dict(vars(kernel)), {"diag": writer(canary)})
    pairs = list(vars(hidden).items())
    return [
        Misplaced(
            KIND,
            "state in an OrderedDict",
            hidden,
            place="dictionary",
            data=with_state(hidden, hidden, OrderedDict(vars(hidden))),
        ),
        Misplaced(
            KIND, "state in a list", hidden, NOTHING, "dictionary", data=with_state(hidden, hidden, pairs)
        ),
        Misplaced(
            KIND,
            "a kernel's state in an OrderedDict",
            process,
            NOTHING,
            "dictionary",
            data=with_state(process, kernel, ordered),
        ),
        Misplaced(
            KIND,
            "a kernel's state in slots",
            process,
            NOTHING,
            "diag",
            data=with_state(process, kernel, slots),
        ),
    ]


def _held(name: str, value: object, place: str = "held_") -> Misplaced:
    return Misplaced(KIND, name, with_attributes(regressor(), held_=value), NOTHING, place)


def _in_data() -> list[Misplaced]:
    """Tables in the data that users may add to a model."""
    objects = np.array([frozen(TABLE), "x"], dtype=object)
    structured = np.zeros(3, dtype=[("a", "O"), ("b", "f8")])
    structured[:] = [(1, 1.0), (1, 1.0), (frozen(TABLE), 1.0)]
    index = pd.Index(objects)
    sound = pd.Index(np.array([1, "x"], dtype=object))
    hidden = pd.Series([1.0])
    # pandas leaves what is no data of a column out of its state.
    state = {**hidden.__getstate__(), "map": np.log1p}
    object.__setattr__(hidden, "__getstate__", lambda: state)
    return [
        _held("a table in an array", objects),
        _held("a table in a structure", structured),
        _held("a table in an index", index),
        _held("a table in an index after another", [sound, index]),
        _held("a table among categories", pd.Categorical.from_codes([0, 1], categories=index)),
        _held("a table among levels", pd.MultiIndex(levels=[index[:1], [1, 2]], codes=[[0, 0], [0, 1]])),
        _held("a table among labels", pd.Series([1.0, 2.0], index=index)),
        _held("a method of a column", hidden),
        _held("a table for a key", {("a", frozen(TABLE)): 1}),
        _held("what finds methods", getattr),
        Misplaced(
            KIND,
            "a function of NumPy for numbers",
            with_attributes(regressor(), coef_=np.clip),
            NOTHING,
            "coef_",
        ),
        Misplaced(
            KIND,
            "a part of a dictionary with a factory",
            with_attributes(regressor(), coef_=defaultdict(int, a=frozen(TABLE))),
            NOTHING,
            "coef_",
        ),
        Misplaced(
            KIND,
            "what finds methods, to be called",
            _after(FunctionTransformer(partial(getattr, regressor()))),
            NOTHING,
            "func",
        ),
    ]


def _after(transformer: Model) -> Model:
    return Pipeline([("first", with_attributes(transformer, n_features_in_=2)), ("last", regressor())])


def _results() -> list[Misplaced]:
    """A place for results in the model: it keeps the rows of one client for the answer to the next."""
    place = np.zeros((1, 2))
    formatted = ColumnTransformer([("scale", StandardScaler(), [0, 1])]).fit(NUMBERS)
    formatted.verbose_feature_names_out = "{feature_name.__class__}"
    return [
        Misplaced(
            KIND,
            "results in an argument",
            _after(FunctionTransformer(np.log1p, kw_args={"out": place})),
            NOTHING,
            "kw_args",
            ROWS,
        ),
        Misplaced(
            KIND,
            "results in a partial object",
            _after(FunctionTransformer(partial(np.add, 1.0, out=place))),
            NOTHING,
            "func",
        ),
        Misplaced(KIND, "an attribute in a format", formatted, NOTHING, "verbose_feature_names_out"),
    ]
