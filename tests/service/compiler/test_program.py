"""A program that answers otherwise than the model fails its trial."""

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
        (lambda outcome: outcome._replace(values=1 - outcome.values), "a label differs"),
        (
            lambda outcome: outcome._replace(probabilities=outcome.probabilities + 1e-9),
            "a number differs from the model's number by 1.0e-09",
        ),
        (lambda outcome: outcome._replace(probabilities=None), "only one of the model and"),
        (lambda outcome: outcome._replace(probabilities=outcome.probabilities[:, :1]), "another shape"),
        (lambda _: None, "cannot answer most rows of its trial"),
    ],
)
def test_a_wrong_program_is_not_used(
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


def test_a_program_that_differs_only_beside_a_threshold_is_not_used(
    table: tuple[Any, Any], make_predictor: MakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = DecisionTreeClassifier(max_depth=2).fit(*table)
    monkeypatch.setattr(
        "service.compiler.trees._for_float64", lambda thresholds: np.nextafter(thresholds, -np.inf)
    )

    assert "a label differs" in make_predictor(model).model.not_compiled
