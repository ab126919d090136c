"""Which values each column of a fitted model takes, as far as its parts have learned it.

A table goes through the parts of a model: through the steps of a pipeline, the branches of a column
transformer, the models of an ensemble. Each part that sees a column as it came tells something of it: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. And a missing value
goes on until something fills it in, takes it, or refuses it.

Nothing of the model is called but `__sklearn_tags__`, which tells what a class can do.
`infer_cli/inspection/facts/column_types.py` does the same with a file that was not loaded.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Callable

from service.schema.boosters import catboost_texts, is_catboost, lightgbm_categories
from service.schema.column_readers import ENCODERS, READERS, VECTORIZERS, other
from service.schema.columns import Categories, Column, LearnedFeatures, feature_of, merged
from service.schema.parts import COLUMNS_MAX, Part, listed, positions_of, takes_gaps, width_of
from service.schema.value_types import kind_of_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.schema.features import Feature, Value

    # A part and the columns that go in, and those that come out.
    Handler = Callable[[Part, "list[Column]"], "list[Column]"]

# They take missing values also if there were none in training, so that nobody meant them to.
TREES = re.compile(r"(DecisionTree|ExtraTrees?|RandomForest)(Classifier|Regressor)|IsolationForest")
# They check what they pass on to the models inside them.
STRICT = re.compile(r"AdaBoost\w+|ClassifierChain|RegressorChain")
# Attributes with the fitted models that a model asks, all about the same columns.
MODELS = ("best_estimator_", "regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
LISTS_OF_MODELS = ("calibrated_classifiers_", "estimators_")
# How deep parts lie within others.
DEPTH_MAX = 20


def takes_texts(model: Part) -> bool:
    """Tell whether a model takes no table but a list of texts: its first step makes words of them."""
    steps = getattr(getattr(model, "best_estimator_", model), "steps", [])
    first = next((step for _, step in steps if step not in (None, "passthrough")), model)
    return type(first).__name__ in VECTORIZERS


class Reading:
    """What was read of a model: its features, by position, and how it picks columns."""

    def __init__(self, count: int) -> None:
        self.learned = LearnedFeatures(count)
        self.column_transformers: list[Part] = []
        self.makes_frames = False
        self._depth = 0
        self._handlers: dict[str, Handler] = {
            "ColumnTransformer": self._branches,
            "FeatureUnion": self._union,
            **{name: partial(reader, self.learned) for name, reader in READERS.items()},
        }

    def features(self, names: Sequence[str]) -> tuple[Feature, ...]:
        """Give the features with these names."""
        return tuple(feature_of(name, learned) for name, learned in zip(names, self.learned.features))

    def read(self, model: object) -> None:
        """Follow the columns through the model."""
        table = [Column(at, frozenset([at])) for at in range(len(self.learned.features))]
        self._enter(model, table, is_model=True)

    def _enter(self, part: Part, table: list[Column], *, is_model: bool = False) -> list[Column]:
        """Follow the columns through a part; give those that come out."""
        if part is None or isinstance(part, str):
            return [] if part == "drop" else table
        if self._depth >= DEPTH_MAX:
            return table
        config = getattr(part, "_sklearn_output_config", None)
        self.makes_frames |= isinstance(config, dict) and config.get("transform") in ("pandas", "polars")
        self._depth += 1
        try:
            return self._handler(part, is_model=is_model)(part, table)
        finally:
            self._depth -= 1

    def _handler(self, part: Part, *, is_model: bool) -> Handler:
        name = type(part).__name__
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if name in ENCODERS and not hasattr(part, "categories_"):
            # That of another package.
            return partial(other, self.learned)
        if hasattr(part, "fit_resample"):
            # Resampling is done in training alone.
            return lambda _, table: table
        return self._handlers.get(name, self._model if is_model else self._transformer)

    # Parts of parts.

    def _steps(self, pipeline: Part, table: list[Column]) -> list[Column]:
        steps = [step for _, step in pipeline.steps]
        for step in steps[:-1]:
            table = self._enter(step, table)
        return self._enter(steps[-1], table, is_model=True)

    def _transforming_steps(self, pipeline: Part, table: list[Column]) -> list[Column]:
        for _, step in pipeline.steps:
            table = self._enter(step, table)
        return table

    def _union(self, union: Part, table: list[Column]) -> list[Column]:
        return [column for _, part in union.transformer_list for column in self._enter(part, table)]

    def _branches(self, transformer: Part, table: list[Column]) -> list[Column]:
        self.column_transformers.append(transformer)
        count = getattr(transformer, "n_features_in_", len(table))
        if len(table) != count:
            table = [merged(table)] * min(count, COLUMNS_MAX)
        selectors = {name: columns for name, _, columns in getattr(transformer, "transformers", ())}
        result: list[Column] = []
        for name, part, _ in transformer.transformers_:
            chosen = [table[at] for at in positions_of(transformer, name) if at < len(table)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = width_of(transformer, name)
            if width is not None and width != len(made):
                made = [merged(made)] * min(width, COLUMNS_MAX)
            result += made
        return result

    def _selected(self, selector: object, table: list[Column]) -> None:
        """Learn from a branch that chose its columns by their dtype."""
        kinds = {kind_of_dtype(dtype) for dtype in listed(getattr(selector, "dtype_include", None))}
        if len(kinds) == 1:
            for learned in self.learned.raw(table):
                learned.is_pandas_category |= kinds == {"category"}
                learned.kinds |= kinds - {None, "category"}  # type: ignore[arg-type]  # None is taken out

    def _inner_models(self, part: Part) -> Iterable[tuple[Part, Sequence[int] | None]]:
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

    def _transformer(self, part: Part, table: list[Column]) -> list[Column]:
        if type(part).__module__.startswith("sklearn."):
            return self._model(part, table)
        return other(self.learned, part, table)

    def _model(self, model: Part, table: list[Column]) -> list[Column]:
        inner = list(self._inner_models(model))
        preprocessor = getattr(model, "_preprocessor", None)
        if inner:
            if STRICT.fullmatch(type(model).__name__):
                self.learned.refuse_gaps(table)
            for part, columns in inner:
                self._enter(part, table if columns is None else [table[at] for at in columns], is_model=True)
        elif preprocessor is not None and hasattr(preprocessor, "transformers_"):
            self._gradient_boosting(preprocessor, table)
        elif is_catboost(model):
            self._catboost(model, table)
        else:
            categories = lightgbm_categories(model)
            self._pandas_categories(categories, table)
            numbers = [column for at, column in enumerate(table) if at not in categories]
            self.learned.learn(numbers, "number")
            self._meet_gaps(model, table)
        return [merged(table)]

    def _catboost(self, model: object, table: list[Column]) -> None:
        as_text = catboost_texts(model)
        for at, column in enumerate(table):
            self.learned.learn([column], "text" if at in as_text else "number")
            if at in as_text:
                self.learned.refuse_gaps([column])

    def _pandas_categories(self, categories: dict[int, list[Value]], table: list[Column]) -> None:
        """Learn categories that pandas knew; others are missing ones."""
        for at, values in categories.items():
            for learned in self.learned.raw(table[at : at + 1]):
                learned.categories.append(Categories(values, is_open=True, dtype="O"))
                learned.is_pandas_category = True

    def _meet_gaps(self, model: Part, table: list[Column]) -> None:
        if not takes_gaps(model):
            self.learned.refuse_gaps(table)
        elif TREES.fullmatch(type(model).__name__):
            for at in merged(table).gaps:
                self.learned.features[at].takes_gaps_by_chance = True

    def _gradient_boosting(self, preprocessor: Part, table: list[Column]) -> None:
        for name, part, _ in preprocessor.transformers_:
            chosen = [table[at] for at in positions_of(preprocessor, name) if at < len(table)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self.learned.learn(chosen, "number")
