"""The column type of each feature, as far as the fitted parts of a model tell it.

The columns go through the parts of a model: the steps of a pipeline, the branches of a column transformer,
the models of an ensemble. Each part that receives a column unchanged tells something of the feature: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. A gap (a missing value)
goes on from part to part until one fills it in, takes it, or refuses it.

`service/schema/column_types.py` reads the same of a loaded model, and is what counts when a model is served.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.facts.boosters import (
    HIDDEN,
    hidden_categories,
    lightgbm_categories,
    xgboost_columns,
)
from infer_cli.inspection.facts.column_readers import ENCODERS, READERS, VECTORIZERS, other
from infer_cli.inspection.facts.columns import Categories, Column, LearnedFeatures, feature_of, merged
from infer_cli.inspection.facts.encoder_columns import is_encoder, read_encoder
from infer_cli.inspection.facts.entry import entries_of
from infer_cli.inspection.facts.estimator_kinds import is_sklearn_like, kind_by_name
from infer_cli.inspection.facts.parts import (
    COLUMNS_MAX,
    by_name,
    class_name,
    indices_of,
    listed,
    named_parts,
    positions_of,
    width_of,
)
from infer_cli.inspection.facts.value_types import type_of, type_of_dtype
from infer_cli.inspection.facts.xgboost_columns import CATEGORY
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infer_cli.inspection.facts.features import ColumnType, Feature
    from infer_cli.inspection.facts.xgboost_columns import XgboostColumns
    from infer_cli.inspection.nodes.arrays import Plain

    # Takes a part and the columns that enter it; gives the columns that leave it.
    Handler: TypeAlias = Callable[[Instance, list[Column]], list[Column]]

# The trees that take gaps even if there were none in training, each from this version of scikit-learn on.
TREES = {
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
# Models and transformers that are made for gaps, or that look at no value at all.
TAKE_GAPS = re.compile(
    r"(HistGradientBoosting|XGB|XGBRF|LGBM|CatBoost|Dummy)(Classifier|Regressor|Ranker)"
    r"|VarianceThreshold|_ConstantPredictor"
)
# Models that refuse gaps themselves, whatever the models inside them take.
STRICT = re.compile(r"AdaBoost\w+|ClassifierChain|RegressorChain")
# Attributes with a fitted model, or a list of fitted models, that gets the columns of the model around it.
MODELS = ("best_estimator_", "regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
LISTS_OF_MODELS = ("calibrated_classifiers_", "estimators_")
# How deep parts may lie within parts: a real model has a few levels, a hostile one may hold itself.
DEPTH_MAX = 20
# Without a recorded version, the newest scikit-learn is assumed.
_NEWEST = (99, 0)


def features_of(
    model: Instance, names: Sequence[str], sklearn_version: str | None
) -> tuple[tuple[Feature, ...], str | None]:
    """Give the features of these names, and the reason why the model needs a DataFrame, None if it does not.

    The reason holds only for a model that was trained with column names.
    """
    reading = Reading(len(names), sklearn_version)
    reading.read(model)
    features = tuple(
        feature_of(name, known) for name, known in zip(names, reading.learned.features, strict=True)
    )
    for feature, learned in zip(features, reading.learned.features, strict=True):
        if learned.is_used and feature.type != "number":
            column_type = "of unknown type" if feature.type == "any" else f"a {feature.type}"
            return features, f"takes named columns of several types: {feature.name} is {column_type}"
    return features, "has a part that makes DataFrames" if reading.makes_frames else None


def takes_texts(model: Instance) -> bool:
    """Say whether a model takes a list of texts in place of columns: a vectorizer gets the rows first."""
    return any(class_name(part) in VECTORIZERS for part in entries_of(model))


class Reading:
    """Follows the columns through a model, and keeps what the parts tell.

    `learned` holds what the parts tell of each feature; `makes_frames` says that a part gives DataFrames.
    """

    def __init__(self, count: int, sklearn_version: str | None) -> None:
        self.learned = LearnedFeatures(count)
        self.makes_frames = False
        self._depth = 0
        match = re.match(r"(\d+)\.(\d+)", sklearn_version or "")
        self._release = (int(match[1]), int(match[2])) if match else _NEWEST
        self._handlers: dict[str, Handler] = {
            "ColumnTransformer": self._branches,
            "FeatureUnion": self._union,
            **{name: partial(reader, self.learned) for name, reader in READERS.items()},
        }

    def read(self, model: Instance) -> None:
        """Follow the columns through the model."""
        columns = [Column(at, frozenset([at])) for at in range(len(self.learned.features))]
        # A column that leaves the model is part of its answer, also where no part looked at the column.
        self.learned.raw(self._enter(model, columns, is_model=True))

    def _enter(self, part: Node, columns: list[Column], *, is_model: bool = False) -> list[Column]:
        """Follow the columns through a part, and give the columns that leave it.

        `is_model`: the part gives the answer. Every other part transforms.
        """
        if not isinstance(part, Instance):
            return [] if part == "drop" else columns
        if self._depth >= DEPTH_MAX:
            return columns
        state = part.state()
        config = state.get("_sklearn_output_config")
        if isinstance(config, DictNode):
            self.makes_frames |= config.by_name().get("transform") in ("pandas", "polars")
        self._depth += 1
        try:
            return self._handler(part, state, is_model=is_model)(part, columns)
        finally:
            self._depth -= 1

    def _handler(self, part: Instance, state: dict[str, Node], *, is_model: bool) -> Handler:
        name = class_name(part)
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if is_encoder(part):
            return partial(read_encoder, self.learned)
        if name in ENCODERS and "categories_" not in state:
            # An encoder of another package that has the name of one of scikit-learn's.
            return partial(other, self.learned)
        if part.made_by is not None and re.match(r"imblearn\.(?!pipeline)", part.made_by.module):
            # A resampler of imbalanced-learn changes rows in training, and nothing in a prediction.
            return self._model if is_model else lambda _, columns: columns
        predicts = is_model and (part.made_by is None or kind_by_name(part.made_by) != "transformer")
        return self._handlers.get(name, self._model if predicts else self._transformer)

    # Parts that hold other parts.

    def _steps(self, pipeline: Instance, columns: list[Column]) -> list[Column]:
        steps = [step for _, step, _ in named_parts(pipeline.state().get("steps"))]
        for step in steps[:-1]:
            columns = self._enter(step, columns)
        return self._enter(steps[-1], columns, is_model=True) if steps else columns

    def _transforming_steps(self, pipeline: Instance, columns: list[Column]) -> list[Column]:
        for _, step, _ in named_parts(pipeline.state().get("steps")):
            columns = self._enter(step, columns)
        return columns

    def _union(self, union: Instance, columns: list[Column]) -> list[Column]:
        parts = named_parts(union.state().get("transformer_list"))
        return [column for _, part, _ in parts for column in self._enter(part, columns)]

    def _branches(self, transformer: Instance, columns: list[Column]) -> list[Column]:
        state = transformer.state()
        count = state.get("n_features_in_")
        if isinstance(count, int) and len(columns) != count:
            # A part before this one gave columns in an unknown way.
            columns = [merged(columns)] * min(count, COLUMNS_MAX)
        selectors = {name: selector for name, _, selector in named_parts(state.get("transformers"))}
        positions = by_name(state.get("_transformer_to_input_indices"))
        slices = by_name(state.get("output_indices_"))
        result: list[Column] = []
        for name, part, _ in named_parts(state.get("transformers_")):
            chosen = [columns[at] for at in positions_of(positions.get(name)) if 0 <= at < len(columns)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = width_of(slices.get(name))
            if width is not None and width != len(made):
                made = [merged(made)] * min(width, COLUMNS_MAX)
            result = (result + made)[:COLUMNS_MAX]
        return result

    def _selected(self, selector: Node, columns: list[Column]) -> None:
        """Learn the type of columns that a branch selects by their dtype."""
        if not isinstance(selector, Instance) or class_name(selector) != "make_column_selector":
            return
        types = {type_of_dtype(dtype) for dtype in listed(selector.state().get("dtype_include"))}
        column_type = types.pop() if len(types) == 1 else None
        if column_type is not None:
            self.learned.learn(columns, column_type)

    def _inner_models(self, part: Instance) -> Iterator[tuple[Node, tuple[Plain, ...] | None]]:
        """Give the models inside one, each with the positions of its columns; None stands for all columns."""
        if class_name(part) in TREES:
            return
        state = part.state()
        for attribute in LISTS_OF_MODELS:
            inner = state.get(attribute)
            if isinstance(inner, ListNode) and inner.items:
                chosen = state.get("estimators_features_")
                positions = chosen.items if isinstance(chosen, ListNode) else []
                for at, model in enumerate(inner.items):
                    yield model, values_of(positions[at]) if at < len(positions) else None
                return
        for attribute in MODELS:
            if isinstance(inner := state.get(attribute), Instance):
                yield inner, None
                return

    # Parts that take the columns themselves, if `column_readers` has no reader for them.

    def _transformer(self, part: Instance, columns: list[Column]) -> list[Column]:
        if part.made_by is not None and is_sklearn_like(part.made_by):
            return self._model(part, columns)
        return other(self.learned, part, columns)

    def _model(self, model: Instance, columns: list[Column]) -> list[Column]:
        name = class_name(model)
        inner = list(self._inner_models(model))
        preprocessor = model.state().get("_preprocessor")
        if inner:
            if STRICT.fullmatch(name):
                self.learned.refuse_gaps(columns)
            for part, positions in inner:
                chosen = (
                    columns
                    if positions is None
                    else [columns[at] for at in indices_of(positions, len(columns))]
                )
                self._enter(part, chosen, is_model=True)
        elif isinstance(preprocessor, Instance):
            self._gradient_boosting(preprocessor.state(), columns)
        elif name.startswith("CatBoost"):
            # Which columns are categories stands in CatBoost's own format, which the inspection does not
            # read.
            self.learned.learn(columns, "any")
        elif (booster := xgboost_columns(model)) is not None and CATEGORY in booster.types:
            self._xgboost(booster, columns)
        elif hidden_categories(model) or lightgbm_categories(model):
            self._lightgbm(model, columns)
        else:
            self.learned.learn(columns, "number")
            self._meet_gaps(name, columns)
        return [merged(columns)]

    def _xgboost(self, booster: XgboostColumns, columns: list[Column]) -> None:
        """Learn the columns of a booster of XGBoost, which refuses categories that it does not know."""
        for at, column in enumerate(columns):
            if at in booster.unknown:
                for learned in self.learned.raw([column]):
                    learned.must_declare = booster.reason
            elif (known := booster.categories.get(at)) is not None:
                column_type: ColumnType = "text" if known.dtype == "text" else "number"
                for learned in self.learned.raw([column]):
                    learned.categories.append(Categories(column_type, known.values, is_open=False))
            else:
                self.learned.learn([column], "number")

    def _lightgbm(self, model: Instance, columns: list[Column]) -> None:
        """Learn the columns of a booster of LightGBM that has categories of pandas."""
        hidden, categories = hidden_categories(model), lightgbm_categories(model)
        for at, column in enumerate(columns):
            if at in hidden:
                for learned in self.learned.raw([column]):
                    learned.must_declare = HIDDEN
            elif at in categories:
                self._pandas_categories(column, categories[at])
            else:
                self.learned.learn([column], "number")

    def _pandas_categories(self, column: Column, values: tuple[Plain, ...]) -> None:
        """Learn the categories of a pandas column; LightGBM takes any other value as a missing one."""
        for learned in self.learned.raw([column]):
            # Categories of several types are read as texts are: each as it is.
            learned.categories.append(Categories(type_of(values) or "text", values, is_open=True))

    def _meet_gaps(self, name: str, columns: list[Column]) -> None:
        """Learn what a model of this class does with gaps."""
        is_new_tree = name in TREES and self._release >= TREES[name]
        if not is_new_tree and not TAKE_GAPS.fullmatch(name):
            self.learned.refuse_gaps(columns)

    def _gradient_boosting(self, preprocessor: dict[str, Node], columns: list[Column]) -> None:
        """Follow the columns through the encoder inside a HistGradientBoosting model."""
        positions = by_name(preprocessor.get("_transformer_to_input_indices"))
        for name, part, _ in named_parts(preprocessor.get("transformers_")):
            chosen = [columns[at] for at in positions_of(positions.get(name)) if 0 <= at < len(columns)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self.learned.learn(chosen, "number")
