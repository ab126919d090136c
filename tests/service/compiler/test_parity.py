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
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from service.compiler import convert
from service.compiler.converters import linear
from service.errors import NotCompilable

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.compiler.functions import Outcome
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
def test_models_put_together(model: Any, table: tuple[Any, Any], make_predictor: MakePredictor) -> None:
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
def test_missing_values(model: Any, table: tuple[Any, Any], make_predictor: MakePredictor) -> None:
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


def test_categories_of_boosting(make_predictor: MakePredictor) -> None:
    chance = np.random.default_rng(0)
    rows = np.stack([chance.integers(0, 40, 600), chance.normal(size=600)], axis=1)
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[0])
    model.fit(rows, (rows[:, 0] % 7 > 2).astype(int))

    predictor = make_predictor(model)

    rows = np.array([[float(code), 0.5] for code in range(40)])

    assert predictor.program is not None, predictor.model.not_compiled
    assert predictor.predict(rows.tolist()).values == model.predict(rows).tolist()


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
def test_mixed_columns_without_a_frame(
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


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda outcome: outcome._replace(values=1 - outcome.values), "another label"),
        (lambda outcome: outcome._replace(probabilities=outcome.probabilities + 1e-9), "differ by 1.0e-09"),
        (lambda outcome: outcome._replace(probabilities=None), "only one of the two"),
        (lambda outcome: outcome._replace(probabilities=outcome.probabilities[:, :1]), "another shape"),
        (lambda _: None, "for the model alone"),
    ],
)
def test_a_wrong_function_is_found_out(
    change: Callable[[Outcome], Outcome],
    reason: str,
    table: tuple[Any, Any],
    make_predictor: MakePredictor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = LogisticRegression().fit(*table)
    candidates = linear.candidates
    monkeypatch.setattr(
        linear,
        "candidates",
        lambda model: iter([lambda rows, ask=ask: change(ask(rows)) for ask in candidates(model)]),
    )

    predictor = make_predictor(model)

    assert predictor.program is None
    assert reason in predictor.model.not_compiled
    assert predictor.predict(table[0]).values == model.predict(table[0]).tolist()


def test_a_model_that_differs_on_one_side_of_a_threshold_alone_is_found_out(
    table: tuple[Any, Any], make_predictor: MakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = DecisionTreeClassifier(max_depth=2).fit(*table)
    monkeypatch.setattr(
        "service.compiler.trees._for_doubles", lambda thresholds: np.nextafter(thresholds, -np.inf)
    )

    assert "another label" in make_predictor(model).model.not_compiled


def test_what_is_not_known_says_so(table: tuple[Any, Any], make_predictor: MakePredictor) -> None:
    predictor = make_predictor(KNeighborsClassifier().fit(*table))

    assert predictor.model.not_compiled == "there is no shorter way through KNeighborsClassifier"


def test_a_subclass_may_have_another_arithmetic(
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
def test_values_that_a_step_makes_too_large_are_the_models_to_judge(make_predictor: MakePredictor) -> None:
    rows = np.array([[1.0], [1.0 + 1e-9]] * 20)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(rows, [0, 1] * 20)
    predictor = make_predictor(model)

    with pytest.raises(ValueError, match="infinity or a value too large"):
        predictor.predict(np.array([[1e38]]))


def test_several_outputs_are_left_to_the_model(make_predictor: MakePredictor) -> None:
    model = DecisionTreeClassifier().fit([[0.0], [1.0]], [[0, 1], [1, 0]])

    predictor = make_predictor(model)

    assert "several outputs" in predictor.model.not_compiled
    assert predictor.predict(np.array([[1.0]])).values == [[1, 0]]


def test_a_name_alone_does_not_make_a_model_known() -> None:
    class Other:
        pass

    with pytest.raises(NotCompilable):
        list(convert.candidates(Other(), ()))
