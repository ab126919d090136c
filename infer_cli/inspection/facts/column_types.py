"""Which values each column of a model takes, as far as the file tells what its parts have learned.

A table goes through the parts of a model: through the steps of a pipeline, the branches of a column
transformer, the models of an ensemble. Each part that sees a column as it came tells something of it: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. And a missing value
goes on until something fills it in, takes it, or refuses it.

`service/schema/column_types.py` does the same with a model that was loaded, and is what counts when it is
served.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.boosters import lightgbm_categories
from infer_cli.inspection.facts.estimator_kinds import is_sklearn_like
from infer_cli.inspection.facts.model import Feature
from infer_cli.inspection.nodes.arrays import dtype_kind_of, scalar_of, values_of
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, ListNode, Node, SetNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infer_cli.inspection.facts.model import FeatureKind
    from infer_cli.inspection.nodes.arrays import Plain

_VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})
# Each puts out the columns that it takes, in their order; with the attribute that tells where they lie.
_SCALERS = {
    "MaxAbsScaler": "",
    "MinMaxScaler": "data_min_",
    "PowerTransformer": "",
    "QuantileTransformer": "",
    "RobustScaler": "center_",
    "StandardScaler": "mean_",
}
_ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
# They take missing values also if there were none in training, from these versions of scikit-learn on.
_TREES = {
    "DecisionTreeClassifier": (1, 3),
    "DecisionTreeRegressor": (1, 3),
    "RandomForestClassifier": (1, 4),
    "RandomForestRegressor": (1, 4),
    "ExtraTreeClassifier": (1, 6),
    "ExtraTreeRegressor": (1, 6),
    "ExtraTreesClassifier": (1, 6),
    "ExtraTreesRegressor": (1, 6),
    "IsolationForest": (1, 6),
}
_TAKE_GAPS = re.compile(
    r"(HistGradientBoosting|XGB|XGBRF|LGBM|CatBoost|Dummy)(Classifier|Regressor|Ranker)"
    r"|VarianceThreshold|_ConstantPredictor"
)
# They check what they pass on to the models inside them.
_STRICT = re.compile(r"AdaBoost\w+|ClassifierChain|RegressorChain")
# Attributes with the fitted models that a model asks, all about the same columns.
_MODELS = ("best_estimator_", "regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
_LISTS_OF_MODELS = ("calibrated_classifiers_", "estimators_")
# Functions and classes with such a word in their name work on dates.
_DATE = re.compile(r"(?:^|[^a-z])(?:date|datetime)(?:s|times?)?(?=$|[^a-z])")
# The numbers that the dates from 1979 to 2100 are, when counted in nanoseconds or microseconds.
_DATES = ((3e17, 4.1e18), (3e14, 4.1e15))
DEPTH_MAX = 20
COLUMNS_MAX = 100_000

_DTYPES: dict[str, FeatureKind] = {
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
_DTYPE_KINDS: dict[str, FeatureKind] = {
    "b": "boolean",
    "i": "number",
    "u": "number",
    "f": "number",
    "M": "date",
    "U": "text",
    "S": "text",
}


def features_of(
    model: Instance, names: Sequence[str], sklearn_version: str | None
) -> tuple[tuple[Feature, ...], str | None]:
    """Give the features of these names, and why they must come in a DataFrame if they have names."""
    reading = _Reading(len(names), sklearn_version)
    reading.read(model)
    features = tuple(_feature(name, known) for name, known in zip(names, reading.learned, strict=True))
    for feature, learned in zip(features, reading.learned, strict=True):
        if learned.is_used and feature.kind != "number":
            kind = "of unknown kind" if feature.kind == "any" else f"a {feature.kind}"
            return features, f"takes named columns of several kinds: {feature.name} is {kind}"
    return features, "has a part that makes DataFrames" if reading.makes_frames else None


def takes_texts(model: Instance) -> bool:
    """Say whether a model takes no table but a list of texts: its first step makes words of them."""
    found = model.state().get("best_estimator_", model)
    steps = _named(found.state().get("steps")) if isinstance(found, Instance) else []
    first = next((step for _, step, _ in steps if step not in (None, "passthrough")), found)
    return isinstance(first, Instance) and _name(first) in _VECTORIZERS


@dataclass(frozen=True, slots=True)
class _Column:
    """A column on its way: the feature that it still is, unchanged, and those whose gaps it may show."""

    origin: int | None
    gaps: frozenset[int]


@dataclass(slots=True)
class _Learned:
    """What the parts tell of one feature."""

    kinds: set[FeatureKind] = field(default_factory=set)
    categories: list[_Categories] = field(default_factory=list)
    is_used: bool = False
    refuses_gaps: bool = False
    takes_gaps_by_chance: bool = False


@dataclass(frozen=True, slots=True)
class _Categories:
    """The categories that an encoder knows; without `values` only their kind could be read."""

    kind: FeatureKind
    values: tuple[Plain, ...] | None
    is_open: bool


class _Reading:
    """Follows the columns through a model."""

    def __init__(self, count: int, sklearn_version: str | None) -> None:
        self.learned = [_Learned() for _ in range(count)]
        self.makes_frames = False
        self._depth = 0
        match = re.match(r"(\d+)\.(\d+)", sklearn_version or "")
        self._release = (int(match[1]), int(match[2])) if match else (99, 0)
        self._handlers: dict[str, Callable[[Instance, list[_Column]], list[_Column]]] = {
            "ColumnTransformer": self._branches,
            "FeatureUnion": self._union,
            "SimpleImputer": self._simple_imputer,
            "KNNImputer": self._imputer,
            "IterativeImputer": self._imputer,
            "MissingIndicator": lambda _, __: [],
            "FunctionTransformer": self._function,
            **dict.fromkeys(_ENCODERS, self._encoder),
            **dict.fromkeys(_SCALERS, self._scaler),
            **dict.fromkeys(_VECTORIZERS, self._vectorizer),
        }

    def read(self, model: Instance) -> None:
        table = [_Column(at, frozenset([at])) for at in range(len(self.learned))]
        self._enter(model, table, is_model=True)

    def _enter(self, part: Node, table: list[_Column], *, is_model: bool = False) -> list[_Column]:
        """Follow the columns through a part; give those that come out."""
        if not isinstance(part, Instance):
            return [] if part == "drop" else table
        if self._depth >= DEPTH_MAX:
            return table
        state = part.state()
        config = state.get("_sklearn_output_config")
        if isinstance(config, DictNode):
            self.makes_frames |= config.by_name().get("transform") in ("pandas", "polars")
        self._depth += 1
        try:
            return self._handler(part, state, is_model=is_model)(part, table)
        finally:
            self._depth -= 1

    def _handler(
        self, part: Instance, state: dict[str, Node], *, is_model: bool
    ) -> Callable[[Instance, list[_Column]], list[_Column]]:
        name = _name(part)
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if name in _ENCODERS and "categories_" not in state:
            # That of another package.
            return self._other
        if part.made_by is not None and re.match(r"imblearn\.(?!pipeline)", part.made_by.module):
            # Resampling is done in training alone.
            return self._model if is_model else lambda _, table: table
        return self._handlers.get(name, self._model if is_model else self._transformer)

    # Parts of parts.

    def _steps(self, pipeline: Instance, table: list[_Column]) -> list[_Column]:
        steps = [step for _, step, _ in _named(pipeline.state().get("steps"))]
        for step in steps[:-1]:
            table = self._enter(step, table)
        return self._enter(steps[-1], table, is_model=True) if steps else table

    def _transforming_steps(self, pipeline: Instance, table: list[_Column]) -> list[_Column]:
        for _, step, _ in _named(pipeline.state().get("steps")):
            table = self._enter(step, table)
        return table

    def _union(self, union: Instance, table: list[_Column]) -> list[_Column]:
        parts = _named(union.state().get("transformer_list"))
        return [column for _, part, _ in parts for column in self._enter(part, table)]

    def _branches(self, transformer: Instance, table: list[_Column]) -> list[_Column]:
        state = transformer.state()
        count = state.get("n_features_in_")
        if isinstance(count, int) and len(table) != count:
            table = [_merged(table)] * min(count, COLUMNS_MAX)
        selectors = {name: columns for name, _, columns in _named(state.get("transformers"))}
        positions, slices = (
            _by_name(state.get("_transformer_to_input_indices")),
            _by_name(state.get("output_indices_")),
        )
        result: list[_Column] = []
        for name, part, _ in _named(state.get("transformers_")):
            chosen = [table[at] for at in _positions(positions.get(name)) if 0 <= at < len(table)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = _width(slices.get(name))
            if width is not None and width != len(made):
                made = [_merged(made)] * min(width, COLUMNS_MAX)
            result = (result + made)[:COLUMNS_MAX]
        return result

    def _selected(self, selector: Node, table: list[_Column]) -> None:
        """Learn from a branch that chose its columns by their dtype."""
        if not isinstance(selector, Instance) or _name(selector) != "make_column_selector":
            return
        kinds = {_kind_of_dtype(dtype) for dtype in _listed(selector.state().get("dtype_include"))}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is not None:
            self._learn(table, kind)

    def _inner_models(self, part: Instance) -> Iterator[tuple[Node, tuple[Plain, ...] | None]]:
        """Give the models that one asks, each with the positions of its columns if it has its own."""
        if _name(part) in _TREES:
            return
        state = part.state()
        for attribute in _LISTS_OF_MODELS:
            inner = state.get(attribute)
            if isinstance(inner, ListNode) and inner.items:
                of_columns = state.get("estimators_features_")
                columns = of_columns.items if isinstance(of_columns, ListNode) else []
                for at, model in enumerate(inner.items):
                    yield model, values_of(columns[at]) if at < len(columns) else None
                return
        for attribute in _MODELS:
            if isinstance(inner := state.get(attribute), Instance):
                yield inner, None
                return

    # What sees the columns.

    def _vectorizer(self, _: Instance, table: list[_Column]) -> list[_Column]:
        self._learn(table, "text")
        self._refuse_gaps(table)
        return []

    def _simple_imputer(self, imputer: Instance, table: list[_Column]) -> list[_Column]:
        state = imputer.state()
        gap = state.get("missing_values", math.nan)
        # Of pandas' own, nothing but the name is in the file.
        if not (gap is None or _is_nan(gap) or isinstance(gap, Global | Instance)):
            self._refuse_gaps(table)
        dtype_kind = dtype_kind_of(state.get("statistics_"))
        statistics = values_of(state.get("statistics_")) or (None,) * len(table)
        keeps_empty = bool(state.get("keep_empty_features", False))
        kept = []
        for column, statistic in zip(table, statistics, strict=False):
            kind = _kind_of((statistic,)) or ("number" if dtype_kind in ("f", "i", "u") else None)
            for learned in self._raw([column]):
                learned.kinds |= {kind} if kind else set()
            # A column without a single value in training is left out.
            if keeps_empty or not _is_nan(statistic):
                kept.append(_Column(column.origin, frozenset()))
        return kept

    def _imputer(self, _: Instance, table: list[_Column]) -> list[_Column]:
        self._learn(table, "number")
        return [_Column(None, frozenset()) for _ in table]

    def _encoder(self, encoder: Instance, table: list[_Column]) -> list[_Column]:
        state = encoder.state()
        is_open = state.get("handle_unknown", "") != "error"
        arrays = state.get("categories_")
        result = []
        for column, array in zip(table, arrays.items if isinstance(arrays, ListNode) else [], strict=False):
            values = values_of(array)
            known = None if values is None else tuple(v for v in values if v is not None and not _is_nan(v))
            has_gap = values is not None and known is not None and len(known) < len(values)
            if not has_gap and not is_open:
                self._refuse_gaps([column])
            # Dates are read as texts.
            of_dtype = _DTYPE_KINDS.get(dtype_kind_of(array) or "")
            kind = of_dtype if of_dtype == "date" else _kind_of(known or ()) or of_dtype
            for learned in self._raw([column]):
                if kind is not None:
                    learned.categories.append(_Categories(kind, known, is_open))
            code = state.get("encoded_missing_value" if has_gap else "unknown_value")
            result.append(_Column(None, column.gaps if _is_nan(scalar_of(code)) else frozenset()))
        return result

    def _scaler(self, scaler: Instance, table: list[_Column]) -> list[_Column]:
        centers = values_of(scaler.state().get(_SCALERS[_name(scaler)])) or ()
        for column, center in zip(table, centers, strict=False):
            if isinstance(center, float) and any(low < center < high for low, high in _DATES):
                self._learn([column], "date")
        self._learn(table, "number")
        return [_Column(None, column.gaps) for column in table]

    def _function(self, transformer: Instance, table: list[_Column]) -> list[_Column]:
        state = transformer.state()
        function = state.get("func")
        if function is None:
            return table
        given = state.get("kw_args")
        functions = [function, *(_by_name(given).values())]
        if any(_DATE.search(value.name.lower()) for value in functions if isinstance(value, Global)):
            self._learn(table, "date")
            return [_merged(table)]
        if _is_numpy(function):
            self._learn(table, "number")
            return [_Column(None, column.gaps) for column in table]
        return self._unknown(table, "any")

    def _transformer(self, part: Instance, table: list[_Column]) -> list[_Column]:
        if part.made_by is not None and is_sklearn_like(part.made_by):
            return self._model(part, table)
        return self._other(part, table)

    def _other(self, part: Instance, table: list[_Column]) -> list[_Column]:
        """Know nothing of a class from elsewhere but its name."""
        return self._unknown(table, "date" if _DATE.search(_words(_name(part))) else "any")

    def _unknown(self, table: list[_Column], kind: FeatureKind) -> list[_Column]:
        self._learn(table, kind)
        return []

    def _model(self, model: Instance, table: list[_Column]) -> list[_Column]:
        name = _name(model)
        inner = list(self._inner_models(model))
        preprocessor = model.state().get("_preprocessor")
        if inner:
            if _STRICT.fullmatch(name):
                self._refuse_gaps(table)
            for part, columns in inner:
                chosen = table if columns is None else [table[at] for at in _indices(columns, len(table))]
                self._enter(part, chosen, is_model=True)
        elif isinstance(preprocessor, Instance):
            self._gradient_boosting(preprocessor.state(), table)
        elif name.startswith("CatBoost"):
            # Its own format, which is not read here, says which columns are categories.
            self._learn(table, "any")
        elif categories := lightgbm_categories(model):
            for at, column in enumerate(table):
                if at in categories:
                    self._known(column, categories[at])
                else:
                    self._learn([column], "number")
        else:
            self._learn(table, "number")
            self._meet_gaps(name, table)
        return [_merged(table)]

    def _known(self, column: _Column, values: tuple[Plain, ...]) -> None:
        """Learn categories that pandas knew; others are missing ones."""
        kind = _kind_of(values)
        for learned in self._raw([column]):
            if kind is not None:
                learned.categories.append(_Categories(kind, values, is_open=True))

    def _meet_gaps(self, name: str, table: list[_Column]) -> None:
        if name in _TREES and self._release >= _TREES[name]:
            for at in _merged(table).gaps:
                self.learned[at].takes_gaps_by_chance = True
        elif not _TAKE_GAPS.fullmatch(name):
            self._refuse_gaps(table)

    def _gradient_boosting(self, preprocessor: dict[str, Node], table: list[_Column]) -> None:
        positions = _by_name(preprocessor.get("_transformer_to_input_indices"))
        for name, part, _ in _named(preprocessor.get("transformers_")):
            chosen = [table[at] for at in _positions(positions.get(name)) if 0 <= at < len(table)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self._learn(chosen, "number")

    # What is learned.

    def _raw(self, table: list[_Column]) -> list[_Learned]:
        """Give what is learned of the columns that came as they are."""
        found = [self.learned[column.origin] for column in table if column.origin is not None]
        for learned in found:
            learned.is_used = True
        return found

    def _learn(self, table: list[_Column], kind: FeatureKind) -> None:
        for learned in self._raw(table):
            learned.kinds.add(kind)

    def _refuse_gaps(self, table: list[_Column]) -> None:
        for at in _merged(table).gaps:
            self.learned[at].refuses_gaps = True


def _feature(name: str, learned: _Learned) -> Feature:
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True)
    nullable = not learned.refuses_gaps
    required = not nullable or learned.takes_gaps_by_chance
    if not learned.categories:
        return Feature(name, _agreed(learned.kinds), required=required, nullable=nullable)
    closed = [known for known in learned.categories if not known.is_open]
    first = (closed or learned.categories)[0]
    values = first.values
    for other in closed[1:]:
        if values is not None and other.values is not None:
            kept = set(other.values)
            values = tuple(value for value in values if value in kept)
    return Feature(
        name,
        first.kind if first.kind in ("boolean", "date") else "category",
        required=required,
        nullable=nullable,
        categories=values,
        accepts_others=not closed,
    )


def _agreed(kinds: set[FeatureKind]) -> FeatureKind:
    """Give the kind that the parts agree on: what a branch asked for tells more than what can take it."""
    if "date" in kinds:
        return "date"
    if "boolean" in kinds:
        return "boolean"
    told = kinds - {"any", "category"}
    if not told and "category" in kinds:
        return "text"
    return next(iter(told)) if len(told) == 1 else "any"


def _kind_of(values: tuple[Plain, ...]) -> FeatureKind | None:
    if not values or any(value is None or _is_nan(value) for value in values):
        return None
    if all(isinstance(value, bool) for value in values):
        return "boolean"
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "number"
    return "text" if all(isinstance(value, str) for value in values) else None


def _kind_of_dtype(dtype: Node) -> FeatureKind | None:
    """Tell what a dtype that a selector names stands for."""
    text = dtype if isinstance(dtype, str) else dtype.name if isinstance(dtype, Global) else ""
    return _DTYPES.get(re.sub(r"\d+(\[.*)?$", "", text).lower().rstrip("_"))


def _name(part: Instance) -> str:
    return "" if part.made_by is None else part.made_by.name.rpartition(".")[2]


def _named(node: Node) -> list[tuple[str, Node, Node]]:
    """List the named parts of a part, with the columns of each if it has its own."""
    found: list[tuple[str, Node, Node]] = []
    for item in node.items if isinstance(node, ListNode) else ():
        match item:
            case (str(name), part):
                found.append((name, part, None))
            case (str(name), part, columns):
                found.append((name, part, columns))
    return found


def _by_name(node: Node) -> dict[str, Node]:
    return node.by_name() if isinstance(node, DictNode) else {}


def _positions(node: Node) -> list[int]:
    return _indices(values_of(node) or (), COLUMNS_MAX)


def _indices(values: Sequence[Plain], count: int) -> list[int]:
    return [value for value in values if isinstance(value, int) and 0 <= value < count]


def _listed(node: Node) -> list[Node]:
    if node is None:
        return []
    if isinstance(node, ListNode | SetNode):
        return node.items
    return list(node) if isinstance(node, tuple) else [node]


def _width(node: Node) -> int | None:
    match node:
        case Instance(callee=Global(module="builtins", name="slice"), arguments=(int(start), int(stop), _)):
            return max(stop - start, 0)
    return None


def _merged(table: list[_Column]) -> _Column:
    return _Column(None, frozenset().union(*(column.gaps for column in table)))


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_numpy(function: Node) -> bool:
    """Say whether a function is numpy's own, also as older versions of numpy write them."""
    if isinstance(function, Instance) and function.arguments:
        return isinstance(function.callee, Global) and function.callee.name == "_ufunc_reconstruct"
    return isinstance(function, Global) and function.module.partition(".")[0] == "numpy"


def _words(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name).lower()
