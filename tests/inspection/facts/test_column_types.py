"""The kinds of columns that are read from a file are those that the service finds in the loaded model."""

from __future__ import annotations

import io
import pickle
from datetime import datetime
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection

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
    """A transformer of one's own."""

    def fit(self, frame: Any, _: object = None) -> DateParts:
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, frame: Any) -> Any:
        return frame.apply(lambda column: column.dt.day)


class Lengths(DateParts):
    """Another, of whose name nothing can be told."""

    def transform(self, frame: Any) -> Any:
        return frame.apply(lambda column: column.astype(str).str.len())


def to_day(frame: Any) -> Any:
    return frame.apply(lambda column: column.dt.day)


def date_number(frame: Any) -> Any:
    return frame.apply(lambda column: column.dt.day)


def model_of(*branches: Any, frame: Any = FRAME, last: Any = None, **options: Any) -> Any:
    transformer = make_column_transformer(*branches, **options)
    return make_pipeline(transformer, last or LogisticRegression()).fit(frame, TARGET)


NUMBER = ("number", True, False)
NUMBER_OR_GAP = ("number", False, True)
UNUSED = ("any", False, True)
# The kind, whether it is required and whether it may be missing, of size, color, wet and day.
CASES: dict[str, tuple[Callable[[], Any], list[tuple[str, bool, bool]]]] = {
    "closed categories": (
        lambda: model_of((OneHotEncoder(), ["color"]), (StandardScaler(), ["size"])),
        [NUMBER, ("category", True, False), UNUSED, UNUSED],
    ),
    "a gap that is a category": (
        lambda: model_of((OneHotEncoder(), ["color"]), (SimpleImputer(), ["size"]), frame=GAPS),
        [NUMBER_OR_GAP, ("category", False, True), UNUSED, UNUSED],
    ),
    "a gap that an encoder passes on": (
        lambda: model_of(
            (OrdinalEncoder(), ["color"]), frame=GAPS, last=HistGradientBoostingClassifier(max_iter=2)
        ),
        [UNUSED, ("category", False, True), UNUSED, UNUSED],
    ),
    "unknown values that become gaps": (
        lambda: model_of(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["color"]),
        ),
        [UNUSED, ("category", True, False), UNUSED, UNUSED],
    ),
    "by dtype": (
        lambda: model_of(
            (MinMaxScaler(), make_column_selector(dtype_include="number")),
            (OrdinalEncoder(), make_column_selector(dtype_include=bool)),
            (DateParts(), make_column_selector(dtype_include="datetime")),
        ),
        [NUMBER, UNUSED, ("boolean", True, False), ("date", False, True)],
    ),
    "by position and mask": (
        lambda: model_of(
            (OneHotEncoder(), [1]),
            ("passthrough", [True, False, True, False]),
            (StandardScaler(), slice(3, 4)),
        ),
        [NUMBER, ("category", True, False), NUMBER, ("date", True, False)],
    ),
    "dates by the name of a function": (
        lambda: model_of(
            (FunctionTransformer(date_number), ["day"]), (FunctionTransformer(np.sqrt), ["size"])
        ),
        [NUMBER, UNUSED, UNUSED, ("date", True, False)],
    ),
    "functions of which nothing is known": (
        lambda: model_of((FunctionTransformer(to_day), ["day"]), (Lengths(), ["color"])),
        [UNUSED, ("any", False, True), UNUSED, ("any", False, True)],
    ),
    "two branches about one column": (
        lambda: model_of(
            (SimpleImputer(), ["size"]),
            (MissingIndicator(), ["size"]),
            (StandardScaler(), ["size"]),
            frame=GAPS,
            last=HistGradientBoostingClassifier(max_iter=2),
        ),
        [NUMBER_OR_GAP, UNUSED, UNUSED, UNUSED],
    ),
    "a gap that is refused later": (
        lambda: model_of((make_pipeline(MinMaxScaler(), PolynomialFeatures()), ["size"])),
        [NUMBER, UNUSED, UNUSED, UNUSED],
    ),
    "a gap that another imputer fills": (
        lambda: make_pipeline(
            model_of((make_union(StandardScaler(), "passthrough"), ["size"]), frame=FRAME)[0],
            KNNImputer(),
            LogisticRegression(),
        ).fit(GAPS, TARGET),
        [NUMBER_OR_GAP, UNUSED, UNUSED, UNUSED],
    ),
    "a mark for gaps that is no gap": (
        lambda: model_of((SimpleImputer(missing_values=-1), ["size"])),
        [NUMBER, UNUSED, UNUSED, UNUSED],
    ),
    "a forest": (
        lambda: RandomForestClassifier(2).fit(FRAME[["size"]], TARGET),
        [("number", True, True)],
    ),
    "a vote": (
        lambda: VotingClassifier(
            [("a", HistGradientBoostingClassifier(max_iter=2)), ("b", LogisticRegression())]
        ).fit(FRAME[["size"]], TARGET),
        [NUMBER],
    ),
    "a bag": (
        lambda: BaggingClassifier(HistGradientBoostingClassifier(max_iter=2), 2, max_features=2).fit(
            FRAME[["size", "wet"]], TARGET
        ),
        [NUMBER_OR_GAP, NUMBER_OR_GAP],
    ),
    "a boost that checks": (
        lambda: AdaBoostClassifier(n_estimators=2).fit(FRAME[["size"]], TARGET),
        [NUMBER],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_kinds(name: str, inspect_bytes: Callable[..., Inspection]) -> None:
    make, expected = CASES[name]
    model = make()

    features = inspect_bytes(pickle.dumps(model)).features

    assert features is not None
    found = [(feature.kind, feature.required, feature.nullable) for feature in features]
    assert found == expected
    assert_same(features, model)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "name", ["many", "selected", "nested", "boosting", "search", "stacking", "array", "texts"]
)
def test_models_of_mixed_tables(
    name: str, protocol: int, mixed_models: dict[str, Any], inspect_bytes: Callable[..., Inspection]
) -> None:
    model = mixed_models[name]
    file = io.BytesIO()
    joblib.dump(model, file, protocol=protocol)

    for data in (pickle.dumps(model, protocol), file.getvalue()):
        inspection = inspect_bytes(data)

        assert inspection.features is not None
        assert_same(inspection.features, model)
        assert (inspection.frame_reason is None) == (name in {"array", "texts"})


def assert_same(features: Any, model: Any) -> None:
    reading = Reading(len(features))
    reading.read(model)
    loaded = reading.features([feature.name for feature in features])
    as_text = lambda value: value.isoformat() if isinstance(value, datetime) else value  # noqa: E731
    assert [
        (feature.kind, feature.required, feature.nullable, feature.categories, feature.accepts_others)
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
