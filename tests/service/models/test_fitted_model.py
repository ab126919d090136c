"""A model that answers in another form than its kind does fails by itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from service.errors import ModelFailed
from service.models.fitted_model import FittedModel
from service.schema.declared import NOTHING_DECLARED

ROWS = np.arange(20, dtype=float).reshape(-1, 2)


def test_a_table_with_another_number_of_answers_is_a_failure_of_the_model() -> None:
    """The labels come as one line of a sparse table: with one dimension, or with one row."""
    model = OneVsRestClassifier(LogisticRegression()).fit(ROWS, np.arange(10) % 2)
    model.label_binarizer_.sparse_input_ = True
    served = FittedModel(model, NOTHING_DECLARED)

    with pytest.raises(ModelFailed):
        served.ask(ROWS)
