from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from service.errors import InvalidInput
from service.protocols.payload import parse_json, parse_query
from service.protocols.row_checks import RowChecks
from service.schema.features import TEXT_OR_WHOLE, Feature

if TYPE_CHECKING:
    from service.schema.features import Value

NUMBER = Feature("a")
NS = Feature("a", unit="ns")
NUMBER_OR_GAP = Feature("a", required=False, nullable=True)
TEXT = Feature("a", "text")
TEXT_OR_GAP = Feature("a", "text", required=False, nullable=True)
COLOR = Feature("a", "category", categories=("red", "blue"))
ANY_COLOR = Feature("a", "category", required=False, nullable=True, categories=("red",), is_open=True)
ROOMS = Feature("a", "category", categories=(1, 2.5))
SIZES = Feature("a", "category", categories=(1, "x"))
# What CatBoost takes for a category: it makes "1" of true, and not "True".
CODE = Feature("a", "text", dtype=TEXT_OR_WHOLE)
WET = Feature("a", "boolean")
ALWAYS_WET = Feature("a", "boolean", categories=(True,))
DAY = Feature("a", "date")
KNOWN_DAY = Feature("a", "date", categories=(datetime(2026, 1, 31),))  # noqa: DTZ001
ANY = Feature("a", "any", required=False, nullable=True, dtype="any")
UNUSED = Feature("a", "any", required=False, nullable=True, dtype="unused")
# Both 1 and "1" are categories.
MIXED = Feature("a", "category", categories=("22", 7, "false", 1, "1"), dtype="O")
LIKE_CATBOOST = Feature("a", "text", dtype=TEXT_OR_WHOLE)
# Makes the table a mixed one.
BESIDE = Feature("b", "text", required=False, nullable=True)


def problem_of(error: InvalidInput) -> object:
    assert isinstance(error.details, dict)
    assert isinstance(error.details["fields"], list)
    (field,) = error.details["fields"]
    assert isinstance(field, dict)
    return field["problem"]


@pytest.mark.parametrize(
    ("feature", "given", "expected"),
    [
        (NUMBER, 3, 3.0),
        (SIZES, 1, 1),
        (SIZES, "x", "x"),
        (CODE, 7, "7"),
        (CODE, True, "1"),
        (CODE, False, "0"),
        (CODE, "True", "True"),
        (NUMBER, True, 1.0),
        (NS, 1_800_000_000_000_000_001, 1.8e18),
        (NS, "1970-01-02T00:00:00.5", 86_400_500_000_000.0),
        (Feature("a", unit="us"), "1969-12-31", -86_400_000_000.0),
        (NUMBER_OR_GAP, None, None),
        (NUMBER_OR_GAP, "", None),
        (TEXT, "", ""),
        (TEXT, "007", "007"),
        (TEXT, 'ü & "q"\n\x00', 'ü & "q"\n\x00'),
        (TEXT_OR_GAP, None, None),
        (COLOR, "red", "red"),
        (ANY_COLOR, "purple", "purple"),
        (ANY_COLOR, None, None),
        (ROOMS, 1, 1),
        (ROOMS, 2.5, 2.5),
        (WET, False, False),
        (DAY, "2026-01-31", datetime(2026, 1, 31)),  # noqa: DTZ001
        (DAY, "2026-01-31T12:30", datetime(2026, 1, 31, 12, 30)),  # noqa: DTZ001
        (DAY, "2026-01-31 12:30:05.25", datetime(2026, 1, 31, 12, 30, 5, 250_000)),  # noqa: DTZ001
        (DAY, "2026-01-31T12:30:05Z", datetime(2026, 1, 31, 12, 30, 5)),  # noqa: DTZ001
        (DAY, "2026-01-31T23:30:00-02:00", datetime(2026, 2, 1, 1, 30)),  # noqa: DTZ001
        (KNOWN_DAY, "2026-01-31T00:00", datetime(2026, 1, 31)),  # noqa: DTZ001
        (ANY, 3, 3),
        (ANY, 12345678901234567890, 12345678901234567890),
        (ANY, "007", "007"),
        (ANY, True, True),
        (ANY, None, None),
    ],
)
def test_json(feature: Feature, given: object, expected: Value) -> None:
    (row,) = parse_json(json.dumps({"a": given}).encode(), RowChecks.of((feature, BESIDE)))

    assert row == [expected, None]
    assert type(row[0]) is type(expected)


@pytest.mark.parametrize(
    ("feature", "given", "problem"),
    [
        (NS, "soon", "not_a_number"),
        (NUMBER, "2026-01-31", "not_a_number"),
        (NUMBER, None, "missing"),
        (NUMBER, "1", "not_a_number"),
        (TEXT, None, "missing"),
        (TEXT, 7, "not_a_text"),
        (TEXT, "\ud800", "not_a_text"),
        (COLOR, "purple", "unknown_category"),
        (COLOR, "", "unknown_category"),
        (COLOR, None, "missing"),
        (COLOR, 1, "not_a_text"),
        (ANY_COLOR, 1, "not_a_text"),
        (ROOMS, 3, "unknown_category"),
        (ROOMS, True, "not_a_number"),
        (ROOMS, "1", "not_a_number"),
        (WET, 1, "not_a_boolean"),
        (WET, "true", "not_a_boolean"),
        (ALWAYS_WET, False, "unknown_category"),
        (DAY, "31.1.2026", "not_a_date"),
        (DAY, "2026-02-30", "not_a_date"),
        (DAY, "2026-01-31T25:00", "not_a_date"),
        (DAY, "9999-12-31T23:59-01:00", "not_a_date"),
        (DAY, "0001-01-01", "not_a_date"),
        (DAY, 20260131, "not_a_date"),
        (KNOWN_DAY, "2026-02-01", "unknown_category"),
        (ANY, [1], "not_a_value"),
        (ANY, float("inf"), "not_finite"),
        (ANY, "\udfff", "not_a_text"),
    ],
)
def test_json_that_does_not_fit(feature: Feature, given: object, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_json(json.dumps({"a": given}).encode(), RowChecks.of((feature, BESIDE)))

    assert problem_of(caught.value) == problem


@pytest.mark.parametrize(
    ("feature", "given", "expected"),
    [
        (NUMBER, "true", 1.0),
        (NUMBER_OR_GAP, "", None),
        (TEXT, "", ""),
        (TEXT, " 007 ", " 007 "),
        (TEXT, "true", "true"),
        (TEXT_OR_GAP, "", None),
        (ANY_COLOR, "", None),
        (Feature("a", "category", categories=("", "x"), nullable=True), "", ""),
        (ROOMS, "1.0", 1),
        (WET, "True", True),
        (WET, "0", False),
        (DAY, " 2026-01-31 ", datetime(2026, 1, 31)),  # noqa: DTZ001
        (ANY, "", None),
        (ANY, "word", "word"),
        (ANY, "1_000", "1_000"),
        (UNUSED, "1e3", 1000.0),
        (UNUSED, "007", "007"),
        (UNUSED, "FALSE", False),
        (MIXED, "22", "22"),
        (MIXED, "7", 7),
        (MIXED, "7.0", 7),
        (MIXED, "false", "false"),
        (LIKE_CATBOOST, "22", "22"),
        (LIKE_CATBOOST, "22.5", "22.5"),
        (LIKE_CATBOOST, "truth", "truth"),
    ],
)
def test_query(feature: Feature, given: str, expected: Value) -> None:
    row = parse_query([("a", given)], RowChecks.of((feature, BESIDE)))

    assert row == [expected, None]
    assert type(row[0]) is type(expected)


@pytest.mark.parametrize(
    ("feature", "given", "problem"),
    [
        (NUMBER, "", "missing"),
        (COLOR, "", "missing"),
        (WET, "", "missing"),
        (WET, "yes", "not_a_boolean"),
        (DAY, "", "missing"),
        (ROOMS, "one", "not_a_number"),
        (ANY, "22", "ambiguous"),
        (ANY, "007", "ambiguous"),
        (ANY, " 1.0", "ambiguous"),
        (ANY, "1e3", "ambiguous"),
        (ANY, "True", "ambiguous"),
        (MIXED, "1", "ambiguous"),
        (MIXED, "zz", "unknown_category"),
        (LIKE_CATBOOST, "True", "ambiguous"),
        (LIKE_CATBOOST, "false", "ambiguous"),
        (LIKE_CATBOOST, "22.0", "ambiguous"),
    ],
)
def test_query_that_does_not_fit(feature: Feature, given: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_query([("a", given)], RowChecks.of((feature, BESIDE)))

    assert problem_of(caught.value) == problem


def test_what_may_be_missing_may_be_left_out_only_if_it_is_not_required() -> None:
    required = Feature("c", nullable=True)

    assert parse_json(b'{"c": null}', RowChecks.of((NUMBER_OR_GAP, required))) == [[None, None]]
    with pytest.raises(InvalidInput, match=r"^c is missing$"):
        parse_json(b"{}", RowChecks.of((NUMBER_OR_GAP, required)))


def test_the_known_categories_are_told() -> None:
    many = Feature("a", "category", categories=tuple(f"c{at}" for at in range(60)))

    with pytest.raises(InvalidInput) as caught:
        parse_query([("a", "x")], RowChecks.of((many,)))

    assert caught.value.message.startswith(
        'a is none of the categories that the model knows: "x" (known: "c0", "c1", '
    )
    assert caught.value.message.endswith('"c9" and 50 more)')
    assert isinstance(caught.value.details, dict)
    assert isinstance(caught.value.details["fields"], list)
    assert isinstance(caught.value.details["fields"][0], dict)
    assert caught.value.details["fields"][0]["categories"] == [f"c{at}" for at in range(50)]
