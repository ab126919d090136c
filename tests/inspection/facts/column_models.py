"""DataFrames with columns of several types, models of them, and the service's own reading to compare with."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.inspection import Feature

# Neither pandas nor scikit-learn has types.
Frame: TypeAlias = Any
Fitted: TypeAlias = Any

FRAME = pd.DataFrame(
    {
        "size": np.arange(12.0),
        "color": ["red", "blue", "green"] * 4,
        "wet": [True, False] * 6,
        "day": pd.date_range("2024-01-01", periods=12),
    }
)
TARGET = ["yes", "no"] * 6
GAPS = FRAME.assign(
    size=FRAME["size"].where(FRAME["size"] != 3), color=FRAME["color"].where(FRAME["size"] != 4)
)


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A transformer of the user, whose class name speaks of dates."""

    def fit(self, frame: Frame, _: object = None) -> DateParts:
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, frame: Frame) -> Frame:
        return frame.apply(lambda column: column.dt.day)


class Lengths(DateParts):
    """A transformer of the user, whose class name tells nothing."""

    def transform(self, frame: Frame) -> Frame:
        return frame.apply(lambda column: column.astype(str).str.len())


def to_day(frame: Frame) -> Frame:
    return frame.apply(lambda column: column.dt.day)


def date_number(frame: Frame) -> Frame:
    return frame.apply(lambda column: column.dt.day)


def model_of(*branches: object, frame: Frame = FRAME, last: object = None) -> Fitted:
    transformer = make_column_transformer(*branches)
    return make_pipeline(transformer, last or LogisticRegression()).fit(frame, TARGET)


NUMBER = ("number", True, False)
NUMBER_OR_GAP = ("number", True, True)
UNUSED = ("any", False, True)


def assert_same(features: Sequence[Feature], model: object) -> None:
    """Assert that the service reads the same features of the loaded model."""
    reading = Reading(len(features))
    reading.read(model)
    loaded = reading.features([feature.name for feature in features])
    as_text = lambda value: value.isoformat() if isinstance(value, datetime) else value  # noqa: E731
    assert [
        (feature.type, feature.required, feature.nullable, feature.categories, feature.is_open)
        for feature in features
    ] == [
        (
            feature.type,
            feature.required,
            feature.nullable,
            None if feature.categories is None else tuple(map(as_text, feature.categories)),
            feature.is_open,
        )
        for feature in loaded
    ]
