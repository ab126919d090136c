"""Boosters of XGBoost and LightGBM with the methods and attributes of an estimator of scikit-learn.

Neither scikit-learn nor pandas is needed: a category becomes its code here, as it does in the libraries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.models import model_input
from service.models.model_input import ModelInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue
    from service.loading.boosters import Array, BoosterFile
    from service.schema.features import Feature, Rows

    # The rows in, as an array of numbers, and what the library's booster gives for them.
    Ask = Callable[[Array], Array]

# A number above this is the second of two classes.
MIDDLE = 0.5
TABLE_DIMENSIONS = 2


class BoosterModel:
    """A booster as an estimator, with the answers of the library's own classes for scikit-learn.

    `columns` tell what each column takes. `classes_`, `feature_names_in_` and `predict_proba` are there only
    if the model has classes, names and probabilities. Each row is answered by itself.
    """

    has_independent_rows = True
    classes_: Array
    feature_names_in_: list[str]

    def __init__(self, file: BoosterFile, labels: list[JsonValue] | None, ask: Ask) -> None:
        self._ask = ask
        self._estimator_type = file.kind
        self.columns = file.columns
        self.n_features_in_ = len(file.columns)
        if file.names is not None:
            self.feature_names_in_ = list(file.names)
        if labels is not None:
            self.classes_ = _array_of(labels)
        # The last table and the answer to it: `predict_proba` is called with the same table after `predict`.
        self._answered: tuple[object, Array] | None = None

    def predict(self, table: Array, /) -> object:
        """Give the label, number or numbers of each row."""
        answer = self._ask(table)
        self._answered = (table, answer)
        if self._estimator_type != "classifier":
            return answer
        positions = self.positions(answer)
        return positions if positions.ndim == TABLE_DIMENSIONS else self.classes_.take(positions)

    def positions(self, answer: Array) -> Array:
        """Give the positions of the labels among the classes."""
        if hasattr(self, "classes_") and answer.ndim == TABLE_DIMENSIONS:
            found: Array = answer.argmax(axis=1)
            return found
        return (answer > MIDDLE).astype(np.intp)

    def probabilities(self, table: Array) -> Array:
        """Give the probabilities of the classes, by row."""
        answered, self._answered = self._answered, None
        answer = answered[1] if answered is not None and answered[0] is table else self._ask(table)
        if answer.ndim == TABLE_DIMENSIONS:
            return answer
        return np.vstack((1.0 - answer, answer)).transpose()


class XGBoostModel(BoosterModel):
    """A booster of XGBoost that answers as `XGBClassifier`, `XGBRegressor` and `XGBRanker` do.

    `margin` gives the sums of the leaves.
    """

    def __init__(self, file: BoosterFile, labels: list[JsonValue] | None, ask: Ask, margin: Ask) -> None:
        super().__init__(file, labels, ask)
        self._margin = margin
        self._gives_labels = file.objective == "multi:softmax"
        if self._gives_labels and labels is not None:
            self.predict_proba = self._softmax
        elif labels is not None and file.objective in ("binary:logistic", "binary:hinge", "multi:softprob"):
            self.predict_proba = self.probabilities

    def positions(self, answer: Array) -> Array:
        """Give the positions of the labels among the classes."""
        return answer.astype(np.intp) if self._gives_labels else super().positions(answer)

    def _softmax(self, table: Array) -> Array:
        """Give the probabilities of an objective that gives labels alone, in the expression of SciPy."""
        margin = self._margin(table)
        powers = np.exp(margin - margin.max(axis=1, keepdims=True))
        found: Array = powers / powers.sum(axis=1, keepdims=True)
        return found


class LightGBMModel(BoosterModel):
    """A booster of LightGBM that answers as `LGBMClassifier`, `LGBMRegressor` and `LGBMRanker` do."""

    def __init__(self, file: BoosterFile, labels: list[JsonValue] | None, ask: Ask) -> None:
        super().__init__(file, labels, ask)
        if labels is not None:
            self.predict_proba = self.probabilities

    def positions(self, answer: Array) -> Array:
        """Give the positions of the labels: the most probable class, the first of two that are alike."""
        if answer.ndim < TABLE_DIMENSIONS:
            return (answer > 1.0 - answer).astype(np.intp)
        return super().positions(answer)


def codes(features: Sequence[Feature]) -> ModelInput:
    """Give what makes an array of numbers of rows, in which a category is its code and None is NaN.

    A category that the model does not know is NaN, too: only LightGBM takes one.
    """
    known = [
        None if feature.categories is None else {value: at for at, value in enumerate(feature.categories)}
        for feature in features
    ]
    if all(values is None for values in known):
        return ModelInput(model_input.numbers)

    def make(rows: Rows) -> object:
        return model_input.numbers(
            [
                [
                    value if values is None or value is None else values.get(value)
                    for value, values in zip(row, known)
                ]
                for row in rows
            ]
        )

    return ModelInput(make)


def _array_of(labels: list[JsonValue]) -> Array:
    """Make an array of labels; NumPy would make strings of numbers that stand among strings."""
    is_plain = len({type(label) for label in labels}) == 1
    array: Array = np.array(labels, dtype=None if is_plain else object)
    return array
