"""What a part that receives columns tells of them: encoders, imputers, scalers, vectorizers and functions.

A reader takes a part with the columns that enter it, notes what the part tells of them, and gives the columns
that leave the part. `service/schema/column_readers.py` reads the same of a loaded model.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.facts.columns import Categories, Column, merged
from infer_cli.inspection.facts.dict_columns import DictColumn, dict_columns
from infer_cli.inspection.facts.parts import COLUMNS_MAX, by_name, class_name
from infer_cli.inspection.facts.value_types import DTYPE_KINDS, is_nan, type_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.arrays import dtype_kind_of, objects_of, scalar_of, values_of
from infer_cli.inspection.nodes.node_types import Global, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.facts.columns import LearnedFeatures
    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.nodes.arrays import Plain

    Reader: TypeAlias = Callable[[LearnedFeatures, Instance, list[Column]], list[Column]]

VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
# A scaler gives the columns that it takes, in their order.
SCALERS = frozenset(
    {
        *("MaxAbsScaler", "MinMaxScaler", "PowerTransformer", "QuantileTransformer", "RobustScaler"),
        "StandardScaler",
    }
)
# A file may claim any number of codes; a real column has some dozens.
CODES_MAX = 100_000
ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
# A function or class works on dates if "date", "datetime" or a plural of them is a word of its name.
DATE = re.compile(r"(?:^|[^a-z])(?:date|datetime)(?:s|times?)?(?=$|[^a-z])")

# Where the zone stands among the arguments that make a `Timestamp` of pandas.
ZONE_AT = 2
BEYOND_ROWS = "learned durations, or times with a zone, as categories, and no row of a request can hold those"
BEYOND_ROWS_ADVICE = (
    "Train the encoder with numbers (.dt.total_seconds()), or with times without a zone "
    "(.dt.tz_convert('UTC').dt.tz_localize(None))"
)


def _vectorizer(learned: LearnedFeatures, _: Instance, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "text")
    learned.refuse_gaps(columns)
    return []


def _dictionaries(learned: LearnedFeatures, vectorizer: Instance, columns: list[Column]) -> list[Column]:
    entries, known = dict_columns_of(vectorizer)
    gaps: list[frozenset[int]] = [frozenset()] * min(len(entries), COLUMNS_MAX)
    for column, one in zip(columns, known, strict=False):
        for feature in learned.raw([column]):
            if one.texts and one.has_numbers:
                feature.types.add("any")
            elif one.texts:
                feature.categories.append(Categories("text", tuple(one.texts), is_open=True))
            else:
                feature.types.add("number")
        if one.has_numbers:
            for at in one.positions:
                gaps[at] = column.gaps
    return [Column(None, some) for some in gaps]


def _hasher(learned: LearnedFeatures, _: Instance, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "any")
    learned.refuse_gaps(columns)
    return []


def dict_columns_of(vectorizer: Instance) -> tuple[tuple[str, ...], list[DictColumn]]:
    """Give the entries of a `DictVectorizer`, and the keys of which it made them."""
    state = vectorizer.state()
    separator = state.get("separator")
    entries = tuple(map(str, values_of(state.get("feature_names_")) or ()))[:COLUMNS_MAX]
    return entries, dict_columns(entries, separator if isinstance(separator, str) else "=")


def _simple_imputer(learned: LearnedFeatures, imputer: Instance, columns: list[Column]) -> list[Column]:
    state = imputer.state()
    gap = scalar_of(state.get("missing_values", math.nan))
    replaced = [] if _stands_for_gap(gap) or isinstance(gap, tuple) else [gap]
    if replaced:
        learned.refuse_gaps(columns)
    dtype_kind = dtype_kind_of(state.get("statistics_"))
    statistics = values_of(state.get("statistics_")) or (None,) * len(columns)
    keeps_empty = bool(state.get("keep_empty_features", False))
    kept = []
    for column, statistic in zip(columns, statistics, strict=False):
        column_type = type_of((statistic,)) or ("number" if dtype_kind in ("f", "i", "u") else None)
        for feature in learned.raw([column]):
            feature.types |= {column_type} if column_type else set()
            # No later part sees this value: an encoder need not know it.
            feature.replaced += replaced
        # scikit-learn drops a column that had no value at all in training.
        if keeps_empty or not is_nan(statistic):
            kept.append(Column(column.origin, frozenset()))
    return kept


def _imputer(learned: LearnedFeatures, _: Instance, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "number")
    return [Column(None, frozenset()) for _ in columns]


def _missing_indicator(learned: LearnedFeatures, indicator: Instance, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "any")
    state = indicator.state()
    if not _stands_for_gap(scalar_of(state.get("missing_values", math.nan))):
        learned.refuse_gaps(columns)
    elif state.get("features") == "missing-only" and state.get("error_on_new"):
        # A gap is an error in a column that had none in training.
        had_gaps = set(values_of(state.get("features_")) or ())
        learned.refuse_gaps([column for at, column in enumerate(columns) if at not in had_gaps])
    return []


def _stands_for_gap(value: Plain | tuple[()]) -> bool:
    """Say whether a value stands for a missing one: pandas.NA in a file has no plain value."""
    return value is None or value == () or is_nan(value)


def _encoder(learned: LearnedFeatures, encoder: Instance, columns: list[Column]) -> list[Column]:
    state = encoder.state()
    is_open = state.get("handle_unknown", "") != "error"
    arrays = state.get("categories_")
    result = []
    for column, array in zip(columns, arrays.items if isinstance(arrays, ListNode) else [], strict=False):
        if dtype_kind_of(array) == "m" or any(map(_is_beyond_rows, objects_of(array))):
            raise Refused(BEYOND_ROWS, hint=f"{BEYOND_ROWS_ADVICE}.")
        values = values_of(array)
        known = None if values is None else tuple(v for v in values if v is not None and not is_nan(v))
        has_gap = values is not None and known is not None and len(known) < len(values)
        if not has_gap and not is_open:
            learned.refuse_gaps([column])
        # `values_of` gives dates as strings, so only the dtype tells that they are dates.
        of_dtype = DTYPE_KINDS.get(dtype_kind_of(array) or "")
        column_type = of_dtype if of_dtype == "date" else type_of(known or ()) or of_dtype
        for feature in learned.raw([column]):
            if column_type is not None:
                feature.categories.append(Categories(column_type, known, is_open))
        code = state.get("encoded_missing_value" if has_gap else "unknown_value")
        result.append(Column(None, column.gaps if is_nan(scalar_of(code)) else frozenset()))
    return result


def _is_beyond_rows(value: Node) -> bool:
    """Tell whether a category is one that no value of a row equals: a duration, or a time with a zone."""
    if not isinstance(value, Instance) or value.made_by is None:
        return False
    if value.made_by.name == "_unpickle_timestamp":
        # The arguments are the count, the former frequency, the zone and the unit.
        return len(value.arguments) > ZONE_AT and value.arguments[ZONE_AT] is not None
    return value.made_by.name in ("_timedelta_unpickle", "timedelta")


def _category_bayes(learned: LearnedFeatures, model: Instance, columns: list[Column]) -> list[Column]:
    """Read how many codes, from 0 on, each column has: any other number is an error of the model."""
    counts = values_of(model.state().get("n_categories_")) or ()
    for column, count in zip(columns, counts, strict=False):
        if isinstance(count, int) and count <= CODES_MAX:
            for feature in learned.raw([column]):
                feature.categories.append(Categories("number", tuple(range(count)), is_open=False))
    learned.refuse_gaps(columns)
    return []


def _scaler(learned: LearnedFeatures, _: Instance, columns: list[Column]) -> list[Column]:
    learned.learn(columns, "number")
    return [Column(None, column.gaps) for column in columns]


def _function(learned: LearnedFeatures, transformer: Instance, columns: list[Column]) -> list[Column]:
    state = transformer.state()
    function = state.get("func")
    if function is None:
        return columns
    # A general function may get the one that does the work as an argument.
    functions = [function, *by_name(state.get("kw_args")).values()]
    if any(DATE.search(value.name.lower()) for value in functions if isinstance(value, Global)):
        learned.learn(columns, "date")
        return [merged(columns)]
    if _is_numpy(function):
        learned.learn(columns, "number")
        return [Column(None, column.gaps) for column in columns]
    return _unknown(learned, columns, "any")


def other(learned: LearnedFeatures, part: Instance, columns: list[Column]) -> list[Column]:
    """Read a part of a class that no reader knows: only the class name can tell, of dates alone."""
    return _unknown(learned, columns, "date" if DATE.search(_words(class_name(part))) else "any")


def _unknown(learned: LearnedFeatures, columns: list[Column], column_type: ColumnType) -> list[Column]:
    learned.learn(columns, column_type)
    return []


def _is_numpy(function: Node) -> bool:
    """Say whether a function is one of NumPy's, or a ufunc as older versions of NumPy pickle it."""
    if isinstance(function, Instance) and function.arguments:
        return isinstance(function.callee, Global) and function.callee.name == "_ufunc_reconstruct"
    return isinstance(function, Global) and function.module.partition(".")[0] == "numpy"


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
    **dict.fromkeys(ENCODERS, _encoder),
    **dict.fromkeys(SCALERS, _scaler),
    **dict.fromkeys(VECTORIZERS, _vectorizer),
}
