from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from service.compiler.usual_of_programs import usual_of_program
from service.compiler.usual_values import usual_values
from service.models.fitted_model import FittedModel

if TYPE_CHECKING:
    from tests.service.conftest import Iris

BRANCHES = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["plength", "swidth"]),
    (MinMaxScaler(), ["slength", "pwidth"]),
)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(make_pipeline(StandardScaler(), LogisticRegression()), id="mean and deviation"),
        pytest.param(make_pipeline(MinMaxScaler(), LogisticRegression()), id="bounds"),
        pytest.param(
            make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(), LogisticRegression()), id="filled"
        ),
        pytest.param(make_pipeline(BRANCHES, LogisticRegression()), id="branches"),
        pytest.param(
            VotingClassifier([("one", make_pipeline(StandardScaler(), LogisticRegression()))], voting="soft"),
            id="average",
        ),
        pytest.param(RandomForestClassifier(5, random_state=0), id="forest"),
        pytest.param(GradientBoostingClassifier(n_estimators=5, random_state=0), id="boosting"),
    ],
)
def test_a_compiled_model_knows_what_its_estimator_knows(model: Any, iris: Iris) -> None:
    served = FittedModel(model.fit(*iris))
    assert served.program is not None

    usual = usual_of_program(served.program.ask, served.features)

    expected = usual_values(served.estimator, served.features)
    assert list(usual) == list(expected) == list(iris[0].columns)
    for name, told in usual.items():
        wanted = expected[name].range
        assert told.range is not None
        assert wanted is not None
        assert told.range.source == wanted.source
        assert told.range[:2] == pytest.approx(wanted[:2], abs=0.011)
        assert told.value == pytest.approx(expected[name].value, abs=0.011)


def test_numbers_among_other_columns_have_ranges(iris: Iris) -> None:
    table = pd.DataFrame({"town": ["a", "b"] * 75, "slength": iris[0]["slength"]})
    columns = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["slength"]))
    served = FittedModel(make_pipeline(columns, LogisticRegression()).fit(table, iris[1]))
    assert served.program is not None

    usual = usual_of_program(served.program.ask, served.features)

    assert list(usual) == ["slength"]
    assert usual["slength"].value == 5.84


def test_where_nothing_is_known_nothing_is_said(iris: Iris) -> None:
    served = FittedModel(LogisticRegression(max_iter=500).fit(*iris))
    assert served.program is not None

    assert usual_of_program(served.program.ask, served.features) == {}
