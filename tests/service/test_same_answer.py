"""The same row gets the same answer through every door: the model's own, or a refusal that names the field.

`INFER_EXAMPLES` is the number of models that each test generates; without it, always the same few are tried.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from service.loading.model_file import LoadedModel
from service.models.fitted_model import FittedModel
from service.prediction.predictor import Predictor, _join, _split
from service.protocols.payload import parse_json
from service.protocols.row_checks import RowChecks
from service.protocols.value_checks import value_of_string
from tests.service.conftest import ROOT, app_of
from tests.service.row_cases import boosted_categories, encoded_tables, own_functions, unnamed_tables

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from service.schema.features import Feature
    from tests.service.row_cases import Case

EXAMPLES = int(os.environ.get("INFER_EXAMPLES", "20"))
quickly = settings(
    max_examples=EXAMPLES,
    derandomize="INFER_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning", "ignore::FutureWarning")
class TestSameAnswer:
    @quickly
    @given(encoded_tables())
    def test_of_encoders_imputers_and_scalers(self, case: Case) -> None:
        check(case)

    @quickly
    @given(own_functions())
    def test_of_own_functions(self, case: Case) -> None:
        check(case)

    @quickly
    @given(boosted_categories())
    def test_of_boosting_with_categories(self, case: Case) -> None:
        check(case)

    @quickly
    @given(unnamed_tables())
    def test_of_models_without_names(self, case: Case) -> None:
        check(case)


def check(case: Case) -> None:
    """Ask for the rows through every door, and compare with the model's own answers."""
    model = FittedModel(case.model)
    client = app_of(LoadedModel(model, ROOT / "model.pkl", 1, "sha256:")).test_client()
    taken: list[tuple[dict[str, Any], Any]] = []
    for row in case.rows:
        response = client.post("/prediction", json=row)
        if response.status_code == 200:
            answer = response.get_json()["predictions"][0]
            own = own_answer(case, row)
            assert is_same(answer, own), f"{row}: {answer} is not the model's own {own}"
            taken.append((row, answer))
        else:
            check_refusal(response, case, row)
            assert not is_of_training(case, row), f"{row}: {response.get_data(as_text=True)}"
        check_query(client, model.features, row, response)
    if taken:
        check_together(client, model, taken)


def own_answer(case: Case, row: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return case.own_answer(row)


def check_refusal(response: TestResponse, case: Case, row: dict[str, Any]) -> None:
    """A refusal names a field, unless the model itself refuses the row, too."""
    error = response.get_json()["error"]
    if response.status_code == 400:
        assert error["details"]["fields"][0]["field"] in row, error
        return
    with contextlib.suppress(Exception):
        answer = own_answer(case, row)
        pytest.fail(f"{row}: the model answers {answer}, and the service {error}")


def check_query(
    client: FlaskClient, features: tuple[Feature, ...], row: dict[str, Any], posted: TestResponse
) -> None:
    """A query with the same values gets the same answer, if a query can say these values."""
    texts = {name: query_text(value) for name, value in row.items()}
    for feature in features:
        said = value_of_string(feature, texts[feature.name])
        if (said, type(said)) != (row[feature.name], type(row[feature.name])):
            return
    asked = client.get("/prediction?" + urlencode(texts))
    assert asked.status_code == posted.status_code, f"{row}: {asked.get_data(as_text=True)}"
    if posted.status_code == 200:
        assert asked.get_json()["prediction"] == posted.get_json()["predictions"][0], row


def query_text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, (bool, int, float)) else str(value)


def check_together(client: FlaskClient, model: FittedModel, taken: list[tuple[dict[str, Any], Any]]) -> None:
    """Rows in one request, in any order, and rows of several requests in one call get the answers of each."""
    shuffled = random.Random(0).sample(taken, len(taken))  # noqa: S311 (nothing is secret)
    for some in (taken, shuffled):
        response = client.post("/prediction", json={"rows": [row for row, _ in some]})
        answers = response.get_json().get("predictions")
        assert answers is not None, response.get_data(as_text=True)
        assert all(is_same(found, alone) for found, (_, alone) in zip(answers, some)), (answers, some)
    predictor = Predictor(model)
    parts: list[Any] = [
        parse_json(json.dumps(row).encode(), RowChecks.of(predictor.features)) for row, _ in taken
    ]
    if predictor.takes_numbers:
        parts = [np.array(part, dtype=np.float64) for part in parts]
    joint = _split(model.ask(_join(parts)), [len(part) for part in parts])
    assert all(is_same(found.values[0], alone) for found, (_, alone) in zip(joint, taken)), (joint, taken)


def is_same(found: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return bool(np.isclose(found, expected, rtol=1e-9, atol=1e-9))
    return bool(found == expected)


def is_of_training(case: Case, row: dict[str, Any]) -> bool:
    """Tell whether a row is one of those that the model was trained with, which none may refuse."""
    return any(
        all(type(row[name]) is type(value) and row[name] == value for name, value in trained.items())
        for trained in case.training.to_dict("records")
    )
