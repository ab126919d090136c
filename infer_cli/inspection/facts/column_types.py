"""Which values each column of a model takes, as far as the file tells what its parts have learned.

A table goes through the parts of a model: through the steps of a pipeline, the branches of a column
transformer, the models of an ensemble. Each part that sees a column as it came tells something of it: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. And a missing value
goes on until something fills it in, takes it, or refuses it.

`service/schema/column_types.py` does the same with a model that was loaded, and is what counts when it is
served.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.boosters import lightgbm_categories
from infer_cli.inspection.facts.column_readers import ENCODERS, READERS, VECTORIZERS, other
from infer_cli.inspection.facts.columns import Categories, Column, LearnedFeatures, feature_of, merged
from infer_cli.inspection.facts.estimator_kinds import is_sklearn_like
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
from infer_cli.inspection.facts.value_types import kind_of, kind_of_dtype
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infer_cli.inspection.facts.model import Feature
    from infer_cli.inspection.nodes.arrays import Plain

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
DEPTH_MAX = 20


def features_of(
    model: Instance, names: Sequence[str], sklearn_version: str | None
) -> tuple[tuple[Feature, ...], str | None]:
    """Give the features of these names, and why they must come in a DataFrame if they have names."""
    reading = Reading(len(names), sklearn_version)
    reading.read(model)
    features = tuple(
        feature_of(name, known) for name, known in zip(names, reading.learned.features, strict=True)
    )
    for feature, learned in zip(features, reading.learned.features, strict=True):
        if learned.is_used and feature.kind != "number":
            kind = "of unknown kind" if feature.kind == "any" else f"a {feature.kind}"
            return features, f"takes named columns of several kinds: {feature.name} is {kind}"
    return features, "has a part that makes DataFrames" if reading.makes_frames else None


def takes_texts(model: Instance) -> bool:
    """Say whether a model takes no table but a list of texts: its first step makes words of them."""
    found = model.state().get("best_estimator_", model)
    steps = named_parts(found.state().get("steps")) if isinstance(found, Instance) else []
    first = next((step for _, step, _ in steps if step not in (None, "passthrough")), found)
    return isinstance(first, Instance) and class_name(first) in VECTORIZERS


class Reading:
    """Follows the columns through a model."""

    def __init__(self, count: int, sklearn_version: str | None) -> None:
        self.learned = LearnedFeatures(count)
        self.makes_frames = False
        self._depth = 0
        match = re.match(r"(\d+)\.(\d+)", sklearn_version or "")
        self._release = (int(match[1]), int(match[2])) if match else (99, 0)
        self._handlers: dict[str, Callable[[Instance, list[Column]], list[Column]]] = {
            "ColumnTransformer": self._branches,
            "FeatureUnion": self._union,
            **{name: partial(reader, self.learned) for name, reader in READERS.items()},
        }

    def read(self, model: Instance) -> None:
        """Follow the columns through the model."""
        table = [Column(at, frozenset([at])) for at in range(len(self.learned.features))]
        self._enter(model, table, is_model=True)

    def _enter(self, part: Node, table: list[Column], *, is_model: bool = False) -> list[Column]:
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
    ) -> Callable[[Instance, list[Column]], list[Column]]:
        name = class_name(part)
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if name in ENCODERS and "categories_" not in state:
            # That of another package.
            return partial(other, self.learned)
        if part.made_by is not None and re.match(r"imblearn\.(?!pipeline)", part.made_by.module):
            # Resampling is done in training alone.
            return self._model if is_model else lambda _, table: table
        return self._handlers.get(name, self._model if is_model else self._transformer)

    # Parts of parts.

    def _steps(self, pipeline: Instance, table: list[Column]) -> list[Column]:
        steps = [step for _, step, _ in named_parts(pipeline.state().get("steps"))]
        for step in steps[:-1]:
            table = self._enter(step, table)
        return self._enter(steps[-1], table, is_model=True) if steps else table

    def _transforming_steps(self, pipeline: Instance, table: list[Column]) -> list[Column]:
        for _, step, _ in named_parts(pipeline.state().get("steps")):
            table = self._enter(step, table)
        return table

    def _union(self, union: Instance, table: list[Column]) -> list[Column]:
        parts = named_parts(union.state().get("transformer_list"))
        return [column for _, part, _ in parts for column in self._enter(part, table)]

    def _branches(self, transformer: Instance, table: list[Column]) -> list[Column]:
        state = transformer.state()
        count = state.get("n_features_in_")
        if isinstance(count, int) and len(table) != count:
            table = [merged(table)] * min(count, COLUMNS_MAX)
        selectors = {name: columns for name, _, columns in named_parts(state.get("transformers"))}
        positions, slices = (
            by_name(state.get("_transformer_to_input_indices")),
            by_name(state.get("output_indices_")),
        )
        result: list[Column] = []
        for name, part, _ in named_parts(state.get("transformers_")):
            chosen = [table[at] for at in positions_of(positions.get(name)) if 0 <= at < len(table)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = width_of(slices.get(name))
            if width is not None and width != len(made):
                made = [merged(made)] * min(width, COLUMNS_MAX)
            result = (result + made)[:COLUMNS_MAX]
        return result

    def _selected(self, selector: Node, table: list[Column]) -> None:
        """Learn from a branch that chose its columns by their dtype."""
        if not isinstance(selector, Instance) or class_name(selector) != "make_column_selector":
            return
        kinds = {kind_of_dtype(dtype) for dtype in listed(selector.state().get("dtype_include"))}
        kind = kinds.pop() if len(kinds) == 1 else None
        if kind is not None:
            self.learned.learn(table, kind)

    def _inner_models(self, part: Instance) -> Iterator[tuple[Node, tuple[Plain, ...] | None]]:
        """Give the models that one asks, each with the positions of its columns if it has its own."""
        if class_name(part) in _TREES:
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

    def _transformer(self, part: Instance, table: list[Column]) -> list[Column]:
        if part.made_by is not None and is_sklearn_like(part.made_by):
            return self._model(part, table)
        return other(self.learned, part, table)

    def _model(self, model: Instance, table: list[Column]) -> list[Column]:
        name = class_name(model)
        inner = list(self._inner_models(model))
        preprocessor = model.state().get("_preprocessor")
        if inner:
            if _STRICT.fullmatch(name):
                self.learned.refuse_gaps(table)
            for part, columns in inner:
                chosen = table if columns is None else [table[at] for at in indices_of(columns, len(table))]
                self._enter(part, chosen, is_model=True)
        elif isinstance(preprocessor, Instance):
            self._gradient_boosting(preprocessor.state(), table)
        elif name.startswith("CatBoost"):
            # Its own format, which is not read here, says which columns are categories.
            self.learned.learn(table, "any")
        elif categories := lightgbm_categories(model):
            for at, column in enumerate(table):
                if at in categories:
                    self._known(column, categories[at])
                else:
                    self.learned.learn([column], "number")
        else:
            self.learned.learn(table, "number")
            self._meet_gaps(name, table)
        return [merged(table)]

    def _known(self, column: Column, values: tuple[Plain, ...]) -> None:
        """Learn categories that pandas knew; others are missing ones."""
        kind = kind_of(values)
        for learned in self.learned.raw([column]):
            if kind is not None:
                learned.categories.append(Categories(kind, values, is_open=True))

    def _meet_gaps(self, name: str, table: list[Column]) -> None:
        if name in _TREES and self._release >= _TREES[name]:
            for at in merged(table).gaps:
                self.learned.features[at].takes_gaps_by_chance = True
        elif not _TAKE_GAPS.fullmatch(name):
            self.learned.refuse_gaps(table)

    def _gradient_boosting(self, preprocessor: dict[str, Node], table: list[Column]) -> None:
        positions = by_name(preprocessor.get("_transformer_to_input_indices"))
        for name, part, _ in named_parts(preprocessor.get("transformers_")):
            chosen = [table[at] for at in positions_of(positions.get(name)) if 0 <= at < len(table)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self.learned.learn(chosen, "number")
