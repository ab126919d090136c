"""What the parts of a model that see columns tell of them: encoders, imputers, scalers and the like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.schema.columns import Categories, Column, LearnedFeatures, merged
from service.schema.parts import Part, takes_gaps
from service.schema.value_types import is_gap, is_nan, kind_of, plain_values

if TYPE_CHECKING:
    # What is learned, a part, and the columns that go in; gives those that come out.
    Reader = Callable[[LearnedFeatures, Part, "list[Column]"], "list[Column]"]

VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
# Each puts out the columns that it takes, in their order.
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
# The numbers that the dates from 1979 to 2100 are when counted in these units.
UNITS = {"ns": (3e17, 4.1e18), "us": (3e14, 4.1e15)}


def _vectorizer(learned: LearnedFeatures, _: Part, table: list[Column]) -> list[Column]:
    learned.learn(table, "text")
    learned.refuse_gaps(table)
    return []


def _simple_imputer(learned: LearnedFeatures, imputer: Part, table: list[Column]) -> list[Column]:
    gap = imputer.missing_values
    if not is_gap(gap):
        learned.refuse_gaps(table)
    statistics = np.asarray(imputer.statistics_)
    kept = []
    for column, statistic in zip(table, statistics.tolist()):
        kind = kind_of([statistic]) or ("number" if statistics.dtype.kind in "iuf" else None)
        for feature in learned.raw([column]):
            feature.has_none |= gap is None
            feature.kinds |= {kind} if kind else set()
        # A column without a single value in training is left out.
        if not is_nan(statistic) or getattr(imputer, "keep_empty_features", False):
            kept.append(Column(column.origin, frozenset()))
    return kept


def _imputer(learned: LearnedFeatures, _: Part, table: list[Column]) -> list[Column]:
    learned.learn(table, "number")
    return [Column(None, frozenset()) for _ in table]


def _encoder(learned: LearnedFeatures, encoder: Part, table: list[Column]) -> list[Column]:
    is_open = getattr(encoder, "handle_unknown", "") != "error"
    result = []
    for column, array in zip(table, encoder.categories_):
        values = plain_values(array)
        known = [value for value in values if not is_gap(value)]
        has_gap = len(known) < len(values)
        if not has_gap and not is_open:
            learned.refuse_gaps([column])
        for feature in learned.raw([column]):
            dtype = array.dtype.str if array.dtype.kind != "O" else "O"
            feature.categories.append(Categories(known, is_open, dtype))
            feature.has_none |= None in values
        code = getattr(encoder, "encoded_missing_value" if has_gap else "unknown_value", None)
        result.append(Column(None, column.gaps if is_nan(code) else frozenset()))
    return result


def _scaler(learned: LearnedFeatures, scaler: Part, table: list[Column]) -> list[Column]:
    centers = getattr(scaler, SCALERS[type(scaler).__name__], None)
    if centers is not None:
        for column, center in zip(table, np.asarray(centers).tolist()):
            _center(learned, column, center)
    learned.learn(table, "number")
    if not takes_gaps(scaler):
        learned.refuse_gaps(table)
    return [Column(None, column.gaps) for column in table]


def _center(learned: LearnedFeatures, column: Column, center: float) -> None:
    """Learn that the numbers of a column are dates: they lie where nothing else does."""
    unit = next((unit for unit, (low, high) in UNITS.items() if low < center < high), "")
    if unit:
        for feature in learned.raw([column]):
            feature.unit = unit
            feature.kinds.add("date")


def _function(learned: LearnedFeatures, transformer: Part, table: list[Column]) -> list[Column]:
    function = transformer.func
    if function is None:
        return table
    functions = [function, *(transformer.kw_args or {}).values()]
    names = [str(getattr(value, "__name__", "")) for value in functions]
    if any(DATE.search(name.lower()) for name in names):
        learned.learn(table, "date")
        return [merged(table)]
    if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith("numpy"):
        learned.learn(table, "number")
        return [Column(None, column.gaps) for column in table]
    learned.learn(table, "any")
    return []


def _onnx(learned: LearnedFeatures, model: Part, table: list[Column]) -> list[Column]:
    for feature, kind in zip(learned.raw(table), model.columns):
        feature.kinds.add(kind if kind in ("text", "boolean") else "number")
        # NumPy's floats are rounded to those that the model takes.
        feature.number_dtype = "float64" if "float" in kind else kind
    learned.refuse_gaps(table)
    return []


def other(learned: LearnedFeatures, part: Part, table: list[Column]) -> list[Column]:
    """Know nothing of a class from elsewhere but its name."""
    learned.learn(table, "date" if DATE.search(_words(type(part).__name__)) else "any")
    return []


def _words(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()


READERS: dict[str, Reader] = {
    "SimpleImputer": _simple_imputer,
    "KNNImputer": _imputer,
    "IterativeImputer": _imputer,
    "MissingIndicator": lambda _, __, ___: [],
    "FunctionTransformer": _function,
    "OnnxModel": _onnx,
    **dict.fromkeys(ENCODERS, _encoder),
    **dict.fromkeys(SCALERS, _scaler),
    **dict.fromkeys(VECTORIZERS, _vectorizer),
}
