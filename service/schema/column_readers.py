"""What a part that receives columns tells of them: encoders, imputers, scalers, vectorizers and functions.

A reader takes a part with the columns that enter it, notes what the part tells of them, and gives the columns
that leave the part. `infer_cli/inspection/facts/column_readers.py` reads the same of a file that is not
loaded.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.errors import UnusableFile
from service.schema.columns import Categories, Column, LearnedFeatures, merged
from service.schema.dict_columns import dict_columns
from service.schema.parts import Part, takes_gaps
from service.schema.value_types import is_gap, is_nan, plain_values, type_of

if TYPE_CHECKING:
    Reader = Callable[[LearnedFeatures, Part, "list[Column]"], "list[Column]"]

VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
# A scaler gives the columns that it takes, in their order. Some have an attribute with each column's center.
SCALERS = {
    "MaxAbsScaler": "",
    "MinMaxScaler": "data_min_",
    "PowerTransformer": "",
    "QuantileTransformer": "",
    "RobustScaler": "center_",
    "StandardScaler": "mean_",
}
ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
# A function or class works on dates if "date", "datetime" or a plural of them is a word of its name.
DATE = re.compile(r"(?:^|[^a-z])(?:date|datetime)(?:s|times?)?(?=$|[^a-z])")
# The range of the dates from 1979 to 2100 as numbers, by the unit in which they are counted. Scalers take a
# column of dates as such numbers; but identifiers and amounts may lie there, too.
UNITS = {"ns": (3e17, 4.1e18), "us": (3e14, 4.1e15)}

BEYOND_ROWS = "learned durations, or times with a zone, as categories, and no row of a request can hold those"
BEYOND_ROWS_ADVICE = (
    "Train the encoder with numbers (.dt.total_seconds()), or with times without a zone "
    "(.dt.tz_convert('UTC').dt.tz_localize(None))"
)


def _vectorizer(learned: LearnedFeatures, _: Part, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "text")
    learned.refuse_gaps(columns)
    return []


def _dictionaries(learned: LearnedFeatures, vectorizer: Part, columns: list[Column]) -> list[Column]:
    entries = vectorizer.feature_names_
    gaps: list[frozenset[int]] = [frozenset()] * len(entries)
    for column, known in zip(columns, dict_columns(entries, vectorizer.separator)):
        for feature in learned.raw([column]):
            if known.texts and known.has_numbers:
                feature.types.add("any")
            elif known.texts:
                feature.categories.append(Categories(list(known.texts), is_open=True, dtype="O"))
            else:
                feature.types.add("number")
        if known.has_numbers:
            for at in known.positions:
                gaps[at] = column.gaps
    return [Column(None, some) for some in gaps]


def _hasher(learned: LearnedFeatures, _: Part, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "any")
    learned.refuse_gaps(columns)
    return []


def _simple_imputer(learned: LearnedFeatures, imputer: Part, columns: list[Column]) -> list[Column]:
    gap = imputer.missing_values
    if not is_gap(gap):
        learned.refuse_gaps(columns)
    statistics = np.asarray(imputer.statistics_)
    kept = []
    for column, statistic in zip(columns, statistics.tolist()):
        column_type = type_of([statistic]) or ("number" if statistics.dtype.kind in "iuf" else None)
        for feature in learned.raw([column]):
            feature.has_none |= gap is None
            feature.types |= {column_type} if column_type else set()
            # No later part sees this value: an encoder need not know it.
            feature.replaced += [] if is_gap(gap) else plain_values([gap])
        # scikit-learn drops a column that had no value at all in training.
        if not is_nan(statistic) or getattr(imputer, "keep_empty_features", False):
            kept.append(Column(column.origin, frozenset()))
    return kept


def _imputer(learned: LearnedFeatures, _: Part, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "number")
    return [Column(None, frozenset()) for _ in columns]


def _missing_indicator(learned: LearnedFeatures, indicator: Part, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "any")
    if not is_gap(indicator.missing_values):
        learned.refuse_gaps(columns)
    elif indicator.features == "missing-only" and indicator.error_on_new:
        # A gap is an error in a column that had none in training.
        had_gaps = set(np.asarray(indicator.features_).tolist())
        learned.refuse_gaps([column for at, column in enumerate(columns) if at not in had_gaps])
    return []


def _encoder(learned: LearnedFeatures, encoder: Part, columns: list[Column]) -> list[Column]:
    is_open = getattr(encoder, "handle_unknown", "") != "error"
    result = []
    for column, array in zip(columns, encoder.categories_):
        values = plain_values(array)
        known = [value for value in values if not is_gap(value)]
        if any(map(_is_beyond_rows, known)):
            raise UnusableFile(BEYOND_ROWS, BEYOND_ROWS_ADVICE)
        has_gap = len(known) < len(values)
        if not has_gap and not is_open:
            learned.refuse_gaps([column])
        for feature in learned.raw([column]):
            dtype = array.dtype.str if array.dtype.kind != "O" else "O"
            feature.categories.append(Categories(known, is_open, dtype, is_encoder=True))
            feature.has_none |= None in values
        code = getattr(encoder, "encoded_missing_value" if has_gap else "unknown_value", None)
        result.append(Column(None, column.gaps if is_nan(code) else frozenset()))
    return result


def _is_beyond_rows(value: object) -> bool:
    """Tell whether a category is one that no value of a row equals: a duration, or a time with a zone."""
    return isinstance(value, timedelta) or getattr(value, "tzinfo", None) is not None


def _category_bayes(learned: LearnedFeatures, model: Part, columns: list[Column]) -> list[Column]:
    """Read how many codes, from 0 on, each column has: any other number is an error of the model."""
    for column, count in zip(columns, np.asarray(model.n_categories_).tolist()):
        for feature in learned.raw([column]):
            feature.categories.append(Categories(list(range(count)), is_open=False, dtype="int64"))
    learned.refuse_gaps(columns)
    return []


def _scaler(learned: LearnedFeatures, scaler: Part, columns: list[Column]) -> list[Column]:
    centers = getattr(scaler, SCALERS[type(scaler).__name__], None)
    if centers is not None:
        for column, center in zip(columns, np.asarray(centers).tolist()):
            _center(learned, column, center)
    learned.learn(columns, "number")
    if not takes_gaps(scaler):
        learned.refuse_gaps(columns)
    return [Column(None, column.gaps) for column in columns]


def _center(learned: LearnedFeatures, column: Column, center: float) -> None:
    """Note the unit of dates for a column whose center lies where dates as numbers lie."""
    unit = next((unit for unit, (low, high) in UNITS.items() if low < center < high), "")
    if unit:
        for feature in learned.raw([column]):
            feature.unit = unit


def _function(learned: LearnedFeatures, transformer: Part, columns: list[Column]) -> list[Column]:
    function = transformer.func
    if function is None:
        return columns
    # A general function may get the function that does the work as an argument.
    functions = [function, *(transformer.kw_args or {}).values()]
    names = [str(getattr(value, "__name__", "")) for value in functions]
    if any(DATE.search(name.lower()) for name in names):
        learned.learn(columns, "date")
        return [merged(columns)]
    if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith("numpy"):
        learned.learn(columns, "number")
        return [Column(None, column.gaps) for column in columns]
    learned.learn(columns, "any")
    return []


def _onnx(learned: LearnedFeatures, model: Part, columns: list[Column]) -> list[Column]:
    for feature, element in zip(learned.raw(columns), model.columns):
        feature.types.add(element if element in ("text", "boolean") else "number")
        # The service rounds numbers of 64 bits to the floats that the model takes.
        feature.number_dtype = "float64" if "float" in element else element
    learned.refuse_gaps(columns)
    return []


def _booster(learned: LearnedFeatures, model: Part, columns: list[Column]) -> list[Column]:
    """Read a booster that was loaded from a file of its own library, which told of each column."""
    for feature, column in zip(learned.raw(columns), model.columns):
        feature.must_declare = column.must_declare
        if column.categories is None:
            feature.types.add(column.type)
        else:
            feature.categories.append(Categories(list(column.categories), is_open=column.is_open, dtype="O"))
    return []


def other(learned: LearnedFeatures, part: Part, columns: list[Column]) -> list[Column]:
    """Read a part of a class that no reader knows: only the class name can tell, of dates alone."""
    learned.learn(columns, "date" if DATE.search(_words(type(part).__name__)) else "any")
    return []


def _words(class_name: str) -> str:
    """Separate the words of a class name: "DateParts" is "date_parts"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()


READERS: dict[str, Reader] = {
    "CategoricalNB": _category_bayes,
    "DictVectorizer": _dictionaries,
    "FeatureHasher": _hasher,
    "SimpleImputer": _simple_imputer,
    "KNNImputer": _imputer,
    "IterativeImputer": _imputer,
    "MissingIndicator": _missing_indicator,
    "FunctionTransformer": _function,
    "OnnxModel": _onnx,
    **dict.fromkeys(("XGBoostModel", "LightGBMModel"), _booster),
    **dict.fromkeys(ENCODERS, _encoder),
    **dict.fromkeys(SCALERS, _scaler),
    **dict.fromkeys(VECTORIZERS, _vectorizer),
}
