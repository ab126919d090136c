from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.errors import WrongSchema
from service.schema.declared import Declared, DeclaredFeature, parse_declared
from service.schema.features import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

ANY = Feature("a", "any", nullable=True, dtype="any")
NUMBER = Feature("b")


def test_a_schema_is_read() -> None:
    document = {
        "features": [
            {"name": "a", "type": "category", "categories": ["x", 2], "nullable": False},
            {"name": "b"},
        ],
        "optional": ["b"],
        "classes": ["no", "yes"],
        "member": "model",
    }

    assert parse_declared(document) == Declared(
        features=(
            DeclaredFeature("a", "category", nullable=False, categories=("x", 2)),
            DeclaredFeature("b"),
        ),
        optional=("b",),
        classes=("no", "yes"),
        member="model",
    )


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "must be an object of classes"),
        ({"feature": []}, "unknown key 'feature'"),
        ({"features": {}}, "features must be a list"),
        ({"features": [{}]}, "the name of a feature must be a string"),
        ({"features": [{"name": "a", "type": "float"}]}, "the type of a must be one of any, "),
        ({"features": [{"name": "a", "nullable": 1}]}, "nullable of a must be true or false"),
        ({"features": [{"name": "a", "low": True}]}, "low of a must be a number"),
        ({"features": [{"name": "a", "example": []}]}, "the example of a must be a string"),
        ({"features": [{"name": "a", "categories": [{}]}]}, "a category of a must be a string"),
        ({"optional": [1]}, "a name in optional must be a string"),
        ({"member": 1}, "member must be a string"),
    ],
)
def test_what_is_wrong_in_a_schema_is_named(document: object, problem: str) -> None:
    with pytest.raises(WrongSchema, match=problem):
        parse_declared(document)


@pytest.mark.parametrize(
    ("record", "feature"),
    [
        ({"type": "number"}, Feature("a", "number", nullable=True)),
        ({"type": "number", "dtype": "int64"}, Feature("a", "number", nullable=True, dtype="int64")),
        ({"type": "number", "nullable": False}, Feature("a", "number")),
        ({"type": "text"}, Feature("a", "text", nullable=True, dtype="text")),
        ({"type": "date"}, Feature("a", "date", nullable=True, dtype="datetime64")),
        (
            {"type": "category", "categories": ["x"]},
            Feature("a", "category", nullable=True, dtype="text", categories=("x",), is_open=True),
        ),
        ({}, ANY),
    ],
)
def test_a_declared_type_is_taken_where_the_model_tells_none(
    record: Mapping[str, object], feature: Feature
) -> None:
    declared = parse_declared({"features": [{"name": "a", **record}]})

    assert declared.complete([ANY, NUMBER]) == (feature, NUMBER)


def test_what_the_model_tells_wins() -> None:
    declared = parse_declared({"features": [{"name": "b", "type": "text"}]})

    assert declared.complete([NUMBER]) == (NUMBER,)


def test_an_optional_feature_need_not_be_in_a_row() -> None:
    assert Declared(optional=("b",)).complete([NUMBER]) == (Feature("b", required=False),)


@pytest.mark.parametrize("document", [{"features": [{"name": "c"}]}, {"optional": ["c"]}])
def test_a_feature_that_the_model_does_not_have_is_an_error(document: Mapping[str, object]) -> None:
    with pytest.raises(WrongSchema, match="has no feature 'c'; it takes a, b"):
        parse_declared(document).complete([ANY, NUMBER])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Age", "has no feature 'Age' (did you mean 'age'?); it takes age, sex"),
        ("zzz", "has no feature 'zzz'; it takes age, sex"),
    ],
)
def test_the_name_that_was_meant_is_named(name: str, expected: str) -> None:
    with pytest.raises(WrongSchema) as caught:
        Declared(optional=(name,)).complete([Feature("age"), Feature("sex")])

    assert str(caught.value) == expected


def test_one_schema_completes_another() -> None:
    first = Declared(optional=("a",), member="model")
    second = Declared(features=(DeclaredFeature("a"),), optional=("b", "a"), classes=(1, 2), member="scaler")

    assert first.over(second) == Declared((DeclaredFeature("a"),), ("a", "b"), (1, 2), "model")
