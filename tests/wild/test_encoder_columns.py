"""The types of the columns of every encoder of category_encoders, from the loaded model and from its file."""

from __future__ import annotations

import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from infer_cli.inspection.facts import encoder_columns as of_file
from infer_cli.inspection.files.stream import Stream
from infer_cli.inspection.formats.pickles.read import read_pickle
from infer_cli.inspection.nodes.node_types import Instance
from service.schema import encoder_columns as of_model

category_encoders = pytest.importorskip("category_encoders")
# These two keep no categories, or keep them in another form: their columns are of any type.
UNTYPED = {"HashingEncoder", "MultiHotEncoder"}
NAMES = sorted(
    name
    for name in dir(category_encoders)
    if name.endswith("Encoder") and name not in UNTYPED and name != "GLMMEncoder"
)
COLUMNS = {
    "texts": (pd.Series(["22", "x"] * 20, dtype=object), "text"),
    "texts and gaps": (pd.Series(["22", "x", None, "x"] * 10, dtype=object), "text"),
    "strings of pandas": (pd.Series(["22", "x"] * 20, dtype="string"), "text"),
    "a category column of texts": (pd.Series(["22", "x"] * 20, dtype="category"), "text"),
    "a category column of numbers": (pd.Series([22, 3] * 20, dtype="category"), "number"),
    "whole numbers": (pd.Series([1, 2] * 20), "number"),
    "numbers and gaps": (pd.Series([7, np.nan] * 20), "number"),
    "numbers and texts": (pd.Series([1, "x"] * 20, dtype=object), None),
    "booleans and texts": (pd.Series([True, "x"] * 20, dtype=object), None),
    # Where an index of booleans became one of numbers, the type is not known.
    "booleans": (pd.Series([True, False] * 20), "boolean"),
}
TARGET = np.array([0, 1, 1, 0] * 10)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list(COLUMNS))
@pytest.mark.parametrize("name", NAMES)
def test_the_type_of_the_categories_is_read_the_same_on_both_sides(name: str, kind: str) -> None:
    values, expected = COLUMNS[kind]
    table = pd.DataFrame({"a": values, "b": np.arange(40.0)})
    try:
        encoder = getattr(category_encoders, name)(cols=["a"]).fit(table, TARGET)
    except TypeError:
        pytest.skip("the encoder does not take such a column")
    found = of_model.encoder_types(encoder)["a"]

    assert found in ((expected, None) if kind == "booleans" else (expected,))
    for module in (pickle, joblib):
        file = io.BytesIO()
        module.dump(encoder, file)
        file.seek(0)
        content, _ = read_pickle(Stream(file))
        assert isinstance(content, Instance)
        assert of_file.encoder_types(content) == {"a": found}
        assert of_file.is_encoder(content) == of_model.is_encoder(encoder)
