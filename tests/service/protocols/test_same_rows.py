"""The same rows get the same answers in every wire format, or are refused in all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.service.protocols import wire

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.service.conftest import MakeClient

NUMERIC = ("classifier", "with gaps")
EXAMPLES = settings(
    max_examples=30,
    # The same rows at each run: a run that fails by chance would be no use to a reader.
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NUMBER = st.one_of(
    st.floats(-100, 100),
    st.floats(allow_infinity=False, allow_nan=False),
    st.integers(-10, 10).map(float),
    st.sampled_from([3.4028234663852886e38, -3.5e38, 5e-324, -0.0, 1e-300]),
)
TOWNS = ["Köln", "New York", 'say "hi"', "a,b", "NA", "5"]
# Surrogates are no text in UTF-8.
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)


def in_order(values: dict[str, Any]) -> Any:
    """Rows whose names come in the order of the columns."""
    return st.tuples(*values.values()).map(lambda row: dict(zip(values, row)))


MIXED_ROW = in_order(
    {
        "age": st.one_of(st.none(), NUMBER),
        "rooms": st.sampled_from([1.0, 2.0, 3.0]),
        "town": st.one_of(st.sampled_from(TOWNS), TEXT),
        "size": st.sampled_from(["S", "M", "L", " S"]),
        "member": st.booleans(),
        "note": TEXT,
    }
)


def number_rows(columns: list[str], value: Any) -> Any:
    return st.lists(in_order(dict.fromkeys(columns, value)), min_size=1, max_size=4)


def mixed_model() -> Any:
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": np.where(np.arange(60) % 7 == 3, np.nan, random.normal(40, 9, 60)),
            "rooms": np.resize([1.0, 2.0, 3.0], 60),
            "town": np.resize(np.array(TOWNS, dtype=object), 60),
            "size": np.resize(np.array(["S", "M", "L"], dtype=object), 60),
            "member": np.resize([True, False], 60),
            "note": np.resize(np.array(["good buy", "bad", "söße & klein", "true"], dtype=object), 60),
        }
    )
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "rooms"]),
        (OneHotEncoder(handle_unknown="ignore"), ["town"]),
        (OneHotEncoder(), ["size"]),
        (OrdinalEncoder(), ["member"]),
        (TfidfVectorizer(), "note"),
    )
    model = make_pipeline(steps, LogisticRegression(max_iter=500))
    return model.fit(table, np.where(table.rooms > 1.5, "yes", "no"))


def client_of(make_client: MakeClient, classifier: Any, name: str) -> FlaskClient:
    if name == "classifier":
        return make_client(classifier)
    if name == "mixed":
        return make_client(mixed_model())
    random = np.random.default_rng(1)
    table = np.where(random.random((80, 3)) < 0.2, np.nan, random.normal(size=(80, 3)))
    return make_client(HistGradientBoostingRegressor(max_iter=5).fit(table, np.nansum(table, axis=1)))


def check(client: FlaskClient, rows: list[dict[str, Any]], forms: list[wire.Sent]) -> None:
    """Compare each form with the service's own."""
    own = client.post("/prediction", json={"rows": rows})
    for sent in forms:
        response = sent.to(client)
        assert response.status_code == own.status_code, (sent, own.text, response.text)
        if own.status_code == 200:
            expected = json.loads(own.data)["predictions"]
            found = wire.predictions_of(sent, response)
            is_text = isinstance(expected[0], str)
            assert found == (expected if is_text else pytest.approx(expected, rel=1e-12)), sent
        else:
            assert own.status_code in (400, 422)
            assert wire.is_error_of_its_form(sent.path, response.data), response.text


@pytest.mark.parametrize("name", NUMERIC)
def test_rows_of_numbers(name: str, classifier: Any, make_client: MakeClient) -> None:
    client = client_of(make_client, classifier, name)
    columns = ["slength", "swidth", "plength", "pwidth"] if name == "classifier" else ["x0", "x1", "x2"]
    value = NUMBER if name == "classifier" else st.one_of(st.none(), NUMBER)
    every = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS, **wire.NUMBERS}

    @EXAMPLES
    @given(number_rows(columns, value))
    def compare(rows: list[dict[str, Any]]) -> None:
        check(client, rows, [write(rows) for write in every.values()])

    compare()


def test_missing_values_where_the_model_takes_none(classifier: Any, make_client: MakeClient) -> None:
    client = client_of(make_client, classifier, "classifier")
    every = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS, **wire.NUMBERS}
    row = {"slength": 5.1, "swidth": None, "plength": 1.4, "pwidth": 0.2}

    for write in every.values():
        response = write([{**row, "swidth": 3.0}, row]).to(client)
        assert response.status_code == 400
        assert "row 1: swidth" in response.text


def test_rows_of_mixed_values(classifier: Any, make_client: MakeClient) -> None:
    client = client_of(make_client, classifier, "mixed")

    @EXAMPLES
    @given(st.lists(MIXED_ROW, min_size=1, max_size=4))
    def compare(rows: list[dict[str, Any]]) -> None:
        forms = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS}
        # An empty cell is a missing value, and a line of CSV ends at any kind of end of a line.
        if all(row["note"] and row["town"] for row in rows):
            forms.update(wire.CELLS)
        check(client, rows, [write(rows) for write in forms.values()])

    compare()


def test_an_empty_text_is_a_text_in_every_form_but_csv(classifier: Any, make_client: MakeClient) -> None:
    client = client_of(make_client, classifier, "mixed")
    row = {"age": None, "rooms": 1.0, "town": "Köln", "size": "S", "member": True, "note": ""}

    check(client, [row], [write([row]) for write in {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS}.values()])
