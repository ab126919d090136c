from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from openapi_schema_validator import OAS30Validator
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from service.protocols.answer_schemas import NUMBER, answer_schemas, schema_of
from service.schema.usual import NOTHING_USUAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor
    from tests.service.conftest import Iris, MakeClient

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(40, 3))
BITS = (TABLE[:, :2] > 0).astype(int)
WHOLE = {"type": "integer"}
BY_CLASS = {
    "type": "object",
    "properties": {"0": NUMBER, "1": NUMBER},
    "required": ["0", "1"],
    "additionalProperties": False,
}


def listed(items: Any, length: int) -> Any:
    return {"type": "array", "items": items, "minItems": length, "maxItems": length}


LABEL = {"type": "integer", "enum": [0, 1]}
EXPECTED: dict[str, tuple[Any, dict[str, Any]]] = {
    "labels": (
        DecisionTreeClassifier(max_depth=2).fit(TABLE, BITS[:, 0]),
        {"prediction": LABEL, "probabilities": BY_CLASS},
    ),
    "booleans": (KNeighborsClassifier(2).fit(TABLE, BITS[:, 0] > 0), {"prediction": {"type": "boolean"}}),
    "several outputs": (
        KNeighborsClassifier(2).fit(TABLE, BITS),
        {"prediction": listed(LABEL, 2), "probabilities": listed(BY_CLASS, 2)},
    ),
    # Its classes are the positions in the list, and no values of the answer.
    "several labels": (
        OneVsRestClassifier(DecisionTreeClassifier(max_depth=1)).fit(TABLE, BITS),
        {"prediction": listed(NUMBER, 2)},
    ),
    "number": (LinearRegression().fit(TABLE, TABLE[:, 0]), {"prediction": NUMBER}),
    "numbers": (KNeighborsRegressor(2).fit(TABLE, TABLE), {"prediction": listed(NUMBER, 3)}),
    "cluster": (KMeans(2, n_init=1).fit(TABLE), {"prediction": WHOLE}),
    "mixture": (
        GaussianMixture(2).fit(TABLE),
        {"prediction": WHOLE, "probabilities": listed(NUMBER, 2), "score_samples": NUMBER},
    ),
    "outlier": (
        IsolationForest(n_estimators=5).fit(TABLE),
        {
            "prediction": {"type": "integer", "enum": [1, -1]},
            "decision_function": NUMBER,
            "score_samples": NUMBER,
        },
    ),
    "transformer": (StandardScaler().fit(TABLE), {"prediction": listed(NUMBER, 3)}),
    "neighbors": (
        NearestNeighbors(n_neighbors=2).fit(TABLE),
        {"prediction": listed(WHOLE, 2), "distances": listed(NUMBER, 2)},
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_part_of_an_answer_is_described(
    name: str, make_predictor: Callable[[object], Predictor], make_client: MakeClient
) -> None:
    estimator, expected = EXPECTED[name]

    found = answer_schemas(make_predictor(estimator), NOTHING_USUAL)

    assert {part: found[part] for part in expected} == expected
    answer = make_client(estimator).get("/prediction?x0=0.3&x1=-1&x2=2").get_json()
    assert {*answer} == {*found, "inputs"}
    for part, schema in found.items():
        assert list(OAS30Validator(schema).iter_errors(answer[part])) == []


def test_a_sparse_row_is_described(make_predictor: Callable[[object], Predictor]) -> None:
    found = answer_schemas(make_predictor(HashingVectorizer()), NOTHING_USUAL)["prediction"]

    assert found["required"] == ["size", "indices", "values"]


def test_a_model_that_refuses_the_usual_row_may_answer_anything(
    make_predictor: Callable[[object], Predictor], iris: Iris
) -> None:
    predictor = make_predictor(DecisionTreeClassifier(max_depth=1).fit(*iris))

    def refuse(_: object) -> object:
        from service.errors import ModelRefused  # noqa: PLC0415

        raise ModelRefused("ValueError", "beyond its range")

    predictor.predict = refuse  # type: ignore[assignment, method-assign]

    assert answer_schemas(predictor, NOTHING_USUAL) == {"prediction": {}}


def test_an_object_of_very_many_classes_is_described_without_their_names() -> None:
    schema = schema_of({str(number): 0.5 for number in range(1001)})

    assert schema == {"type": "object", "additionalProperties": NUMBER}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (None, NUMBER),
        (True, {"type": "boolean"}),
        ("a", {"type": "string"}),
        ([], listed({}, 0)),
        ([1, "a"], listed({"anyOf": [NUMBER, {"type": "string"}]}, 2)),
    ],
)
def test_other_values_are_described_by_their_types(value: Any, schema: Any) -> None:
    assert schema_of(value) == schema
