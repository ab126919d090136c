"""What turns numbers into numbers before a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.lean.arithmetic import NotLean, class_name

if TYPE_CHECKING:
    from service.lean.arithmetic import Array, Fitted, Step

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


def step_of(transformer: Fitted) -> Step:
    """Give the function that a fitted transformer is; raise `NotLean` for one that is not known."""
    if transformer is None or transformer == "passthrough":
        return lambda rows: rows
    name = class_name(transformer)
    if name in SELECTORS:
        kept = transformer.get_support(indices=True)
        return lambda rows: rows.take(kept, axis=1)
    make = MAKERS.get(name)
    if make is None:
        raise NotLean(f"there is no shorter way through {type(transformer).__name__}")
    return make(transformer)


def _standard(scaler: Fitted) -> Step:
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None
    return _shifted(mean, scale)


def _robust(scaler: Fitted) -> Step:
    center = scaler.center_ if scaler.with_centering else None
    scale = scaler.scale_ if scaler.with_scaling else None
    return _shifted(center, scale)


def _shifted(center: Array | None, scale: Array | None) -> Step:
    if center is None:
        return (lambda rows: rows) if scale is None else (lambda rows: rows / scale)
    if scale is None:
        return lambda rows: rows - center

    def step(rows: Array) -> Array:
        shifted = rows - center
        shifted /= scale
        return shifted

    return step


def _min_max(scaler: Fitted) -> Step:
    scale, least = scaler.scale_, scaler.min_
    low, high = scaler.feature_range

    def step(rows: Array) -> Array:
        scaled = rows * scale
        scaled += least
        return np.clip(scaled, low, high, out=scaled) if scaler.clip else scaled

    return step


def _max_abs(scaler: Fitted) -> Step:
    if getattr(scaler, "clip", False):
        return lambda rows: np.clip(rows / scaler.scale_, -1.0, 1.0)
    return lambda rows: rows / scaler.scale_


def _imputer(imputer: Fitted) -> Step:
    statistics = imputer.statistics_
    plain = (
        getattr(imputer, "indicator_", None) is None
        and np.asarray(statistics).dtype.kind == "f"
        and isinstance(imputer.missing_values, float)
        and np.isnan(imputer.missing_values)
    )
    if not plain:
        raise NotLean("there is no shorter way through this SimpleImputer")
    # A column that was empty in training is dropped, unless it is kept on purpose.
    kept = np.flatnonzero(~np.isnan(statistics))
    fill = statistics[kept]
    is_whole = len(kept) == len(statistics)

    def step(rows: Array) -> Array:
        used = rows if is_whole else rows.take(kept, axis=1)
        return np.where(np.isnan(used), fill, used)

    return step


def _projection(transformer: Fitted) -> Step:
    mean = getattr(transformer, "mean_", None)
    components = transformer.components_.T
    if getattr(transformer, "whiten", False):
        raise NotLean("there is no shorter way through a whitening PCA")
    if mean is None:
        return lambda rows: rows @ components
    offset = mean[np.newaxis, :] @ components
    return lambda rows: rows @ components - offset


def _binarizer(transformer: Fitted) -> Step:
    threshold = transformer.threshold
    return lambda rows: (rows > threshold).astype(np.float64)


def _function(transformer: Fitted) -> Step:
    if transformer.func is None:
        return lambda rows: rows
    if isinstance(transformer.func, np.ufunc) and not transformer.kw_args:
        function: Step = transformer.func
        return function
    raise NotLean("it calls a function of its own")


def _polynomial(transformer: Fitted) -> Step:
    powers = transformer.powers_
    # The columns whose product each output is, in their order; multiplied as scikit-learn does, one by one.
    factors = [np.repeat(np.arange(len(row)), row) for row in powers]

    def step(rows: Array) -> Array:
        made = np.empty((len(rows), len(factors)))
        for position, columns in enumerate(factors):
            made[:, position] = rows[:, columns].prod(axis=1)
        return made

    return step


MAKERS: dict[str, Callable[[Fitted], Step]] = {
    "Binarizer": _binarizer,
    "FunctionTransformer": _function,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "PCA": _projection,
    "PolynomialFeatures": _polynomial,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
    "TruncatedSVD": _projection,
}
