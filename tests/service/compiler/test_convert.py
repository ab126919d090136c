"""A function that is not the model's is found out, and models put together are served as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from service.compiler import convert
from service.errors import ModelFailed, NotCompilable

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

    MakePredictor = Callable[[object], Predictor]


@pytest.fixture(scope="module")
def table() -> tuple[Any, Any]:
    data: tuple[Any, Any] = make_classification(300, 6, n_informative=4, random_state=0)
    return data


def with_gaps(rows: Any) -> Any:
    gapped = rows.copy()
    gapped[np.random.default_rng(0).random(rows.shape) < 0.2] = np.nan
    return gapped


PIPELINES = [
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(MinMaxScaler(clip=True), HistGradientBoostingClassifier(max_iter=10)),
    make_pipeline(MaxAbsScaler(), PCA(3), RandomForestClassifier(5)),
    make_pipeline(RobustScaler(), PolynomialFeatures(2), LogisticRegression(max_iter=5000)),
    make_pipeline("passthrough", TruncatedSVD(3), GradientBoostingClassifier(n_estimators=5)),
    make_pipeline(SelectKBest(k=3), Binarizer(), DecisionTreeClassifier()),
    make_pipeline(FunctionTransformer(np.arctan), LogisticRegression()),
    make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", "passthrough", [5])], remainder="drop"),
        LogisticRegression(),
    ),
    GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2
    ),
    VotingClassifier(
        [("a", LogisticRegression()), ("b", RandomForestClassifier(5))], voting="soft", weights=[1, 2]
    ),
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    HistGradientBoostingRegressor(loss="poisson", max_iter=10),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", PIPELINES, ids=[str(index) for index in range(len(PIPELINES))])
def test_a_model_of_several_parts_is_compiled_as_a_whole(
    model: Any, table: tuple[Any, Any], make_predictor: MakePredictor
) -> None:
    rows, target = table
    model.fit(rows, target)

    predictor = make_predictor(model)

    assert predictor.program is not None, predictor.model.not_compiled
    assert predictor.predict(rows).values == pytest.approx(model.predict(rows).tolist(), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=10),
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=10)),
        RandomForestClassifier(10, random_state=0),
    ],
)
def test_missing_values_are_answered_as_by_the_model(
    model: Any, table: tuple[Any, Any], make_predictor: MakePredictor
) -> None:
    rows = with_gaps(table[0])
    model.fit(rows, table[1])

    predictor = make_predictor(model)
    predictions = predictor.predict(rows)

    assert all(feature.nullable for feature in predictor.features)
    assert predictor.program is not None, predictor.model.not_compiled
    assert predictions.values == model.predict(rows).tolist()
    np.testing.assert_allclose(
        np.array(predictions.probabilities), model.predict_proba(rows), rtol=0, atol=1e-12
    )


def test_the_reason_names_an_estimator_that_is_not_supported(
    table: tuple[Any, Any], make_predictor: MakePredictor
) -> None:
    predictor = make_predictor(KNeighborsClassifier().fit(*table))

    assert predictor.model.not_compiled == "the compiler does not support KNeighborsClassifier"


def test_a_subclass_of_a_supported_estimator_is_not_compiled(
    table: tuple[Any, Any], make_instance: Callable[[str, str], Any], make_predictor: MakePredictor
) -> None:
    code = """
from sklearn.linear_model import LogisticRegression
class Turned(LogisticRegression):
    def predict(self, rows):
        return 1 - super().predict(rows)
"""
    model = make_instance("Turned", code).fit(*table)

    predictor = make_predictor(model)

    assert predictor.program is None
    assert predictor.predict(table[0]).values == model.predict(table[0]).tolist()


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_row_that_a_step_makes_too_large_gets_the_models_own_error(make_predictor: MakePredictor) -> None:
    rows = np.array([[1.0], [1.0 + 1e-9]] * 20)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(rows, [0, 1] * 20)
    predictor = make_predictor(model)

    with pytest.raises(ModelFailed) as failed:
        predictor.predict(np.array([[1e38]]))
    assert "infinity or a value too large" in str(failed.value.__cause__)


def test_a_model_of_several_outputs_is_not_compiled(make_predictor: MakePredictor) -> None:
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], [[0, 1], [1, 0]])

    predictor = make_predictor(model)

    assert "several outputs" in predictor.model.not_compiled
    assert predictor.predict(np.array([[1.0]])).values == [[1, 0]]


def test_a_class_of_no_known_package_is_not_supported() -> None:
    class Other:
        pass

    with pytest.raises(NotCompilable):
        list(convert.candidates(Other(), ()))
