from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from service.models.input_choice import choose_input
from service.schema.column_types import Reading
from service.schema.features import Feature

if TYPE_CHECKING:
    import pandas as pd


class Wrapper:
    """A class around a model, which has no more than it needs."""

    def predict(self, table: pd.DataFrame) -> list[float]:
        return [float(value) for value in table["width"]]


def test_a_class_without_fit_gets_its_columns_by_name() -> None:
    features = [Feature("width"), Feature("height")]

    chosen = choose_input(Wrapper(), Reading(2), features)

    assert Wrapper().predict(cast("pd.DataFrame", chosen.make(np.array([[1.0, 2.0]])))) == [1.0]
