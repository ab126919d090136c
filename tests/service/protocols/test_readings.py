from __future__ import annotations

import json

import pytest

from service.errors import InvalidInput
from service.protocols.description import example, example_body
from service.protocols.payload import parse_json, parse_query
from service.protocols.readings import two_readings
from service.protocols.row_checks import RowChecks
from service.schema.declared import Declared, DeclaredFeature
from service.schema.features import Feature

SIZE = Feature("size", "any", dtype="any")
COLOR = Feature("color", "category", categories=("red",))


def test_the_refusal_names_the_field_and_says_what_to_do() -> None:
    with pytest.raises(
        InvalidInput, match=r"size may be a text or a number.* send JSON.* --examples"
    ) as caught:
        parse_query([("size", "22"), ("color", "red")], RowChecks.of((SIZE, COLOR)))

    assert "color" not in str(caught.value)


def test_json_tells_the_readings_apart() -> None:
    rows = [{"size": value, "color": "red"} for value in (22, "22", True, "true")]

    parsed = parse_json(json.dumps({"rows": rows}).encode(), RowChecks.of((SIZE, COLOR)))

    assert [row[0] for row in parsed] == [22, "22", True, "true"]
    assert [type(row[0]) for row in parsed] == [int, str, bool, str]


def test_a_declared_type_is_the_one_reading() -> None:
    declared = Declared((DeclaredFeature("size", type="text"),))
    (size, _) = declared.complete((SIZE, COLOR))

    assert two_readings(size, "22") == ""
    assert parse_query([("size", "22"), ("color", "red")], RowChecks.of((size, COLOR))) == ["22", "red"]


def test_the_example_is_a_row_in_json_where_a_query_cannot_say_it() -> None:
    assert example_body((SIZE, COLOR)) == {"example_body": {"size": 1.0, "color": "red"}}
    assert example_body((COLOR,)) == {}
    assert example((COLOR,)) == "/prediction?color=red"
