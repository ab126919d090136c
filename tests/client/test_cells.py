from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from infer_cli.client.cells import MISSING_WORDS, json_value, number_or_string, typed_row
from infer_cli.client.served_model import ServedFeature
from infer_cli.errors import InferError
from service.protocols import value_checks

FEATURES = {
    "size": ServedFeature("number"),
    "color": ServedFeature("text"),
    "note": ServedFeature("text", takes_empty=True),
    "wet": ServedFeature("boolean"),
    "day": ServedFeature("date"),
    "some": ServedFeature("any"),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("3", 3, id="whole"),
        pytest.param("-3", -3, id="negative"),
        pytest.param("+3.5", 3.5, id="plus"),
        pytest.param(" 3 ", 3, id="spaces around"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("inf", math.inf, id="infinity"),
        pytest.param("1_000", "1_000", id="what only Python reads as a number"),
        pytest.param("3,5", "3,5", id="decimal comma"),
        pytest.param("\u0661", "\u0661", id="digits of another script"),
        pytest.param("red", "red", id="a word"),
        pytest.param(" ", " ", id="a space"),
        pytest.param("0x10", "0x10", id="hexadecimal"),
        pytest.param("True", "True", id="boolean"),
        pytest.param("9007199254740993", 2**53 + 1, id="more digits than a float has"),
        pytest.param("9007199254740993.0", 2**53 + 1, id="a whole number with a point"),
        pytest.param("-9223372036854775808", -(2**63), id="64 bits"),
        pytest.param("1e300", 1e300, id="a large float"),
        pytest.param("9" * 5000, math.inf, id="more digits than Python reads"),
    ],
)
def test_a_cell_is_a_number_where_it_reads_as_one(text: str, expected: object) -> None:
    found = number_or_string(text)

    assert (found, type(found)) == (expected, type(expected))


def test_a_cell_with_nan_is_a_number() -> None:
    found = number_or_string("NaN")

    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"size": "1.5"}, {"size": 1.5}, id="a number"),
        pytest.param({"size": "big"}, {"size": "big"}, id="a word, which the service refuses by name"),
        pytest.param({"size": ""}, {"size": None}, id="nothing"),
        pytest.param({"size": " NaN "}, {"size": None}, id="a word for a missing number"),
        pytest.param({"wet": "N/A"}, {"wet": None}, id="a word for a missing boolean"),
        pytest.param({"day": "NaT"}, {"day": None}, id="a word for a missing date"),
        pytest.param({"color": "NA"}, {"color": "NA"}, id="a text that may be a word for a missing value"),
        pytest.param({"some": "null"}, {"some": "null"}, id="such a word where anything goes"),
        pytest.param({"color": "7"}, {"color": "7"}, id="a string that looks like a number"),
        pytest.param({"size": "true"}, {"size": True}, id="a boolean for a number"),
        pytest.param({"color": "007"}, {"color": "007"}, id="leading zeros"),
        pytest.param({"color": "true"}, {"color": "true"}, id="a string that looks like a boolean"),
        pytest.param({"color": ""}, {"color": None}, id="a string that is missing"),
        pytest.param({"note": ""}, {"note": ""}, id="an empty string"),
        pytest.param({"wet": "True"}, {"wet": True}, id="a boolean as pandas writes it"),
        pytest.param({"wet": "0"}, {"wet": False}, id="a boolean as a digit"),
        pytest.param({"wet": "maybe"}, {"wet": "maybe"}, id="no boolean"),
        pytest.param({"wet": ""}, {"wet": None}, id="a boolean that is missing"),
        pytest.param({"day": "2026-01-31"}, {"day": "2026-01-31"}, id="a date"),
        pytest.param({"some": "1.5"}, {"some": 1.5}, id="a number where anything goes"),
        pytest.param({"some": "007"}, {"some": "007"}, id="a name of digits where anything goes"),
        pytest.param({"some": "FALSE"}, {"some": False}, id="a boolean where anything goes"),
        pytest.param({"some": "word"}, {"some": "word"}, id="a word where anything goes"),
        pytest.param({"unknown": "7"}, {"unknown": 7}, id="a feature that the model does not have"),
    ],
)
def test_values_get_the_types_of_the_features(given: dict[str, str], expected: dict[str, object]) -> None:
    assert typed_row(given, FEATURES) == expected


def test_the_service_knows_the_same_words_for_missing_values() -> None:
    assert MISSING_WORDS == value_checks.MISSING_WORDS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, None, id="nothing"),
        pytest.param(True, True, id="a boolean"),
        pytest.param(2**63 - 1, 2**63 - 1, id="64 bits"),
        pytest.param(date(2026, 1, 31), "2026-01-31", id="a date"),
        pytest.param(datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00+00:00", id="a time"),
        pytest.param(Decimal("1.50"), 1.5, id="a decimal"),
        pytest.param(Decimal("9007199254740993.00"), 2**53 + 1, id="a whole decimal"),
    ],
)
def test_a_value_of_a_parquet_file_gets_a_type_of_json(value: object, expected: object) -> None:
    found = json_value(value)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("value", [b"a", timedelta(1)], ids=["bytes", "a duration"])
def test_a_value_that_no_feature_takes_is_an_error(value: object) -> None:
    with pytest.raises(InferError, match="which no feature takes"):
        json_value(value)
