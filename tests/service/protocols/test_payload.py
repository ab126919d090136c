from __future__ import annotations

import json

import pytest

from service.errors import InvalidInput, TooManyRows
from service.protocols.payload import decode, decode_numbers, parse_json, parse_query
from service.protocols.row_checks import MOST_PROBLEMS_COUNTED, MOST_PROBLEMS_LISTED, RowChecks, RowRules
from service.schema.features import Feature
from service.schema.row_limit import MOST_ROWS, RowLimit

FEATURES = (Feature("slength"), Feature("swidth"))
GOOD = {"slength": 1, "swidth": 2.5}


def refused(body: str | bytes, features: tuple[Feature, ...] = FEATURES) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_json(body.encode() if isinstance(body, str) else body, RowChecks.of(features))
    return caught.value


def refused_query(*items: tuple[str, str]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        parse_query(items, RowChecks.of(FEATURES))
    return caught.value


def fields_of(error: InvalidInput) -> list[tuple[object, ...]]:
    """Row, field and problem of each field that was named."""
    assert isinstance(error.details, dict)
    fields = error.details["fields"]
    assert isinstance(fields, list)
    assert all(isinstance(field, dict) and field["message"] for field in fields)
    return [
        (field.get("row"), field["field"], field["problem"]) for field in fields if isinstance(field, dict)
    ]


class TestQuery:
    def test_values_come_in_the_order_of_the_features(self) -> None:
        assert parse_query([("swidth", "2"), ("slength", "1")], RowChecks.of(FEATURES)) == [1.0, 2.0]

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("1", 1.0),
            ("-2.5", -2.5),
            ("+1", 1.0),
            (" 1 ", 1.0),
            ("1e3", 1000.0),
            ("1E-2", 0.01),
            (".5", 0.5),
            ("5.", 5.0),
        ],
    )
    def test_numbers(self, text: str, number: float) -> None:
        assert parse_query([("slength", text), ("swidth", "0")], RowChecks.of(FEATURES)) == [number, 0.0]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("abc", "not_a_number"),
            ("1_000", "not_a_number"),
            ("1,5", "not_a_number"),
            ("0x10", "not_a_number"),
            ("\u0661", "not_a_number"),
            ("--1", "not_a_number"),
            ("", "missing"),
            (" ", "missing"),
            ("nan", "missing"),
            (" N/A ", "missing"),
            ("-Infinity", "not_finite"),
            ("inf", "not_finite"),
            ("1e999", "not_finite"),
            ("1e39", "too_large"),
        ],
    )
    def test_what_is_no_number(self, text: str, problem: str) -> None:
        error = refused_query(("slength", text), ("swidth", "0"))

        assert fields_of(error) == [(None, "slength", problem)]

    def test_all_wrong_fields_are_named_at_once(self) -> None:
        error = refused_query(("slenght", "1"), ("swidth", "x"), ("swidth", "1y"))

        assert fields_of(error) == [
            (None, "swidth", "repeated"),
            (None, "slength", "missing"),
            (None, "swidth", "not_a_number"),
            (None, "slenght", "unknown"),
        ]
        assert error.message == (
            "swidth is given more than once; slength is missing; "
            'swidth is not a number: "1y"; slenght is not a feature of the model (did you mean slength?)'
        )

    def test_a_name_that_is_nearly_right_is_asked_about(self) -> None:
        error = refused_query(("slength ", "1"), ("Swidth", "1"))

        assert error.message == (
            'slength is missing; swidth is missing; "slength " is not a feature of the model '
            "(did you mean slength?); Swidth is not a feature of the model (did you mean swidth?)"
        )

    def test_the_nearest_of_the_missing_features_is_asked_about(self) -> None:
        features = (Feature("size_1"), Feature("size_2"))

        with pytest.raises(InvalidInput, match=r"size_3 is not a feature .* \(did you mean size_2\?\)"):
            parse_query([("size_1", "1"), ("size_3", "2")], RowChecks.of(features))

    def test_a_long_value_is_shown_short(self) -> None:
        error = refused_query(("slength", "x" * 1000), ("swidth", "1"))

        assert error.message == f'slength is not a number: "{"x" * 80}…"'


class TestJson:
    def test_one_object_is_one_row(self) -> None:
        assert parse_json(b'{"swidth": 2.5, "slength": 1}', RowChecks.of(FEATURES)) == [[1.0, 2.5]]

    def test_rows(self) -> None:
        body = json.dumps({"rows": [GOOD, {"slength": -1e3, "swidth": 0}]}).encode()

        assert parse_json(body, RowChecks.of(FEATURES)) == [[1.0, 2.5], [-1000.0, 0.0]]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_other_encodings_that_json_may_have(self, encoding: str) -> None:
        assert parse_json(json.dumps(GOOD).encode(encoding), RowChecks.of(FEATURES)) == [[1.0, 2.5]]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('"1"', "not_a_number"),
            ("[1]", "not_a_number"),
            ("{}", "not_a_number"),
            ("null", "missing"),
            ('""', "missing"),
            ("NaN", "not_finite"),
            ("-Infinity", "not_finite"),
            ("1e999", "not_finite"),
            ("1" * 400, "too_large"),
            ("1" * 5000, "too_large"),
            ("-1e39", "too_large"),
        ],
    )
    def test_what_is_no_number(self, text: str, problem: str) -> None:
        error = refused(f'{{"slength": {text}, "swidth": 1}}')

        assert fields_of(error) == [(None, "slength", problem)]
        json.dumps(error.details, allow_nan=False)

    def test_wrong_fields_name_their_row(self) -> None:
        error = refused(json.dumps({"rows": [GOOD, {"slength": "a"}, 7, {**GOOD, "z": 0}]}))

        assert fields_of(error) == [
            (1, "slength", "not_a_number"),
            (1, "swidth", "missing"),
            (2, None, "not_an_object"),
            (3, "z", "unknown"),
        ]
        assert error.message == (
            'row 1: slength is not a number: "a"; row 1: swidth is missing; '
            "row 2: is not an object of features but a number; row 3: z is not a feature of the model"
        )

    @pytest.mark.parametrize(
        ("body", "row"),
        [
            ('{"slength": 1, "slength": 1, "swidth": 2}', None),
            ('{"rows": [{"slength": 1, "swidth": 2, "slength": 3}]}', 0),
        ],
    )
    def test_a_repeated_name(self, body: str, row: int | None) -> None:
        assert fields_of(refused(body)) == [(row, "slength", "repeated")]

    def test_of_many_problems_some_are_listed_and_all_counted(self) -> None:
        error = refused(json.dumps({"rows": [{}] * 1000}))

        assert isinstance(error.details, dict)
        assert error.details["count"] == 2000
        assert len(fields_of(error)) == MOST_PROBLEMS_LISTED
        assert error.message.endswith("; and 1995 more")

    @pytest.mark.parametrize("row", ["{}", "[]"])
    def test_too_many_rows_are_refused_unread(self, row: str) -> None:
        rules = RowRules(FEATURES)
        body = f'{{"rows": [{",".join([row] * rules.limit.most_brackets(len(FEATURES)))}]}}'

        for read in (decode, decode_numbers):
            with pytest.raises(TooManyRows, match="more lists and objects than the 500000 rows need"):
                read(body.encode(), rules)

    def test_as_many_rows_as_the_setting_says_are_taken(self) -> None:
        body, longer = (json.dumps({"rows": [GOOD] * count}).encode() for count in (3, 4))

        def read(sent: bytes) -> int:
            return len(parse_json(sent, RowChecks(RowRules(FEATURES, RowLimit(3)))))

        assert read(body) == 3
        with pytest.raises(
            TooManyRows, match="more than the 3 rows that the setting MAX_ROWS allows"
        ) as caught:
            read(longer)
        assert caught.value.details == {"max_rows": 3}

    def test_brackets_in_texts_are_no_rows(self) -> None:
        body = json.dumps({"a": '{[\\"' * MOST_ROWS}).encode()

        assert decode(body, RowRules(FEATURES)) == json.loads(body)

    def test_of_millions_of_problems_the_first_are_enough(self) -> None:
        rows: list[dict[str, int]] = [{}] * MOST_PROBLEMS_COUNTED
        unknown = {str(number): 1 for number in range(2 * MOST_PROBLEMS_COUNTED)}

        for error in (refused(json.dumps({"rows": rows})), refused(json.dumps(unknown))):
            assert isinstance(error.details, dict)
            assert error.details["count"] == MOST_PROBLEMS_COUNTED
            assert error.message.endswith(f"; and at least {MOST_PROBLEMS_COUNTED - 5} more")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("[]", "The body must be an object of features, or have a list of them in rows; it is a list"),
            ("3", "The body must be an object of features, or have a list of them in rows; it is a number"),
            ("null", "The body must be an object of features, or have a list of them in rows; it is null"),
            ('"a"', "The body must be an object of features, or have a list of them in rows; it is a string"),
            ('{"rows": {}}', "rows must be a list of objects; it is an object"),
            ('{"rows": false}', "rows must be a list of objects; it is false"),
            ('{"rows": []}', "rows is empty: it must have at least one object of features"),
            ('{"rows": [{}], "columns": 1}', "Beside a list of rows there must be nothing; there is columns"),
            ('{"rows": [{}], "rows": [{}]}', "rows is given more than once"),
        ],
    )
    def test_a_body_of_another_form(self, body: str, message: str) -> None:
        error = refused(body)

        assert (error.code, error.message) == ("invalid_input", message)

    def test_bad_json_is_found_by_line_and_column(self) -> None:
        error = refused('{\n  "slength": 1,,\n}')

        assert error.code == "invalid_json"
        assert error.details == {"line": 2, "column": 16}
        assert "at line 2, column 16" in error.message

    @pytest.mark.parametrize("body", [b"", b'{"a": "\xff"}', b"[" * 100_000])
    def test_other_bad_json(self, body: bytes) -> None:
        assert refused(body).code == "invalid_json"

    def test_a_feature_called_rows(self) -> None:
        features = (Feature("rows"), Feature("b"))

        assert parse_json(b'{"rows": 1, "b": 2}', RowChecks.of(features)) == [[1.0, 2.0]]
        assert parse_json(b'{"rows": [{"rows": 1, "b": 2}]}', RowChecks.of(features)) == [[1.0, 2.0]]
        assert fields_of(refused('{"rows": "1", "b": 2}', features)) == [(None, "rows", "not_a_number")]
