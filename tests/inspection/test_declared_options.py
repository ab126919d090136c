from __future__ import annotations

import json

import pytest

from infer_cli.errors import UsageError
from infer_cli.inspection import NOTHING_DECLARED, Declared, declared_by_options, schema_text
from infer_cli.inspection.facts.declared import DeclaredFeature
from infer_cli.inspection.facts.declared import parse_declared as parse_on_the_host
from service.schema.declared import parse_declared as parse_in_the_service


def test_without_options_nothing_is_declared() -> None:
    assert declared_by_options() == NOTHING_DECLARED
    assert schema_text(NOTHING_DECLARED) is None


@pytest.mark.parametrize(
    ("given", "names"),
    [
        pytest.param("a,b", ["a", "b"], id="commas"),
        pytest.param(" a , b c ", ["a", "b c"], id="blanks around names"),
        pytest.param('["a,b", " c"]', ["a,b", " c"], id="a JSON list"),
        pytest.param("1,true", ["1", "true"], id="names like numbers"),
    ],
)
def test_names_are_listed_with_commas_or_as_json(given: str, names: list[str]) -> None:
    declared = declared_by_options(features=given, optional=given)

    assert declared.names == names
    assert list(declared.optional) == names


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        pytest.param("no,yes", ["no", "yes"], id="strings"),
        pytest.param("0,1", [0, 1], id="numbers"),
        pytest.param("false,true", [False, True], id="booleans"),
        pytest.param("-1,2.5,007,NaN", [-1, 2.5, "007", "NaN"], id="only what JSON writes"),
        pytest.param('["0", "a,b", 1]', ["0", "a,b", 1], id="a JSON list"),
        pytest.param("9007199254740993", [9007199254740993], id="exact"),
    ],
)
def test_a_class_label_has_the_type_that_json_gives_it(given: str, labels: list[object]) -> None:
    found = declared_by_options(classes=given).classes

    assert [(type(label), label) for label in found or ()] == [(type(label), label) for label in labels]


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        pytest.param("features", "a,,b", "--features 'a,,b' lacks a name", id="no name"),
        pytest.param("features", "", "--features '' lacks a name", id="nothing"),
        pytest.param("optional", "[]", r"--optional \[\] lists nothing", id="an empty list"),
        pytest.param("optional", "a,b,a", '--optional names "a" twice', id="twice"),
        pytest.param("features", '["a"', "is no JSON list", id="no JSON"),
        pytest.param("features", "[1]", "1 is no name of a column", id="no string"),
        pytest.param("classes", "[null]", "a label must be a string", id="no label"),
        pytest.param("classes", "[1, 1]", "--classes names 1 twice", id="a label twice"),
    ],
)
def test_what_is_wrong_in_an_option_is_named(option: str, given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        declared_by_options(**{option: given})


def test_a_schema_is_written_as_both_sides_read_it() -> None:
    feature = DeclaredFeature("ä,b", "category", "int64", nullable=False, categories=(1, "x"), low=0.5)
    declared = Declared((feature, DeclaredFeature("b", example=False)), ("b",), ("no", 1, True), "model")

    text = schema_text(declared)

    assert text is not None
    assert parse_on_the_host(json.loads(text)) == declared
    assert repr(parse_in_the_service(json.loads(text))) == repr(declared)
    assert text == schema_text(parse_on_the_host(json.loads(text)))
