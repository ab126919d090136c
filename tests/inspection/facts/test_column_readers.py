"""Encoders, imputers, scalers and functions tell the column types that the service reads as well."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.inspection.facts.column_models import (
    FRAME,
    GAPS,
    NUMBER,
    NUMBER_OR_GAP,
    TARGET,
    UNUSED,
    Lengths,
    assert_same,
    date_number,
    model_of,
    to_day,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from tests.inspection.facts.column_models import Fitted

# The type of the features size, color, wet and day, whether each is required, and whether it is nullable.
CASES: dict[str, tuple[Callable[[], Fitted], list[tuple[str, bool, bool]]]] = {
    "closed categories": (
        lambda: model_of((OneHotEncoder(), ["color"]), (StandardScaler(), ["size"])),
        [NUMBER, ("category", True, False), UNUSED, UNUSED],
    ),
    "a gap that is a category": (
        lambda: model_of((OneHotEncoder(), ["color"]), (SimpleImputer(), ["size"]), frame=GAPS),
        [NUMBER_OR_GAP, ("category", True, True), UNUSED, UNUSED],
    ),
    "a gap that an encoder passes on": (
        lambda: model_of(
            (OrdinalEncoder(), ["color"]), frame=GAPS, last=HistGradientBoostingClassifier(max_iter=2)
        ),
        [UNUSED, ("category", True, True), UNUSED, UNUSED],
    ),
    "unknown values that become gaps": (
        lambda: model_of(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["color"]),
        ),
        [UNUSED, ("category", True, False), UNUSED, UNUSED],
    ),
    "dates by the name of a function": (
        lambda: model_of(
            (FunctionTransformer(date_number), ["day"]), (FunctionTransformer(np.sqrt), ["size"])
        ),
        [NUMBER, UNUSED, UNUSED, ("date", True, False)],
    ),
    "functions of which nothing is known": (
        lambda: model_of((FunctionTransformer(to_day), ["day"]), (Lengths(), ["color"])),
        [UNUSED, ("any", True, True), UNUSED, ("any", True, True)],
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
