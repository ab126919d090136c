"""A row program gives the same answer to one row as the program, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from service.compiler.operations import Product
from service.compiler.outputs import Classifier, Regressor
from service.compiler.row_program import make_row_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

PIPELINES: dict[str, Any] = {
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "only centered": make_pipeline(StandardScaler(with_std=False), LogisticRegression()),
    "by medians": make_pipeline(RobustScaler(), LogisticRegression()),
    "by the largest": make_pipeline(MaxAbsScaler(), LogisticRegression()),
    "clipped": make_pipeline(MinMaxScaler(clip=True), LogisticRegression()),
    "filled": make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    "filled and boosted": make_pipeline(SimpleImputer(), HistGradientBoostingClassifier(max_iter=20)),
    "boosted": make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=20)),
    "forest": make_pipeline(MinMaxScaler(), RandomForestClassifier(20)),
    "one against the rest": make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=3)),
    "twice": make_pipeline(StandardScaler(), make_pipeline(RobustScaler(), LogisticRegression())),
    "columns": make_pipeline(
        ColumnTransformer(
            [
                ("a", make_pipeline(SimpleImputer(), StandardScaler()), [3, 1]),
                ("b", RobustScaler(), [0]),
            ],
            remainder="passthrough",
        ),
        LogisticRegression(),
    ),
}


def data() -> tuple[Any, Any]:
    rows, target = make_classification(400, 5, n_informative=4, n_redundant=0, n_classes=3, random_state=1)
    return rows, target


@pytest.mark.parametrize("model", PIPELINES.values(), ids=PIPELINES)
def test_a_pipeline_is_answered_as_by_the_model(
    model: Any, make_predictor: Callable[[object], Predictor]
) -> None:
    rows, target = data()
    model.fit(rows, target)
    predictor = make_predictor(model)

    assert predictor.program, predictor.model.not_compiled
    row_program = predictor.program.row_program
    assert row_program
    answers = [row_program.answer(row) for row in rows.tolist()]
    assert None not in answers
    assert [answer[0] for answer in answers if answer] == model.predict(rows).tolist()
    found = [answer[1] for answer in answers if answer]
    np.testing.assert_allclose(found, model.predict_proba(rows), rtol=0, atol=1e-12)


def test_a_label_that_depends_on_rounding_is_left_to_numpy() -> None:
    coefficients = np.array([[0.1], [0.2], [-0.3]])
    program = make_row_program(
        Classifier(Product(coefficients, 0.0), "positive", "logistic", is_flat=True), 3
    )
    assert program

    # 0.1 + 0.2 - 0.3 is 0 or 5.6e-17, depending on the order of addition.
    assert program.answer([1.0, 1.0, 1.0]) is None
    assert program.answer([1e30, 1e30, 1e30]) is None
    assert program.answer([1.0, 1.0, 0.9999]) is not None


def test_two_largest_scores_that_are_equal_are_left_to_numpy() -> None:
    program = make_row_program(
        Classifier(Product(np.array([[0.1, 0.1, 1.0]]), np.zeros(3)), "largest", "softmax"), 1
    )
    assert program

    assert program.answer([-1.0]) is None
    found = program.answer([1.0])
    assert found
    assert found[0] == 2


def test_trees_behind_a_product_have_no_row_program(make_predictor: Callable[[object], Predictor]) -> None:
    """A sum that was added in another order may be on the other side of a threshold."""
    rows, target = data()
    model = make_pipeline(PCA(3), RandomForestClassifier(5)).fit(rows, target)

    program = make_predictor(model).program

    assert program
    assert program.row_program is None


def test_a_row_that_a_step_makes_too_large_is_left_to_the_model(
    make_predictor: Callable[[object], Predictor],
) -> None:
    rows, target = data()
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5)).fit(rows * 0.1, target)
    program = make_predictor(model).program
    assert program
    assert program.row_program

    # The scaler divides by less than 1, so the first number becomes too large for float32.
    assert program.row_program.answer([3.4e38, 0, 0, 0, 0]) is None
    assert program.row_program.answer([1e37, 0, 0, 0, 0]) is not None


def test_a_sum_whose_digits_cancel_is_left_to_numpy() -> None:
    coefficients = np.array([[1.0], [-1.0], [0.5], [-0.5]])
    program = make_row_program(Regressor(Product(coefficients, 0.1)), 4)
    assert program

    assert program.answer([1.7e9, 1.7e9 + 1, 1.7e9, 1.7e9 + 3]) is None
    found = program.answer([1.0, 2.0, 3.0, 5.0])
    assert found
    np.testing.assert_allclose(found[1], [-1.9], rtol=1e-15)


def test_an_exponential_is_answered_as_by_the_model(make_predictor: Callable[[object], Predictor]) -> None:
    rows, target = data()
    model = PoissonRegressor().fit(rows, target)

    program = make_predictor(model).program

    assert program
    assert program.row_program
    found = [program.row_program.answer(row) for row in rows.tolist()]
    np.testing.assert_allclose([each[1][0] for each in found if each], model.predict(rows), rtol=1e-12)
    # The exponential of this score is larger than the largest float32.
    assert program.row_program.answer([1e5 * np.sign(model.coef_[0]), 0, 0, 0, 0]) is None
