"""Transformers of numbers: scalers, imputers, selectors and projections."""

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
    from service.compiler.functions import Fitted, Operation

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


def operations_of(transformer: Fitted) -> list[Operation]:
    """Give the operations of a fitted transformer; raise `NotCompilable` if it is not supported."""
    if transformer is None or isinstance(transformer, str):
        return []
    name = class_name(transformer)
    if name in SELECTORS:
        return [Take(transformer.get_support(indices=True))]
    convert = CONVERTERS.get(name)
    if convert is None:
        raise NotCompilable(f"the compiler does not support {type(transformer).__name__}")
    return convert(transformer)


def inverse_of(transformer: Fitted) -> list[Operation]:
    """Give the operations of `inverse_transform`; raise `NotCompilable` if it is not supported."""
    name = class_name(transformer)
    if name == "FunctionTransformer":
        return _function(transformer.inverse_func)
    if name == "StandardScaler":
        ones, zeros = np.ones(1), np.zeros(1)
        scale = transformer.scale_ if transformer.with_std else ones
        return [Stretch(scale, transformer.mean_ if transformer.with_mean else zeros)]
    raise NotCompilable(f"the compiler does not support the inverse of {type(transformer).__name__}")


def _standard(scaler: Fitted) -> list[Operation]:
    mean = scaler.mean_ if scaler.with_mean else None
    return [Shift(mean, scaler.scale_ if scaler.with_std else None)]


def _robust(scaler: Fitted) -> list[Operation]:
    center = scaler.center_ if scaler.with_centering else None
    return [Shift(center, scaler.scale_ if scaler.with_scaling else None)]


def _min_max(scaler: Fitted) -> list[Operation]:
    stretch = Stretch(scaler.scale_, scaler.min_)
    return [stretch, Clip(*map(float, scaler.feature_range))] if scaler.clip else [stretch]


def _max_abs(scaler: Fitted) -> list[Operation]:
    shift = Shift(None, scaler.scale_)
    return [shift, Clip(-1.0, 1.0)] if getattr(scaler, "clip", False) else [shift]


def _imputer(imputer: Fitted) -> list[Operation]:
    statistics = np.asarray(imputer.statistics_)
    gap = imputer.missing_values
    is_plain = getattr(imputer, "indicator_", None) is None and statistics.dtype.kind == "f"
    if not is_plain or not isinstance(gap, float) or not np.isnan(gap):
        raise NotCompilable(
            "the compiler supports SimpleImputer only for numbers, with NaN as missing value and no indicator"
        )
    # The imputer drops a column that was empty in training, unless it was made with keep_empty_features=True.
    kept = np.flatnonzero(~np.isnan(statistics))
    return [*([] if len(kept) == len(statistics) else [Take(kept)]), Fill(statistics[kept])]


def _projection(transformer: Fitted) -> list[Operation]:
    if getattr(transformer, "whiten", False):
        raise NotCompilable("the compiler does not support PCA with whiten=True")
    mean = getattr(transformer, "mean_", None)
    components = transformer.components_.T
    return [Product(components, 0.0 if mean is None else -(mean[np.newaxis, :] @ components))]


def _function(function: object, arguments: object = None) -> list[Operation]:
    if function is None:
        return []
    name = getattr(function, "__name__", "")
    if isinstance(function, np.ufunc) and name in FUNCTIONS and not arguments:
        return [Function(name)]
    raise NotCompilable("it calls a function that the compiler does not support")


def _polynomial(transformer: Fitted) -> list[Operation]:
    return [Powers([np.repeat(np.arange(len(row)), row) for row in transformer.powers_])]


CONVERTERS: dict[str, Callable[[Fitted], list[Operation]]] = {
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
