"""The column types that are read from a file are those that the service reads from the loaded model."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.compose import make_column_selector
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from tests.inspection.facts.column_models import (
    FRAME,
    GAPS,
    NUMBER,
    NUMBER_OR_GAP,
    TARGET,
    UNUSED,
    DateParts,
    assert_same,
    model_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from tests.inspection.facts.column_models import Fitted

# The type of the features size, color, wet and day, whether each is required, and whether it is nullable.
CASES: dict[str, tuple[Callable[[], Fitted], list[tuple[str, bool, bool]]]] = {
    "by dtype": (
        lambda: model_of(
            (MinMaxScaler(), make_column_selector(dtype_include="number")),
            (OrdinalEncoder(), make_column_selector(dtype_include=bool)),
            (DateParts(), make_column_selector(dtype_include="datetime")),
        ),
        [NUMBER, UNUSED, ("boolean", True, False), ("date", True, True)],
    ),
    "by position and mask": (
        lambda: model_of(
            (OneHotEncoder(), [1]),
            ("passthrough", [True, False, True, False]),
            (StandardScaler(), slice(3, 4)),
        ),
        [NUMBER, ("category", True, False), NUMBER, NUMBER],
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
def test_types(name: str, inspect_bytes: Callable[..., Inspection]) -> None:
    make, expected = CASES[name]
    model = make()

    features = inspect_bytes(pickle.dumps(model)).features

    assert features is not None
    found = [(feature.type, feature.required, feature.nullable) for feature in features]
    assert found == expected
    assert_same(features, model)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "name", ["many", "selected", "nested", "boosting", "search", "stacking", "array", "texts"]
)
def test_models_of_mixed_tables(
    name: str, protocol: int, mixed_models: dict[str, Fitted], inspect_bytes: Callable[..., Inspection]
) -> None:
    model = mixed_models[name]
    file = io.BytesIO()
    joblib.dump(model, file, protocol=protocol)

    for data in (pickle.dumps(model, protocol), file.getvalue()):
        inspection = inspect_bytes(data)

        assert inspection.features is not None
        assert_same(inspection.features, model)
        assert (inspection.frame_reason is None) == (name in {"array", "texts"})
