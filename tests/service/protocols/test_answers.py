from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.json_values import encode, json_value
from service.protocols.answers import AnswerWriter
from service.schema.predictions import Predictions

if TYPE_CHECKING:
    from service.json_values import JsonValue


class TestAnswer:
    def test_predictions_and_probabilities_by_class(self) -> None:
        predictions = Predictions(values=["b", "a"], probabilities=[[0.25, 0.75], [1.0, 0.0]])

        writer = AnswerWriter(["a", "b"])

        assert writer.answer(predictions) == {
            "predictions": ["b", "a"],
            "probabilities": [{"a": 0.25, "b": 0.75}, {"a": 1.0, "b": 0.0}],
        }
        assert writer.single(predictions) == {"prediction": "b", "probabilities": {"a": 0.25, "b": 0.75}}

    def test_without_probabilities(self) -> None:
        predictions = Predictions(values=[1.5], probabilities=None)

        assert AnswerWriter(None).answer(predictions) == {"predictions": [1.5]}
        assert AnswerWriter(None).single(predictions) == {"prediction": 1.5}

    def test_a_row_of_the_short_path(self) -> None:
        assert AnswerWriter(["a", "b"]).row(1, [0.25, 0.75]) == ("b", {"a": 0.25, "b": 0.75})
        assert AnswerWriter([0, 1]).row(1, [0.25, 0.75]) == (1, {"0": 0.25, "1": 0.75})
        assert AnswerWriter(["a", "b"]).row(0, []) == ("a", None)
        assert AnswerWriter(None).row(0, [1.5]) == (1.5, None)
        assert AnswerWriter(None).row(0, [1.5, 2.5]) == ([1.5, 2.5], None)

    @pytest.mark.parametrize(
        ("row", "classes", "expected"),
        [
            pytest.param([0.5, 0.5], [0, 1], {"0": 0.5, "1": 0.5}, id="whole numbers"),
            pytest.param([0.5, 0.5], [False, True], {"False": 0.5, "True": 0.5}, id="truth values"),
            pytest.param([math.nan, 1.0], ["a", "b"], {"a": None, "b": 1.0}, id="not finite"),
            pytest.param(
                [[1.0], [0.0, 1.0]], [["a"], ["x", "y"]], [{"a": 1.0}, {"x": 0.0, "y": 1.0}], id="outputs"
            ),
            pytest.param([0.5, 0.1], [["a", "b"], ["a", "b"]], [0.5, 0.1], id="a number for each output"),
            pytest.param([0.5], None, [0.5], id="no classes"),
            pytest.param([0.5], ["a", "b"], [0.5], id="not a number a class"),
        ],
    )
    def test_probabilities(self, row: JsonValue, classes: list[object] | None, expected: JsonValue) -> None:
        answer = AnswerWriter(classes).single(Predictions(values=[0], probabilities=[row]))

        assert json.loads(encode(answer)) == {"prediction": 0, "probabilities": expected}

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, None),
            (True, True),
            (3, 3),
            ("ä", "ä"),
            (1.5, 1.5),
            (math.nan, None),
            (-math.inf, None),
            ([1, [math.inf]], [1, [None]]),
            (np.int64(3), 3),
            (np.float32("nan"), None),
            (np.bool_(1), True),
            (dt.date(2026, 5, 4), "2026-05-04"),
            (Decimal("1.5"), "1.5"),
        ],
    )
    def test_values(self, value: object, expected: JsonValue) -> None:
        found = json_value(value)

        assert found == expected
        assert type(found) is type(expected)


class TestBytes:
    def test_strict_json_on_one_line(self) -> None:
        assert (
            encode({"a": [1, 0.5, None, "ä"], "b": math.nan}) == '{"a":[1,0.5,null,"ä"],"b":null}\n'.encode()
        )

    def test_half_a_surrogate_pair_becomes_an_escape(self) -> None:
        assert encode({"a": "\ud800", "b": math.inf}) == b'{"a":"\\ud800","b":null}\n'

    def test_whole_numbers_of_any_length(self) -> None:
        assert json.loads(encode([10**30])) == [10**30]
