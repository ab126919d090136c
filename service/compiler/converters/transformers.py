"""What turns numbers into numbers before a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import (
    FUNCTIONS,
    Clip,
    Fill,
    Function,
    Powers,
    Product,
    Shift,
    Stretch,
    Take,
    Threshold,
)
from service.errors import NotCompilable

if TYPE_CHECKING:
    from service.compiler.functions import Fitted, Step

SELECTORS = frozenset(
    {
        *(
            "GenericUnivariateSelect",
            "RFE",
            "RFECV",
            "SelectFdr",
            "SelectFpr",
            "SelectFromModel",
            "SelectFwe",
        ),
        *("SelectKBest", "SelectPercentile", "SequentialFeatureSelector", "VarianceThreshold"),
    }
)


def steps_of(transformer: Fitted) -> list[Step]:
    """Give the steps that a fitted transformer is; raise `NotCompilable` for one that is not known."""
    if transformer is None or isinstance(transformer, str):
        return []
    name = class_name(transformer)
    if name in SELECTORS:
        return [Take(transformer.get_support(indices=True))]
    make = MAKERS.get(name)
    if make is None:
        raise NotCompilable(f"there is no shorter way through {type(transformer).__name__}")
    return make(transformer)


def steps_back(transformer: Fitted) -> list[Step]:
    """Give the steps from what a transformer made to what it was."""
    name = class_name(transformer)
    if name == "FunctionTransformer":
        return _function(transformer.inverse_func)
    if name == "StandardScaler":
        ones, zeros = np.ones(1), np.zeros(1)
        scale = transformer.scale_ if transformer.with_std else ones
        return [Stretch(scale, transformer.mean_ if transformer.with_mean else zeros)]
    raise NotCompilable(f"there is no shorter way back through {type(transformer).__name__}")


def _standard(scaler: Fitted) -> list[Step]:
    mean = scaler.mean_ if scaler.with_mean else None
    return [Shift(mean, scaler.scale_ if scaler.with_std else None)]


def _robust(scaler: Fitted) -> list[Step]:
    center = scaler.center_ if scaler.with_centering else None
    return [Shift(center, scaler.scale_ if scaler.with_scaling else None)]


def _min_max(scaler: Fitted) -> list[Step]:
    stretch = Stretch(scaler.scale_, scaler.min_)
    return [stretch, Clip(*map(float, scaler.feature_range))] if scaler.clip else [stretch]


def _max_abs(scaler: Fitted) -> list[Step]:
    shift = Shift(None, scaler.scale_)
    return [shift, Clip(-1.0, 1.0)] if getattr(scaler, "clip", False) else [shift]


def _imputer(imputer: Fitted) -> list[Step]:
    statistics = np.asarray(imputer.statistics_)
    gap = imputer.missing_values
    is_plain = getattr(imputer, "indicator_", None) is None and statistics.dtype.kind == "f"
    if not is_plain or not isinstance(gap, float) or not np.isnan(gap):
        raise NotCompilable("there is no shorter way through this SimpleImputer")
    # A column that was empty in training is dropped, unless it is kept on purpose.
    kept = np.flatnonzero(~np.isnan(statistics))
    return [*([] if len(kept) == len(statistics) else [Take(kept)]), Fill(statistics[kept])]


def _projection(transformer: Fitted) -> list[Step]:
    if getattr(transformer, "whiten", False):
        raise NotCompilable("there is no shorter way through a whitening PCA")
    mean = getattr(transformer, "mean_", None)
    components = transformer.components_.T
    return [Product(components, 0.0 if mean is None else -(mean[np.newaxis, :] @ components))]


def _function(function: object, arguments: object = None) -> list[Step]:
    if function is None:
        return []
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc) and name in FUNCTIONS and not arguments:
        return [Function(name)]
    raise NotCompilable("it calls a function of its own")


def _polynomial(transformer: Fitted) -> list[Step]:
    return [Powers([np.repeat(np.arange(len(row)), row) for row in transformer.powers_])]


MAKERS: dict[str, Callable[[Fitted], list[Step]]] = {
    "Binarizer": lambda transformer: [Threshold(float(transformer.threshold))],
    "FunctionTransformer": lambda transformer: _function(transformer.func, transformer.kw_args),
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "PCA": _projection,
    "PolynomialFeatures": _polynomial,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
    "TruncatedSVD": _projection,
}
