from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from service.compiler.usual_values import usual_values
from service.schema.features import Feature
from service.schema.usual import Usual, UsualRange

if TYPE_CHECKING:
    from tests.service.conftest import Iris

FEATURES = [Feature(name) for name in ("slength", "swidth", "plength", "pwidth")]
SCALED = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    ("model", "source"),
    [
        pytest.param(SCALED, "spread", id="mean and deviation"),
        pytest.param(make_pipeline(RobustScaler(), LogisticRegression()), "spread", id="quartiles"),
        pytest.param(GaussianNB(), "spread", id="deviations by class"),
        pytest.param(make_pipeline(MinMaxScaler(), LogisticRegression()), "bounds", id="bounds"),
        pytest.param(
            make_pipeline(SimpleImputer(), MinMaxScaler(), LogisticRegression()), "bounds", id="filled"
        ),
        pytest.param(
            make_pipeline(QuantileTransformer(n_quantiles=9), LogisticRegression()), "bounds", id="quantiles"
        ),
        pytest.param(
            make_pipeline(KBinsDiscretizer(4, encode="ordinal"), LogisticRegression()), "bounds", id="bins"
        ),
        pytest.param(KNeighborsClassifier(), "bounds", id="neighbours"),
        pytest.param(RandomForestClassifier(9, random_state=0), "thresholds", id="forest"),
        pytest.param(HistGradientBoostingClassifier(max_iter=3), "thresholds", id="boosting"),
        pytest.param(VotingClassifier([("one", SCALED)]), "spread", id="voting"),
        pytest.param(CalibratedClassifierCV(SCALED, cv=2), "spread", id="calibrated"),
        pytest.param(GridSearchCV(SCALED, {"logisticregression__C": [1.0]}, cv=2), "spread", id="search"),
    ],
)
@pytest.mark.filterwarnings("ignore:The current default behavior")
def test_a_range_holds_most_of_the_training_data_and_little_else(model: Any, source: str, iris: Iris) -> None:
    # Beyond the thresholds of trees lie many values, between which the model makes no difference.
    least = {"bounds": 1.0, "spread": 0.8, "thresholds": 0.4}[source]
    table = iris[0].to_numpy()
    usual = usual_values(model.fit(table, iris[1]), FEATURES)

    assert list(usual) == [feature.name for feature in FEATURES]
    for column, told in zip(table.T, usual.values()):
        assert told.range is not None
        assert told.value is not None
        low, high, found = told.range
        assert found == source
        assert np.mean((column >= low) & (column <= high)) >= least
        assert high - low <= (1.0 if source == "bounds" else 2.0) * np.ptp(column)
        assert np.quantile(column, 0.05) <= told.value <= np.quantile(column, 0.95)


def test_bounds_are_exact_and_the_usual_value_can_be_read(iris: Iris) -> None:
    model = make_pipeline(MinMaxScaler(), LogisticRegression()).fit(iris[0].to_numpy(), iris[1])

    assert usual_values(model, FEATURES)["slength"] == Usual(6.1, UsualRange(4.3, 7.9, "bounds"))


def test_columns_are_followed_into_branches_and_categories_have_no_range() -> None:
    table = pd.DataFrame(
        {"town": ["a", "b"] * 10, "age": [np.nan, *range(1, 19), np.nan], "pay": np.arange(20.0) * 1000}
    )
    branches = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
            ["pay", "age"],
        ),
        (OneHotEncoder(), ["town"]),
    )
    model = make_pipeline(branches, LogisticRegression()).fit(table, table["town"])
    features = [Feature("town", "category", categories=("a", "b")), Feature("age"), Feature("pay")]

    usual = usual_values(model, features)

    assert list(usual) == ["age", "pay"]
    assert (usual["age"].value, usual["pay"].value) == (9.5, 9500.0)
    assert usual["age"].range is not None
    assert usual["age"].range.source == "spread"


def test_columns_are_followed_through_imputers_to_trees() -> None:
    table = pd.DataFrame({"town": ["a", "b"] * 20, "age": np.arange(40.0), "pay": np.arange(40.0) * 1000})
    branches = make_column_transformer(
        (OneHotEncoder(), ["town"]),
        (make_pipeline(SimpleImputer(strategy="median")), ["pay"]),
        remainder="passthrough",
    )
    forest = RandomForestClassifier(9, random_state=0, max_features=None)
    model = make_pipeline(branches, forest).fit(table, (table["age"] // 9) % 2)

    usual = usual_values(
        model, [Feature("town", "category", categories=("a", "b")), *map(Feature, ["age", "pay"])]
    )

    ranges = {name: told.range for name, told in usual.items()}
    assert {name: told.source for name, told in ranges.items() if told} == dict.fromkeys(
        ["age", "pay"], "thresholds"
    )
    assert [told.high > 1000 for told in ranges.values() if told] == [False, True]


def test_boosting_puts_categories_first_and_the_ranges_still_belong_to_their_columns() -> None:
    table = pd.DataFrame({
        "big": np.linspace(1000, 2000, 60),
        "town": pd.Categorical(["a", "b", "c"] * 20),
        "small": np.linspace(0, 1, 60),
    })  # fmt: skip
    model = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2, categorical_features=["town"]).fit(
        table, np.arange(60) > 30
    )

    usual = usual_values(
        model, [Feature("big"), Feature("town", "category", categories=("a",)), Feature("small")]
    )

    assert [told.range is not None and told.range.high > 500 for told in usual.values()] == [True, False]


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(LogisticRegression(max_iter=500), id="a model that keeps nothing of its data"),
        pytest.param(
            make_pipeline(SimpleImputer(strategy="constant"), LogisticRegression(max_iter=500)),
            id="a constant",
        ),
    ],
)
def test_where_nothing_is_known_nothing_is_said(model: Any, iris: Iris) -> None:
    assert usual_values(model.fit(iris[0].to_numpy(), iris[1]), FEATURES) == {}


def test_a_column_of_one_value_has_no_range() -> None:
    model = make_pipeline(MinMaxScaler(), LogisticRegression()).fit([[5.0], [5.0]], [0, 1])

    assert usual_values(model, FEATURES[:1]) == {"slength": Usual(5.0, None)}


def test_whole_numbers_stay_whole(iris: Iris) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(iris[0].to_numpy(), iris[1])

    told = usual_values(model, [Feature("x", dtype="int64"), *FEATURES[1:]])["x"]

    assert told == Usual(6.0, UsualRange(4.0, 8.0, "spread"))


def test_a_part_with_anything_in_its_attributes_tells_nothing() -> None:
    class Strange:
        mean_ = ("a", "b", "c", "d")
        theta_ = object()
        bin_edges_ = 3

    assert usual_values(Strange(), FEATURES) == {}
