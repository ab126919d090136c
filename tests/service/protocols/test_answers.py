from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from service.json_values import encode
from service.protocols.answers import AnswerWriter, class_names
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

    def test_a_row_of_a_row_program(self) -> None:
        assert AnswerWriter(["a", "b"]).row(1, [0.25, 0.75]) == ("b", {"a": 0.25, "b": 0.75})
        assert AnswerWriter([0, 1]).row(1, [0.25, 0.75]) == (1, {"0": 0.25, "1": 0.75})
        assert AnswerWriter(["a", "b"]).row(0, []) == ("a", None)
        assert AnswerWriter(None).row(0, [1.5]) == (1.5, None)
        assert AnswerWriter(None).row(0, [1.5, 2.5]) == ([1.5, 2.5], None)

    @pytest.mark.parametrize(
        ("row", "classes", "expected"),
        [
            pytest.param([0.5, 0.5], [0, 1], {"0": 0.5, "1": 0.5}, id="whole numbers"),
            pytest.param([0.5, 0.5], [False, True], {"False": 0.5, "True": 0.5}, id="booleans"),
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
    ("classes", "names"),
    [
        pytest.param([0, 1], ["0", "1"], id="numbers"),
        pytest.param([1, "1"], ["1", "1_2"], id="a number and its text"),
        pytest.param([True, "True", "True_2"], ["True", "True_3", "True_2"], id="a name that is taken"),
    ],
)
def test_each_class_has_a_name_of_its_own(classes: list[JsonValue], names: list[str]) -> None:
    assert class_names(classes) == names
    answer = AnswerWriter(classes).answer(Predictions([classes[0]], [[0.5] * len(classes)]))
    assert answer["probabilities"] == [dict.fromkeys(names, 0.5)]
