from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from service.errors import InvalidInput
from service.protocols.payload import parse_query
from service.protocols.row_checks import RowChecks
from service.protocols.value_checks import BOOLEANS, NUMBER
from service.protocols.value_schemas import checked_schema, labels_schema, query_schema, value_schema
from service.schema.features import TEXT_OR_WHOLE, Feature

NAN = float("nan")
FEATURES = {
    "number": Feature("x"),
    "nullable number": Feature("x", nullable=True),
    "whole number": Feature("x", dtype="int8"),
    "long whole number": Feature("x", dtype="uint64"),
    "number or date": Feature("x", unit="us"),
    "boolean": Feature("x", "boolean", dtype="bool"),
    "nullable boolean": Feature("x", "boolean", dtype="bool", nullable=True),
    "one boolean": Feature("x", "boolean", dtype="bool", categories=(True,)),
    "text": Feature("x", "text", dtype="object"),
    "nullable text": Feature("x", "text", dtype="object", nullable=True),
    "date": Feature("x", "date", dtype="datetime64[us]"),
    "nullable date": Feature("x", "date", dtype="datetime64[us]", nullable=True),
    "texts": Feature("x", "category", dtype="object", categories=("S", "M", "5", "true")),
    "open texts": Feature("x", "category", dtype="object", categories=("S", "M"), is_open=True),
    "texts and missing": Feature("x", "category", dtype="object", categories=("S", NAN), nullable=True),
    "whole categories": Feature("x", "category", dtype="int64", categories=(1, 2, 5)),
    "open whole categories": Feature("x", "category", dtype="int64", categories=(1, 2), is_open=True),
    "float categories": Feature("x", "category", dtype="float64", categories=(1.0, 2.5), nullable=True),
    "open float categories": Feature("x", "category", dtype="float64", categories=(1.0, 2.5), is_open=True),
    "mixed categories": Feature("x", "category", dtype="object", categories=("S", 1, 2.5)),
    "catboost": Feature("x", "text", dtype=TEXT_OR_WHOLE),
    "known to catboost": Feature("x", "category", dtype=TEXT_OR_WHOLE, categories=("7", "S")),
    "any": Feature("x", "any", dtype="object"),
    "nullable any": Feature("x", "any", dtype="object", nullable=True),
    "unused": Feature("x", "any", dtype="unused", nullable=True, required=False),
}
# Some whole numbers beyond this are taken where they are exact, and none is described.
EXACT = 2**53
VALUES: list[Any] = [
    *(None, True, False, 0, 1, 2, 5, 7, -1, 1.5, 2.5, 127, 128, -129, EXACT - 1),
    *(EXACT, 2**64, 2**64 + 1, 3e38, -3.5e38, 1e39),
    *("", " ", "S", "s", "5", "7", "true", "False", "1.0", "22", "-.5", "1e3"),
    *("NaN", "null", "N/A", "söße", "\n"),
    *("2020-01-31", "2020-02-29", "2021-02-29", "1700-02-29", "2000-02-29", "1677-12-31", "2262-01-01"),
    *("1678-01-01", "2261-12-31", "2020-04-31", "2020-13-01", "2020-1-1", "20200101", "2020-01-31T12:30"),
    *("2020-01-31 12:30:00.123456Z", "2020-01-31T24:00", "2020-01-31T12:30:00+01:30", [], [1], {}, {"x": 1}),
]


def takes(schema: Any, value: object) -> bool:
    return bool(OAS30Validator(schema).is_valid(value))


def is_huge(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) >= EXACT


def readings(text: str) -> list[object]:
    """Give what a text of a query may be by its schema: a text, and a number or a boolean."""
    if text.strip().lower() in BOOLEANS:
        return [text, BOOLEANS[text.strip().lower()]]
    if not NUMBER.fullmatch(text):
        return [text]
    number = float(text)
    return [text, int(number) if number.is_integer() else number]


def refusal(value: object, feature: Feature) -> str:
    checks = RowChecks.of([feature])
    checks.check_row({"x": value})
    return str(checks.listed) if checks.count else ""


@pytest.mark.parametrize("name", FEATURES)
def test_a_schema_takes_the_values_that_the_service_takes(name: str) -> None:
    feature = FEATURES[name]
    schema = value_schema(feature)

    differing = {
        json.dumps(value): refusal(value, feature)
        for value in VALUES
        if takes(schema, value) != (not refusal(value, feature))
        and (takes(schema, value) or not is_huge(value))
    }

    assert differing == {}


@pytest.mark.parametrize("name", FEATURES)
def test_a_schema_takes_the_queries_that_the_service_takes(name: str) -> None:
    feature = FEATURES[name]
    schema = query_schema(feature)
    differing = {}

    texts = {str(value) for value in VALUES if not isinstance(value, (list, dict)) and not is_huge(value)}
    # It is the whole number 1, and only its shortest form is a boolean.
    for text in texts - ({"1.0"} if feature.type == "boolean" else set()):
        try:
            parse_query([("x", text)], RowChecks.of([feature]))
            problem = ""
        except InvalidInput as error:
            problem = error.message
        if any(takes(schema, value) for value in readings(text)) != (not problem):
            differing[text] = problem

    assert differing == {}


def test_an_answer_says_what_was_read() -> None:
    assert checked_schema(FEATURES["number"]) == {"type": "number"}
    assert checked_schema(FEATURES["nullable number"]) == {"type": "number", "nullable": True}
    assert checked_schema(FEATURES["date"]) == {"type": "string"}
    assert checked_schema(FEATURES["whole categories"]) == {"type": "number"}
    assert takes(checked_schema(FEATURES["unused"]), None)


@pytest.mark.parametrize(
    ("labels", "schema"),
    [
        (["no", "yes"], {"type": "string", "enum": ["no", "yes"]}),
        ([0, 1], {"type": "integer", "enum": [0, 1]}),
        ([0.0, 1.5], {"type": "number", "enum": [0.0, 1.5]}),
        ([False, True], {"type": "boolean"}),
        ([True], {"type": "boolean", "enum": [True]}),
        (["a", NAN], {"type": "string", "enum": ["a", None], "nullable": True}),
        (["a", 1], {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "integer", "enum": [1]}]}),
        ([datetime(2020, 1, 1)], {"type": "string", "enum": ["2020-01-01", "2020-01-01T00:00:00"]}),  # noqa: DTZ001
        ([*range(1001)], {"type": "integer"}),
    ],
)
def test_labels_are_listed_by_their_types(labels: list[object], schema: object) -> None:
    assert labels_schema(labels) == schema
