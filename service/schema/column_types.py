"""Which values each column of a fitted model takes, as far as its parts have learned it.

A table goes through the parts of a model: through the steps of a pipeline, the branches of a column
transformer, the models of an ensemble. Each part that sees a column as it came tells something of it: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. And a missing value
goes on until something fills it in, takes it, or refuses it.

Nothing of the model is called but `__sklearn_tags__`, which tells what a class can do.
`infer_cli/inspection/facts/column_types.py` does the same with a file that was not loaded.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, cast

import numpy as np

from service.schema.boosters import catboost_texts, is_catboost, lightgbm_categories
from service.schema.features import Feature, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    # A part and the columns that go in, and those that come out.
    Handler = Callable[[Any, "list[Column]"], "list[Column]"]

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
# They take missing values also if there were none in training, so that nobody meant them to.
TREES = re.compile(r"(DecisionTree|ExtraTrees?|RandomForest)(Classifier|Regressor)|IsolationForest")
# They are made for missing values, or look at no value at all, though not all versions say so.
BOOSTERS = re.compile(
    r"(HistGradientBoosting|XGB|XGBRF|LGBM|CatBoost|Dummy)(Classifier|Regressor|Ranker)|_ConstantPredictor"
)
# They check what they pass on to the models inside them.
STRICT = re.compile(r"AdaBoost\w+|ClassifierChain|RegressorChain")
# Attributes with the fitted models that a model asks, all about the same columns.
MODELS = ("best_estimator_", "regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
LISTS_OF_MODELS = ("calibrated_classifiers_", "estimators_")
# Functions and classes with such a word in their name work on dates.
DATE = re.compile(r"(?:^|[^a-z])(?:date|datetime)(?:s|times?)?(?=$|[^a-z])")
# The numbers that the dates from 1979 to 2100 are when counted in these units.
UNITS = {"ns": (3e17, 4.1e18), "us": (3e14, 4.1e15)}
# How deep parts lie within others.
MOST_DEPTH = 20
MOST_COLUMNS = 100_000

DTYPES = {
    "number": "number",
    "integer": "number",
    "floating": "number",
    "int": "number",
    "float": "number",
    "object": "text",
    "str": "text",
    "string": "text",
    "category": "category",
    "bool": "boolean",
    "boolean": "boolean",
    "datetime": "date",
    "datetimetz": "date",
}


@dataclass(frozen=True)
class Column:
    """A column on its way: the feature that it still is, unchanged, and those whose gaps it may show."""

    origin: int | None
    gaps: frozenset[int]


@dataclass
class Learned:
    """What the parts tell of one feature."""

    kinds: set[str] = field(default_factory=set)
    categories: list[tuple[list[Value], bool, str]] = field(default_factory=list)
    is_pandas_category: bool = False
    unit: str = ""
    has_none: bool = False
    number_dtype: str = "float64"
    is_used: bool = False
    refuses_gaps: bool = False
    takes_gaps_by_chance: bool = False


class Reading:
    """What was read of a model: its features, by position, and how it picks columns."""

    def __init__(self, count: int) -> None:
        self.learned = [Learned() for _ in range(count)]
        self.column_transformers: list[Any] = []
        self.makes_frames = False
        self._depth = 0
        self._handlers: dict[str, Handler] = {
            "ColumnTransformer": self._branches,
            "FeatureUnion": self._union,
            "SimpleImputer": self._simple_imputer,
            "KNNImputer": self._imputer,
            "IterativeImputer": self._imputer,
            "MissingIndicator": lambda _, __: [],
            "FunctionTransformer": self._function,
            "OnnxModel": self._onnx,
            **dict.fromkeys(ENCODERS, self._encoder),
            **dict.fromkeys(SCALERS, self._scaler),
            **dict.fromkeys(VECTORIZERS, self._vectorizer),
        }

    def features(self, names: Sequence[str]) -> tuple[Feature, ...]:
        """Give the features with these names."""
        return tuple(_feature(name, learned) for name, learned in zip(names, self.learned))

    def read(self, model: object) -> None:
        """Follow the columns through the model."""
        self._enter(model, [Column(at, frozenset([at])) for at in range(len(self.learned))], is_model=True)

    def _enter(self, part: Any, table: list[Column], *, is_model: bool = False) -> list[Column]:  # noqa: ANN401
        """Follow the columns through a part; give those that come out."""
        if part is None or isinstance(part, str):
            return [] if part == "drop" else table
        if self._depth >= MOST_DEPTH:
            return table
        config = getattr(part, "_sklearn_output_config", None)
        self.makes_frames |= isinstance(config, dict) and config.get("transform") in ("pandas", "polars")
        self._depth += 1
        try:
            return self._handler(part, is_model=is_model)(part, table)
        finally:
            self._depth -= 1

    def _handler(self, part: Any, *, is_model: bool) -> Handler:  # noqa: ANN401
        name = type(part).__name__
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if name in ENCODERS and not hasattr(part, "categories_"):
            # That of another package.
            return self._other
        if hasattr(part, "fit_resample"):
            # Resampling is done in training alone.
            return lambda _, table: table
        return self._handlers.get(name, self._model if is_model else self._transformer)

    # Parts of parts.

    def _steps(self, pipeline: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        steps = [step for _, step in pipeline.steps]
        for step in steps[:-1]:
            table = self._enter(step, table)
        return self._enter(steps[-1], table, is_model=True)

    def _transforming_steps(self, pipeline: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        for _, step in pipeline.steps:
            table = self._enter(step, table)
        return table

    def _union(self, union: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        return [column for _, part in union.transformer_list for column in self._enter(part, table)]

    def _branches(self, transformer: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        self.column_transformers.append(transformer)
        count = getattr(transformer, "n_features_in_", len(table))
        if len(table) != count:
            table = [_merged(table)] * min(count, MOST_COLUMNS)
        selectors = {name: columns for name, _, columns in getattr(transformer, "transformers", ())}
        result: list[Column] = []
        for name, part, _ in transformer.transformers_:
            chosen = [table[at] for at in positions_of(transformer, name) if at < len(table)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = _width(transformer, name)
            if width is not None and width != len(made):
                made = [_merged(made)] * min(width, MOST_COLUMNS)
            result += made
        return result

    def _selected(self, selector: object, table: list[Column]) -> None:
        """Learn from a branch that chose its columns by their dtype."""
        kinds = {_kind_of_dtype(dtype) for dtype in _listed(getattr(selector, "dtype_include", None))}
        if len(kinds) == 1:
            for learned in self._raw(table):
                learned.is_pandas_category |= kinds == {"category"}
                learned.kinds |= kinds - {None, "category"}  # type: ignore[arg-type]  # None is taken out

    def _inner_models(self, part: Any) -> Iterable[tuple[Any, Sequence[int] | None]]:  # noqa: ANN401
        """Give the models that one asks, each with the positions of its columns if it has its own."""
        if TREES.fullmatch(type(part).__name__):
            return
        for attribute in LISTS_OF_MODELS:
            inner = getattr(part, attribute, None)
            if isinstance(inner, list) and inner:
                columns = getattr(part, "estimators_features_", None) or [None] * len(inner)
                yield from zip(inner, columns)
                return
        for attribute in MODELS:
            inner = getattr(part, attribute, None)
            if hasattr(inner, "fit") or hasattr(inner, "predict_proba"):
                yield inner, None
                return

    # What sees the columns.

    def _vectorizer(self, _: object, table: list[Column]) -> list[Column]:
        for learned in self._raw(table):
            learned.kinds.add("text")
        self._refuse_gaps(table)
        return []

    def _simple_imputer(self, imputer: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        gap = imputer.missing_values
        if not _is_gap(gap):
            self._refuse_gaps(table)
        statistics = np.asarray(imputer.statistics_)
        kept = []
        for column, statistic in zip(table, statistics.tolist()):
            kind = _kind_of([statistic]) or ("number" if statistics.dtype.kind in "iuf" else None)
            if column.origin is not None:
                learned = self.learned[column.origin]
                learned.is_used = True
                learned.has_none |= gap is None
                learned.kinds |= {kind} if kind else set()
            # A column without a single value in training is left out.
            is_empty = isinstance(statistic, float) and math.isnan(statistic)
            if not is_empty or getattr(imputer, "keep_empty_features", False):
                kept.append(Column(column.origin, frozenset()))
        return kept

    def _imputer(self, _: object, table: list[Column]) -> list[Column]:
        self._take_numbers(table)
        return [Column(None, frozenset()) for _ in table]

    def _encoder(self, encoder: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        is_open = getattr(encoder, "handle_unknown", "") != "error"
        result = []
        for column, array in zip(table, encoder.categories_):
            values = plain_values(array)
            known = [value for value in values if not _is_gap(value)]
            has_gap = len(known) < len(values)
            if not has_gap and not is_open:
                self._refuse_gaps([column])
            for learned in self._raw([column]):
                learned.categories.append(
                    (known, is_open, array.dtype.str if array.dtype.kind != "O" else "O")
                )
                learned.has_none |= None in values
            code = getattr(encoder, "encoded_missing_value" if has_gap else "unknown_value", None)
            is_gap = isinstance(code, float) and math.isnan(code)
            result.append(Column(None, column.gaps if is_gap else frozenset()))
        return result

    def _scaler(self, scaler: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        centers = getattr(scaler, SCALERS[type(scaler).__name__], None)
        if centers is not None:
            for column, center in zip(table, np.asarray(centers).tolist()):
                self._center(column, center)
        self._take_numbers(table)
        if not _takes_gaps(scaler):
            self._refuse_gaps(table)
        return [Column(None, column.gaps) for column in table]

    def _center(self, column: Column, center: float) -> None:
        """Learn that the numbers of a column are dates: they lie where nothing else does."""
        unit = next((unit for unit, (low, high) in UNITS.items() if low < center < high), "")
        if unit and column.origin is not None:
            learned = self.learned[column.origin]
            learned.unit = unit
            learned.kinds.add("date")

    def _function(self, transformer: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        function = transformer.func
        if function is None:
            return table
        names = [str(getattr(value, "__name__", "")) for value in _functions(transformer)]
        if any(DATE.search(name.lower()) for name in names):
            self._learn(table, "date")
            return [_merged(table)]
        if isinstance(function, np.ufunc) or getattr(function, "__module__", "").startswith("numpy"):
            self._take_numbers(table)
            return [Column(None, column.gaps) for column in table]
        self._learn(table, "any")
        return []

    def _transformer(self, part: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        if type(part).__module__.startswith("sklearn."):
            return self._model(part, table)
        return self._other(part, table)

    def _other(self, part: object, table: list[Column]) -> list[Column]:
        """Know nothing of a class from elsewhere but its name."""
        self._learn(table, "date" if DATE.search(_words(type(part).__name__)) else "any")
        return []

    def _model(self, model: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        inner = list(self._inner_models(model))
        preprocessor = getattr(model, "_preprocessor", None)
        if inner:
            if STRICT.fullmatch(type(model).__name__):
                self._refuse_gaps(table)
            for part, columns in inner:
                self._enter(part, table if columns is None else [table[at] for at in columns], is_model=True)
        elif preprocessor is not None and hasattr(preprocessor, "transformers_"):
            self._gradient_boosting(preprocessor, table)
        elif is_catboost(model):
            self._catboost(model, table)
        else:
            categories = lightgbm_categories(model)
            self._pandas_categories(categories, table)
            self._take_numbers([column for at, column in enumerate(table) if at not in categories])
            if not _takes_gaps(model):
                self._refuse_gaps(table)
            elif TREES.fullmatch(type(model).__name__):
                for column in table:
                    for at in column.gaps:
                        self.learned[at].takes_gaps_by_chance = True
        return [_merged(table)]

    def _catboost(self, model: object, table: list[Column]) -> None:
        as_text = catboost_texts(model)
        for at, column in enumerate(table):
            self._learn([column], "text" if at in as_text else "number")
            if at in as_text:
                self._refuse_gaps([column])

    def _pandas_categories(self, categories: dict[int, list[Value]], table: list[Column]) -> None:
        """Learn categories that pandas knew; others are missing ones."""
        for at, values in categories.items():
            for learned in self._raw(table[at : at + 1]):
                learned.categories.append((values, True, "O"))
                learned.is_pandas_category = True

    def _gradient_boosting(self, preprocessor: Any, table: list[Column]) -> None:  # noqa: ANN401
        for name, part, _ in preprocessor.transformers_:
            chosen = [table[at] for at in positions_of(preprocessor, name) if at < len(table)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self._take_numbers(chosen)

    def _onnx(self, model: Any, table: list[Column]) -> list[Column]:  # noqa: ANN401
        for learned, kind in zip(self._raw(table), model.columns):
            learned.kinds.add(kind if kind in ("text", "boolean") else "number")
            # NumPy's floats are rounded to those that the model takes.
            learned.number_dtype = "float64" if "float" in kind else kind
        self._refuse_gaps(table)
        return []

    # What is learned.

    def _raw(self, table: list[Column]) -> list[Learned]:
        """Give what is learned of the columns that came as they are."""
        found = [self.learned[column.origin] for column in table if column.origin is not None]
        for learned in found:
            learned.is_used = True
        return found

    def _learn(self, table: list[Column], kind: str) -> None:
        for learned in self._raw(table):
            learned.kinds.add(kind)

    def _take_numbers(self, table: list[Column]) -> None:
        self._learn(table, "number")

    def _refuse_gaps(self, table: list[Column]) -> None:
        for column in table:
            for at in column.gaps:
                self.learned[at].refuses_gaps = True


def positions_of(transformer: Any, name: str) -> list[int]:  # noqa: ANN401
    """Give the positions of the columns that a branch of a column transformer takes."""
    known = getattr(transformer, "_transformer_to_input_indices", {})
    return [int(at) for at in known.get(name, ())]


def takes_texts(model: Any) -> bool:  # noqa: ANN401
    """Tell whether a model takes no table but a list of texts: its first step makes words of them."""
    steps = getattr(getattr(model, "best_estimator_", model), "steps", [])
    first = next((step for _, step in steps if step not in (None, "passthrough")), model)
    return type(first).__name__ in VECTORIZERS


def plain_values(array: Any) -> list[Value]:  # noqa: ANN401
    """Give the elements of an array as Python's own values; dates to the microsecond."""
    array = np.asarray(array)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[us]")
    return [value.item() if isinstance(value, np.generic) else value for value in array.tolist()]


def _feature(name: str, learned: Learned) -> Feature:
    nullable = not learned.refuses_gaps
    required = not nullable or learned.takes_gaps_by_chance
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True, dtype="unused")
    if learned.categories:
        return _category(name, learned, required=required, nullable=nullable)
    kind = _agreed(learned.kinds)
    if kind is None:
        kind = "text" if learned.is_pandas_category else "any"
    dtype = {
        "number": learned.number_dtype,
        "date": f"datetime64[{learned.unit}]" if learned.unit else "datetime64",
    }
    return Feature(
        name,
        kind,
        required=required,
        nullable=nullable,
        dtype=dtype.get(kind, kind),
        has_none=learned.has_none,
    )


def _category(name: str, learned: Learned, *, required: bool, nullable: bool) -> Feature:
    """Make a feature of what encoders know of it; where several do, of the values that all of them take."""
    closed = [values for values, is_open, _ in learned.categories if not is_open]
    first, _, dtype = learned.categories[0]
    shared = (closed or [first])[0]
    for others in map(set, closed[1:]):
        shared = [value for value in shared if value in others]
    kind = _kind_of(shared) or "text"
    dtypes = {"number": dtype, "boolean": "boolean", "date": dtype if dtype[1:2] == "M" else "datetime64"}
    text_dtype = "category" if learned.is_pandas_category else "text"
    return Feature(
        name,
        kind if kind in ("boolean", "date") else "category",
        required=required,
        nullable=nullable,
        categories=tuple(shared),
        is_open=not closed,
        dtype=dtypes.get(kind, text_dtype),
        has_none=learned.has_none,
    )


def _agreed(kinds: set[str]) -> str | None:
    """Give the kind that the parts agree on: what a branch asked for tells more than what can take it."""
    for kind in ("date", "boolean"):
        if kind in kinds:
            return kind
    told = kinds - {"any"}
    return next(iter(told)) if len(told) == 1 else None


def _kind_of(values: Sequence[object]) -> str | None:
    """Tell what values are, if they are all of one kind and none is missing."""
    types: tuple[tuple[str, tuple[type, ...]], ...] = (
        ("boolean", (bool,)),
        ("number", (int, float)),
        ("text", (str,)),
        ("date", (datetime,)),
    )
    for kind, classes in types:
        if values and all(isinstance(value, classes) and not _is_gap(value) for value in values):
            return kind
    return None


def _kind_of_dtype(dtype: object) -> str | None:
    """Tell what a dtype that a selector names stands for."""
    text = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    return DTYPES.get(re.sub(r"\d+(\[.*)?$", "", text).lower().rstrip("_"))


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def _functions(transformer: Any) -> list[object]:  # noqa: ANN401
    """Give the function of a transformer, and those that it is given."""
    return [transformer.func, *(transformer.kw_args or {}).values()]


def _words(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()


def _merged(table: list[Column]) -> Column:
    return Column(None, frozenset().union(*(column.gaps for column in table)))


def _width(transformer: Any, name: str) -> int | None:  # noqa: ANN401
    found = getattr(transformer, "output_indices_", {}).get(name)
    return found.stop - found.start if isinstance(found, slice) else None


def _is_gap(value: object) -> bool:
    """Tell whether a value stands for a missing one: None, NaN or pandas' NA."""
    is_nan = isinstance(value, float) and math.isnan(value)
    return value is None or is_nan or type(value).__name__ == "NAType"


def _takes_gaps(part: Any) -> bool:  # noqa: ANN401
    """Tell whether a part takes missing values: as scikit-learn says it from 1.6 on, or as it did before."""
    if BOOSTERS.fullmatch(type(part).__name__):
        return True
    with suppress(AttributeError):
        return cast("bool", part.__sklearn_tags__().input_tags.allow_nan)
    with suppress(AttributeError):
        return bool(part._get_tags()["allow_nan"])  # noqa: SLF001
    return False
