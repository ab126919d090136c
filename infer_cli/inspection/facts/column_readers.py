"""What the parts of a model that see columns tell of them: encoders, imputers, scalers and the like."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.facts.columns import Categories, Column, merged
from infer_cli.inspection.facts.parts import by_name, class_name
from infer_cli.inspection.facts.value_types import DTYPE_KINDS, is_nan, kind_of
from infer_cli.inspection.nodes.arrays import dtype_kind_of, scalar_of, values_of
from infer_cli.inspection.nodes.node_types import Global, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.facts.columns import LearnedFeatures
    from infer_cli.inspection.facts.model import FeatureKind

    Reader: TypeAlias = Callable[[LearnedFeatures, Instance, list[Column]], list[Column]]

VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
# Each puts out the columns that it takes, in their order; with the attribute that tells where they lie.
SCALERS = {
    "MaxAbsScaler": "",
    "MinMaxScaler": "data_min_",
    "PowerTransformer": "",
    "QuantileTransformer": "",
    "RobustScaler": "center_",
    "StandardScaler": "mean_",
}
ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
# Functions and classes with such a word in their name work on dates.
DATE = re.compile(r"(?:^|[^a-z])(?:date|datetime)(?:s|times?)?(?=$|[^a-z])")
# The numbers that the dates from 1979 to 2100 are, when counted in nanoseconds or microseconds.
DATES = ((3e17, 4.1e18), (3e14, 4.1e15))


def _vectorizer(learned: LearnedFeatures, _: Instance, table: list[Column]) -> list[Column]:
    learned.learn(table, "text")
    learned.refuse_gaps(table)
    return []


def _simple_imputer(learned: LearnedFeatures, imputer: Instance, table: list[Column]) -> list[Column]:
    state = imputer.state()
    gap = state.get("missing_values", math.nan)
    # Of pandas' own, nothing but the name is in the file.
    if not (gap is None or is_nan(gap) or isinstance(gap, Global | Instance)):
        learned.refuse_gaps(table)
    dtype_kind = dtype_kind_of(state.get("statistics_"))
    statistics = values_of(state.get("statistics_")) or (None,) * len(table)
    keeps_empty = bool(state.get("keep_empty_features", False))
    kept = []
    for column, statistic in zip(table, statistics, strict=False):
        kind = kind_of((statistic,)) or ("number" if dtype_kind in ("f", "i", "u") else None)
        for feature in learned.raw([column]):
            feature.kinds |= {kind} if kind else set()
        # A column without a single value in training is left out.
        if keeps_empty or not is_nan(statistic):
            kept.append(Column(column.origin, frozenset()))
    return kept


def _imputer(learned: LearnedFeatures, _: Instance, table: list[Column]) -> list[Column]:
    learned.learn(table, "number")
    return [Column(None, frozenset()) for _ in table]


def _encoder(learned: LearnedFeatures, encoder: Instance, table: list[Column]) -> list[Column]:
    state = encoder.state()
    is_open = state.get("handle_unknown", "") != "error"
    arrays = state.get("categories_")
    result = []
    for column, array in zip(table, arrays.items if isinstance(arrays, ListNode) else [], strict=False):
        values = values_of(array)
        known = None if values is None else tuple(v for v in values if v is not None and not is_nan(v))
        has_gap = values is not None and known is not None and len(known) < len(values)
        if not has_gap and not is_open:
            learned.refuse_gaps([column])
        # Dates are read as texts.
        of_dtype = DTYPE_KINDS.get(dtype_kind_of(array) or "")
        kind = of_dtype if of_dtype == "date" else kind_of(known or ()) or of_dtype
        for feature in learned.raw([column]):
            if kind is not None:
                feature.categories.append(Categories(kind, known, is_open))
        code = state.get("encoded_missing_value" if has_gap else "unknown_value")
        result.append(Column(None, column.gaps if is_nan(scalar_of(code)) else frozenset()))
    return result


def _scaler(learned: LearnedFeatures, scaler: Instance, table: list[Column]) -> list[Column]:
    centers = values_of(scaler.state().get(SCALERS[class_name(scaler)])) or ()
    for column, center in zip(table, centers, strict=False):
        if isinstance(center, float) and any(low < center < high for low, high in DATES):
            learned.learn([column], "date")
    learned.learn(table, "number")
    return [Column(None, column.gaps) for column in table]


def _function(learned: LearnedFeatures, transformer: Instance, table: list[Column]) -> list[Column]:
    state = transformer.state()
    function = state.get("func")
    if function is None:
        return table
    given = state.get("kw_args")
    functions = [function, *(by_name(given).values())]
    if any(DATE.search(value.name.lower()) for value in functions if isinstance(value, Global)):
        learned.learn(table, "date")
        return [merged(table)]
    if _is_numpy(function):
        learned.learn(table, "number")
        return [Column(None, column.gaps) for column in table]
    return _unknown(learned, table, "any")


def other(learned: LearnedFeatures, part: Instance, table: list[Column]) -> list[Column]:
    """Know nothing of a class from elsewhere but its name."""
    return _unknown(learned, table, "date" if DATE.search(_words(class_name(part))) else "any")


def _unknown(learned: LearnedFeatures, table: list[Column], kind: FeatureKind) -> list[Column]:
    learned.learn(table, kind)
    return []


def _is_numpy(function: Node) -> bool:
    """Say whether a function is numpy's own, also as older versions of numpy write them."""
    if isinstance(function, Instance) and function.arguments:
        return isinstance(function.callee, Global) and function.callee.name == "_ufunc_reconstruct"
    return isinstance(function, Global) and function.module.partition(".")[0] == "numpy"


def _words(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()


READERS: dict[str, Reader] = {
    "SimpleImputer": _simple_imputer,
    "KNNImputer": _imputer,
    "IterativeImputer": _imputer,
    "MissingIndicator": lambda _, __, ___: [],
    "FunctionTransformer": _function,
    **dict.fromkeys(ENCODERS, _encoder),
    **dict.fromkeys(SCALERS, _scaler),
    **dict.fromkeys(VECTORIZERS, _vectorizer),
}
