"""The service takes a missing value if and only if the model itself takes it, and gives the same answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.service.conftest import Fitted, app_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.loading.model_file import LoadedModel
    from service.prediction.predictor import Predictor

RANDOM = np.random.default_rng(0)
FULL = pd.DataFrame(RANDOM.random((60, 3)) + 0.1, columns=["a", "b", "c"])
GAPS = FULL.assign(a=FULL["a"].where(np.arange(60) % 7 != 0))
TARGET = np.where(FULL["a"] > FULL["b"], "yes", "no")
BOOST = HistGradientBoostingClassifier(max_iter=3, random_state=0)
LINEAR = LogisticRegression()
MODELS = {
    "boosting": BOOST,
    "boosting, scaled": make_pipeline(StandardScaler(), BOOST),
    "boosting, of columns": make_pipeline(
        make_column_transformer((MinMaxScaler(), ["b", "a"]), remainder="passthrough"), BOOST
    ),
    "boosting, with products": make_pipeline(PolynomialFeatures(), BOOST),
    "boosting, bagged": BaggingClassifier(BOOST, 2, random_state=0),
    "boosting, boosted": AdaBoostClassifier(BOOST, n_estimators=2),
    "boosting, searched": GridSearchCV(BOOST, {"max_depth": [2]}, cv=2),
    "boosting, stacked": StackingClassifier([("boost", BOOST)], cv=2),
    "boosting, in a vote": VotingClassifier([("boost", BOOST), ("tree", DecisionTreeClassifier())]),
    "boosting, in a vote with another": VotingClassifier([("boost", BOOST), ("linear", LINEAR)]),
    "boosting, each class": OneVsRestClassifier(BOOST),
    "boosting, by a code": OutputCodeClassifier(BOOST, random_state=0),
    "forest": RandomForestClassifier(4, random_state=0),
    "tree": DecisionTreeClassifier(random_state=0),
    "older boosting": GradientBoostingClassifier(n_estimators=3),
    "filled": make_pipeline(SimpleImputer(add_indicator=True), LINEAR),
    "filled by neighbors": make_pipeline(KNNImputer(), LINEAR),
    "filled and marked": make_pipeline(make_union(SimpleImputer(), MissingIndicator(features="all")), LINEAR),
    "marked, and not filled": make_pipeline(
        make_union(MissingIndicator(features="all"), StandardScaler()), LINEAR
    ),
    "linear": make_pipeline(StandardScaler(), LINEAR),
    "vectors": SVC(),
    "nothing": DummyClassifier(),
}


def own_answer(model: Fitted, row: pd.DataFrame) -> str | None:
    """Give the model's own prediction, None if the model refuses the row."""
    try:
        return str(np.asarray(model.predict(row))[0])
    except ValueError:
        return None


@pytest.mark.parametrize("table", ["full", "gaps"])
@pytest.mark.parametrize("name", MODELS)
def test_a_missing_number_is_taken_as_by_the_model(
    name: str, table: str, save: Callable[..., Path], load: Callable[[object], LoadedModel]
) -> None:
    try:
        model = clone(MODELS[name]).fit(FULL if table == "full" else GAPS, TARGET)
    except ValueError:
        # A model that takes no gaps in training takes none in predictions.
        assert table == "gaps"
        return
    row = pd.DataFrame({"a": [np.nan], "b": [0.9], "c": [0.3]})
    expected = own_answer(model, row)

    loaded = load(model)
    client = app_of(loaded).test_client()
    by_json = client.post("/prediction", json={"a": None, "b": 0.9, "c": 0.3}).get_json()
    by_query = client.get("/prediction?a=&b=0.9&c=0.3").get_json()

    assert loaded.model.features[0].nullable is (expected is not None)
    if sys.version_info >= (3, 11):
        from infer_cli.inspection import inspect_model  # noqa: PLC0415 (the host needs a newer Python)

        features = inspect_model(save(model)).features
        assert features is not None
        assert features[0].nullable is (expected is not None)
    if expected is None:
        assert {by_json["error"]["code"], by_query["error"]["code"]} == {"invalid_input"}
    else:
        assert by_json["predictions"] == [expected]
        assert by_query["prediction"] == expected


@pytest.mark.parametrize("table", ["full", "gaps"])
def test_a_missing_category_is_taken_as_by_the_model(
    table: str, make_predictor: Callable[[object], Predictor]
) -> None:
    towns = np.resize(np.array(["Rome", "Oslo", "Lima"], dtype=object), 60)
    if table == "gaps":
        towns[::7] = None
    frame = GAPS.assign(town=towns)
    encoded = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(encoded, BOOST).fit(frame, TARGET)
    row = frame.iloc[:1].assign(town=pd.Series([None], dtype=frame["town"].dtype))
    expected = own_answer(model, row)

    predictor = make_predictor(model)

    assert (expected is not None) is predictor.features[3].nullable is (table == "gaps")
    if expected is not None:
        answered = predictor.predict([[None, *row.iloc[0, 1:3], None]])
        assert answered.values == [expected]
