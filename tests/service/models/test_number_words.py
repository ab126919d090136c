"""Own code first: a word that is a number is read as one where the model takes no texts, else refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from service.models.fitted_model import FittedModel
from service.schema.declared import Declared, DeclaredFeature
from service.schema.features import needs_types

# A table of pandas, which has no types.
Frame = Any


def area(table: Frame) -> Frame:
    return pd.DataFrame({"area": table["width"] * table["height"]})


def lengths(table: Frame) -> Frame:
    return pd.DataFrame({"length": [len(str(value)) for value in table["width"]], "height": table["height"]})


def known(table: Frame) -> Frame:
    """Encodes texts of digits, and gives the same number to all that it does not know."""
    return pd.DataFrame({"code": [{"5": 1.0, "6": 2.0}.get(value, 0.0) for value in table["width"]]})


@pytest.mark.parametrize(
    ("function", "reads_numbers"),
    [(area, [True, True]), (lengths, [False, True]), (known, [False, False])],
)
def test_a_column_whose_texts_the_model_refuses_is_one_of_numbers(
    function: Any, reads_numbers: list[bool]
) -> None:
    table = pd.DataFrame({"width": [1.0, 2.0, 3.0], "height": [4.0, 5.0, 7.0]})
    model = make_pipeline(FunctionTransformer(function), LinearRegression()).fit(table, np.arange(3.0))

    declared = Declared((DeclaredFeature("width"), DeclaredFeature("height")))
    features = FittedModel(model, declared).features

    assert [feature.type for feature in features] == ["any", "any"]
    assert [feature.reads_numbers for feature in features] == reads_numbers
    assert [needs_types(feature) for feature in features] == [not one for one in reads_numbers]
