"""The column type of each feature, as far as the fitted parts of a model tell it.

The columns go through the parts of a model: the steps of a pipeline, the branches of a column transformer,
the models of an ensemble. Each part that receives a column unchanged tells something of the feature: an
encoder its categories, a vectorizer that it is text, a scaler that it is a number. A gap (a missing value)
goes on from part to part until one fills it in, takes it, or refuses it.

Of the model's methods only `__sklearn_tags__` (before scikit-learn 1.6 `_get_tags`), which tells what a class
can do, and the methods with which CatBoost lists its columns are called.
`infer_cli/inspection/facts/column_types.py` reads the same of a file that is not loaded.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Callable

from service.schema.boosters import (
    HIDDEN,
    catboost_categories,
    catboost_texts,
    hidden_categories,
    is_catboost,
    lightgbm_categories,
    xgboost_columns,
)
from service.schema.column_readers import ENCODERS, READERS, VECTORIZERS, other
from service.schema.columns import Categories, Column, LearnedFeatures, feature_of, merged
from service.schema.encoder_columns import is_encoder, read_encoder
from service.schema.entry import entries_of
from service.schema.features import TEXT_OR_WHOLE
from service.schema.parts import COLUMNS_MAX, Part, listed, positions_of, takes_gaps, width_of
from service.schema.value_types import type_of_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from service.schema.features import Feature, Value
    from service.schema.xgboost_columns import XgboostColumns

    # Takes a part and the columns that enter it; gives the columns that leave it.
    Handler = Callable[[Part, "list[Column]"], "list[Column]"]

# Models of trees, which hold no models that read columns themselves.
TREES = re.compile(r"(DecisionTree|ExtraTrees?|RandomForest)(Classifier|Regressor)|IsolationForest")
# Models that refuse gaps themselves, whatever the models inside them take.
STRICT = re.compile(r"AdaBoost\w+|ClassifierChain|RegressorChain")
# Attributes with a fitted model, or a list of fitted models, that gets the columns of the model around it.
MODELS = ("best_estimator_", "regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
LISTS_OF_MODELS = ("calibrated_classifiers_", "estimators_")
# How deep parts may lie within parts; a real model has a few levels.
DEPTH_MAX = 20


def takes_texts(model: Part) -> bool:
    """Tell whether a model takes a list of texts in place of columns: a vectorizer gets the rows first."""
    return any(type(part).__name__ in VECTORIZERS for part in entries_of(model))


class Reading:
    """Follows the columns through a model, and keeps what the parts tell.

    `learned` holds what the parts tell of each feature; `column_transformers` are the model's column
    transformers; `makes_frames` says that a part gives DataFrames.
    """

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
        """Give the features, with these names in their order."""
        return tuple(feature_of(name, learned) for name, learned in zip(names, self.learned.features))

    def read(self, model: object) -> None:
        """Follow the columns through the model."""
        columns = [Column(at, frozenset([at])) for at in range(len(self.learned.features))]
        # A column that leaves the model is part of its answer, also where no part looked at the column.
        self.learned.raw(self._enter(model, columns, is_model=True))

    def _enter(self, part: Part, columns: list[Column], *, is_model: bool = False) -> list[Column]:
        """Follow the columns through a part, and give the columns that leave it.

        `is_model`: the part gives the answer. Any other part transforms.
        """
        if part is None or isinstance(part, str):
            return [] if part == "drop" else columns
        if self._depth >= DEPTH_MAX:
            return columns
        config = getattr(part, "_sklearn_output_config", None)
        self.makes_frames |= isinstance(config, dict) and config.get("transform") in ("pandas", "polars")
        self._depth += 1
        try:
            return self._handler(part, is_model=is_model)(part, columns)
        finally:
            self._depth -= 1

    def _handler(self, part: Part, *, is_model: bool) -> Handler:
        name = type(part).__name__
        if name == "Pipeline":
            return self._steps if is_model else self._transforming_steps
        if is_encoder(part):
            return partial(read_encoder, self.learned)
        if name in ENCODERS and not hasattr(part, "categories_"):
            # An encoder of another package that has the name of one of scikit-learn's.
            return partial(other, self.learned)
        if hasattr(part, "fit_resample"):
            # A resampler of imbalanced-learn changes rows in training, and nothing in a prediction.
            return lambda _, columns: columns
        predicts = is_model and (hasattr(part, "predict") or not hasattr(part, "transform"))
        return self._handlers.get(name, self._model if predicts else self._transformer)

    # Parts that hold other parts.

    def _steps(self, pipeline: Part, columns: list[Column]) -> list[Column]:
        steps = [step for _, step in pipeline.steps]
        for step in steps[:-1]:
            columns = self._enter(step, columns)
        return self._enter(steps[-1], columns, is_model=True)

    def _transforming_steps(self, pipeline: Part, columns: list[Column]) -> list[Column]:
        for _, step in pipeline.steps:
            columns = self._enter(step, columns)
        return columns

    def _union(self, union: Part, columns: list[Column]) -> list[Column]:
        return [column for _, part in union.transformer_list for column in self._enter(part, columns)]

    def _branches(self, transformer: Part, columns: list[Column]) -> list[Column]:
        self.column_transformers.append(transformer)
        count = getattr(transformer, "n_features_in_", len(columns))
        if len(columns) != count:
            # A part before this one gave columns in an unknown way.
            columns = [merged(columns)] * min(count, COLUMNS_MAX)
        selectors = {name: selector for name, _, selector in getattr(transformer, "transformers", ())}
        result: list[Column] = []
        for name, part, _ in transformer.transformers_:
            chosen = [columns[at] for at in positions_of(transformer, name) if at < len(columns)]
            self._selected(selectors.get(name), chosen)
            made = self._enter(part, chosen)
            width = width_of(transformer, name)
            if width is not None and width != len(made):
                made = [merged(made)] * min(width, COLUMNS_MAX)
            result += made
        return result

    def _selected(self, selector: object, columns: list[Column]) -> None:
        """Learn the type of columns that a branch selects by their dtype."""
        types = {type_of_dtype(dtype) for dtype in listed(getattr(selector, "dtype_include", None))}
        if len(types) == 1:
            column_type = types.pop()
            for learned in self.learned.raw(columns):
                if column_type == "category":
                    learned.is_pandas_category = True
                elif column_type is not None:
                    learned.types.add(column_type)

    def _inner_models(self, part: Part) -> Iterable[tuple[Part, Sequence[int] | None]]:
        """Give the models inside one, each with the positions of its columns; None stands for all columns."""
        if TREES.fullmatch(type(part).__name__):
            return
        for attribute in LISTS_OF_MODELS:
            inner = getattr(part, attribute, None)
            if isinstance(inner, list) and inner:
                positions = getattr(part, "estimators_features_", None) or [None] * len(inner)
                yield from zip(inner, positions)
                return
        for attribute in MODELS:
            inner = getattr(part, attribute, None)
            if hasattr(inner, "fit") or hasattr(inner, "predict_proba"):
                yield inner, None
                return

    # Parts that take the columns themselves, if `column_readers` has no reader for them.

    def _transformer(self, part: Part, columns: list[Column]) -> list[Column]:
        if type(part).__module__.startswith("sklearn."):
            return self._model(part, columns)
        return other(self.learned, part, columns)

    def _model(self, model: Part, columns: list[Column]) -> list[Column]:
        inner = list(self._inner_models(model))
        preprocessor = getattr(model, "_preprocessor", None)
        if inner:
            if STRICT.fullmatch(type(model).__name__):
                self.learned.refuse_gaps(columns)
            for part, positions in inner:
                chosen = columns
                # After a part of an unknown width, positions may lie beyond the columns that are known.
                if positions is not None and all(at < len(columns) for at in positions):
                    chosen = [columns[at] for at in positions]
                self._enter(part, chosen, is_model=True)
        elif preprocessor is not None and hasattr(preprocessor, "transformers_"):
            self._gradient_boosting(preprocessor, columns)
        elif is_catboost(model):
            self._catboost(model, columns)
        elif (booster := xgboost_columns(model)) is not None:
            self._xgboost(booster, columns)
        else:
            categories, hidden = lightgbm_categories(model), hidden_categories(model)
            self._pandas_categories(categories, columns)
            for learned in self.learned.raw([column for at, column in enumerate(columns) if at in hidden]):
                learned.must_declare = HIDDEN
            others = {*categories, *hidden}
            self.learned.learn([column for at, column in enumerate(columns) if at not in others], "number")
            self._meet_gaps(model, columns)
        return [merged(columns)]

    def _catboost(self, model: object, columns: list[Column]) -> None:
        categories = catboost_categories(model)
        as_text = categories | catboost_texts(model)
        for at, column in enumerate(columns):
            self.learned.learn([column], "text" if at in as_text else "number")
            if at in as_text:
                self.learned.refuse_gaps([column])
            if at in categories:
                for learned in self.learned.raw([column]):
                    learned.text_dtype = TEXT_OR_WHOLE

    def _xgboost(self, booster: XgboostColumns, columns: list[Column]) -> None:
        """Learn the columns of a booster of XGBoost, which refuses categories that it does not know."""
        for at, column in enumerate(columns):
            if at in booster.unknown:
                for learned in self.learned.raw([column]):
                    learned.must_declare = booster.reason
            elif (known := booster.categories.get(at)) is not None:
                for learned in self.learned.raw([column]):
                    learned.categories.append(
                        Categories(list(known.values), is_open=False, dtype=known.dtype)
                    )
                    learned.is_pandas_category = True
            else:
                self.learned.learn([column], "number")

    def _pandas_categories(self, categories: dict[int, Sequence[Value]], columns: list[Column]) -> None:
        """Learn the categories of pandas columns; LightGBM takes any other value as a missing one."""
        for at, values in categories.items():
            for learned in self.learned.raw(columns[at : at + 1]):
                learned.categories.append(Categories(list(values), is_open=True, dtype="O"))
                learned.is_pandas_category = True

    def _meet_gaps(self, model: Part, columns: list[Column]) -> None:
        """Learn what a model does with gaps."""
        if not takes_gaps(model):
            self.learned.refuse_gaps(columns)

    def _gradient_boosting(self, preprocessor: Part, columns: list[Column]) -> None:
        """Follow the columns through the encoder inside a HistGradientBoosting model."""
        for name, part, _ in preprocessor.transformers_:
            chosen = [columns[at] for at in positions_of(preprocessor, name) if at < len(columns)]
            if name == "encoder":
                self._enter(part, chosen)
            else:
                self.learned.learn(chosen, "number")
