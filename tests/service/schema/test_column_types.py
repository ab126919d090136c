"""For tables with columns of several types, the service answers each row as the model itself does."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.pipeline import make_pipeline

from service.schema.column_types import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.service.conftest import Fitted, Frame, MakeClient


MODELS = ["many", "selected", "nested", "boosting", "search", "stacking", "array", "texts"]


@pytest.fixture
def client_of(mixed_models: dict[str, Fitted], make_client: MakeClient) -> Callable[[str], FlaskClient]:
    return lambda name: make_client(mixed_models[name])


def table_of(name: str, model: Fitted, frame: Frame) -> Frame:
    """Give the table in the form in which the model takes it."""
    if name == "texts":
        return frame["note"]
    if name == "array":
        return frame[["age", "town"]].to_numpy(dtype=object)
    table = frame[list(model.feature_names_in_)]
    return table.astype({"town": "category"}) if name == "boosting" else table


def rows_of(name: str, table: Frame) -> list[dict[str, object]]:
    """Give the rows as JSON objects."""
    if name == "texts":
        return [{"x0": text} for text in table]
    if name == "array":
        return [{f"x{at}": plain(value) for at, value in enumerate(row)} for row in table]
    return [
        {column: plain(value) for column, value in zip(table.columns, row)}
        for row in table.astype(object).to_numpy()
    ]


def plain(value: object) -> object:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def string_of(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", MODELS)
def test_rows_in_json_are_answered_as_by_the_model(
    name: str, client_of: Callable[[str], FlaskClient], mixed_models: dict[str, Fitted], mixed_frame: Frame
) -> None:
    model = mixed_models[name]
    table = table_of(name, model, mixed_frame)

    response = client_of(name).post("/prediction", json={"rows": rows_of(name, table)})

    answer = json.loads(response.data)
    assert response.status_code == 200, answer
    assert answer["predictions"] == model.predict(table).tolist()
    probabilities = [list(row.values()) for row in answer["probabilities"]]
    np.testing.assert_allclose(probabilities, model.predict_proba(table), rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_one_row_in_a_query_is_answered_as_by_the_model(
    name: str, client_of: Callable[[str], FlaskClient], mixed_models: dict[str, Fitted], mixed_frame: Frame
) -> None:
    model = mixed_models[name]
    table = table_of(name, model, mixed_frame)
    expected = model.predict_proba(table)
    client = client_of(name)
    features = json.loads(client.get("/model").data)["features"]
    # A string in a column that no part of the model uses may be read as a number.
    used = [feature["name"] for feature in features if feature["type"] != "any"]

    rows = rows_of(name, table)
    # A date in a column of numbers is shown as its number.
    numbers = {feature["name"] for feature in features if feature["type"] == "number"}
    used = [one for one in used if not (one in numbers and isinstance(rows[0][one], str))]
    assert len(rows) == len(expected)
    for row, probabilities in zip(rows, expected):
        query = urlencode({column: string_of(value) for column, value in row.items()})
        response = client.get(f"/prediction?{query}")

        answer = json.loads(response.data)
        assert response.status_code == 200, (row, answer)
        assert {column: answer["inputs"][column] for column in used} == {
            column: row[column] for column in used
        }
        assert list(answer["probabilities"].values()) == pytest.approx(probabilities.tolist(), rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_the_example_of_the_service_is_answered(name: str, client_of: Callable[[str], FlaskClient]) -> None:
    client = client_of(name)
    example = json.loads(client.get("/model").data)["example"]

    response = client.get(example)

    assert response.status_code == 200, response.text
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200


class Doubled:
    """An own transformer, which does not tell how many columns it gives."""

    def fit(self, *_: object) -> Doubled:
        return self

    def transform(self, table: Frame) -> object:
        return np.hstack([table, np.square(table)])


def test_positions_behind_an_own_transformer_are_followed_as_far_as_they_are_known() -> None:
    table = np.arange(40.0).reshape(20, 2)
    bagging = BaggingClassifier(max_features=0.5, n_estimators=8, random_state=0)
    model = make_pipeline(Doubled(), bagging).fit(table, np.arange(20) % 2)
    reading = Reading(2)

    reading.read(model)

    assert max(max(positions) for positions in bagging.estimators_features_) > 1
    assert [feature.name for feature in reading.features(["a", "b"])] == ["a", "b"]
