"""Histogram gradient boosting is compiled, with its categories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

    MakePredictor = Callable[[object], Predictor]


def test_categories_are_answered_as_by_the_model(make_predictor: MakePredictor) -> None:
    chance = np.random.default_rng(0)
    rows = np.stack([chance.integers(0, 40, 600), chance.normal(size=600)], axis=1)
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[0])
    model.fit(rows, (rows[:, 0] % 7 > 2).astype(int))

    predictor = make_predictor(model)

    rows = np.array([[float(code), 0.5] for code in range(40)])

    assert predictor.program is not None, predictor.model.not_compiled
    assert predictor.predict(rows.tolist()).values == model.predict(rows).tolist()
