"""A function that is not the model's is found out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from service.compiler.converters import linear

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.compiler.functions import Outcome
    from service.prediction.predictor import Predictor

    MakePredictor = Callable[[object], Predictor]


@pytest.fixture(scope="module")
def table() -> tuple[Any, Any]:
    data: tuple[Any, Any] = make_classification(300, 6, n_informative=4, random_state=0)
    return data


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
