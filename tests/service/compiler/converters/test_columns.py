"""Column transformers over mixed columns are compiled, and need no frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

    MakePredictor = Callable[[object], Predictor]


@pytest.fixture(scope="module")
def frame() -> Any:
    import pandas as pd  # noqa: PLC0415

    chance = np.random.default_rng(0)
    towns = np.array(["Bonn", "Köln", "Mainz", None], dtype=object)
    return pd.DataFrame(
        {
            "age": np.where(chance.random(200) < 0.1, np.nan, chance.integers(18, 90, 200)),
            "town": chance.choice(towns, 200),
            "size": chance.choice(["S", "M", "L"], 200),
            "income": chance.normal(3000, 900, 200),
        }
    )


NUMBERS = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
MIXED = [
    ColumnTransformer(
        [
            ("n", NUMBERS, ["age", "income"]),
            ("c", OneHotEncoder(handle_unknown="ignore"), ["town", "size"]),
        ]
    ),
    ColumnTransformer(
        [
            (
                "c",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(drop="first")),
                ["size"],
            ),
            ("n", NUMBERS, ["age"]),
        ],
        remainder="drop",
    ),
    ColumnTransformer(
        [
            (
                "o",
                OrdinalEncoder(
                    handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2
                ),
                ["town", "size"],
            ),
            ("n", NUMBERS, ["age", "income"]),
        ]
    ),
]


@pytest.mark.parametrize(
    "final", [LogisticRegression(max_iter=2000), RandomForestClassifier(10, random_state=0)]
)
@pytest.mark.parametrize("columns", MIXED, ids=["one-hot", "dropped", "ordinal"])
def test_mixed_columns_are_answered_as_by_the_model(
    columns: Any, final: Any, frame: Any, make_predictor: MakePredictor
) -> None:
    target = (frame["income"] + 100 * (frame["size"] == "L") > 3000).astype(int)
    model = make_pipeline(columns, final).fit(frame, target)

    predictor = make_predictor(model)
    names = [feature.name for feature in predictor.features]
    rows = frame[names].astype(object).where(frame[names].notna(), None).to_numpy().tolist()
    predictions = predictor.predict(rows)

    assert predictor.program is not None, predictor.model.not_compiled
    assert predictions.values == model.predict(frame).tolist()
    np.testing.assert_allclose(
        np.array(predictions.probabilities), model.predict_proba(frame), rtol=0, atol=1e-12
    )
