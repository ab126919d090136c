from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.answer_columns import AnswerNames, answer_values, as_cell
from infer_cli.client.predictions import Predictions

if TYPE_CHECKING:
    from infer_cli.client.rows import Row


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Predictions([1.5], None), {"prediction": 1.5}, id="no probabilities"),
        pytest.param(
            Predictions(["a"], [{"a": 0.75, "b": 0.25}]),
            {"prediction": "a", "probability_a": 0.75, "probability_b": 0.25},
            id="probabilities by class",
        ),
        pytest.param(
            Predictions([["a", "c"]], [[{"a": 0.75}, {"c": 1.0}]]),
            {"prediction": ["a", "c"], "probabilities": [{"a": 0.75}, {"c": 1.0}]},
            id="several outputs",
        ),
        pytest.param(
            Predictions([None], None, non_finite=[{"row": 0, "field": "prediction", "value": "-inf"}]),
            {"prediction": -math.inf},
            id="an infinity",
        ),
        pytest.param(
            Predictions(
                [[1.0, None]], None, non_finite=[{"row": 0, "field": "prediction[1]", "value": "inf"}]
            ),
            {"prediction": [1.0, math.inf]},
            id="an infinity in a list",
        ),
        pytest.param(
            Predictions(
                ["a"],
                [{"a.b": None}],
                non_finite=[{"row": 0, "field": "probabilities.a.b", "value": "inf"}],
            ),
            {"prediction": "a", "probability_a.b": math.inf},
            id="a probability of a class with a dot",
        ),
        pytest.param(
            Predictions(
                [-1, 1],
                None,
                non_finite=[{"row": 0, "field": "score_samples", "value": "-inf"}],
                scores={"score_samples": [None, 0.5]},
            ),
            {"prediction": -1, "score_samples": -math.inf},
            id="scores beside the prediction",
        ),
        pytest.param(
            Predictions([2.0], None, non_finite=[{"row": 1, "field": "prediction", "value": "inf"}]),
            {"prediction": 2.0},
            id="of another row",
        ),
        pytest.param(
            Predictions([2.0], None, non_finite=[{"row": 0, "field": "prediction[3]", "value": "inf"}]),
            {"prediction": 2.0},
            id="a place that is not there",
        ),
        pytest.param(
            Predictions(
                [[0, 3]],
                None,
                non_finite=[{"row": 0, "field": "distances[1]", "value": "inf"}],
                scores={"distances": [[0.5, None]], "score_samples": [-2.5]},
            ),
            {"prediction": [0, 3], "distances": [0.5, math.inf], "score_samples": -2.5},
            id="scores",
        ),
    ],
)
def test_answers_become_values_by_column(answer: Predictions, expected: Row) -> None:
    assert answer_values(answer, 0) == expected


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(1.5, 1.5, id="a number"),
        pytest.param(math.inf, "inf", id="infinity"),
        pytest.param(math.nan, "nan", id="not a number"),
        pytest.param([1.0, -math.inf], '[1.0, "-inf"]', id="a list"),
        pytest.param("nan", "nan", id="text"),
    ],
)
def test_a_cell_says_what_json_cannot(value: object, cell: object) -> None:
    assert as_cell(value) == cell


def test_answers_never_get_the_name_of_another_column() -> None:
    taken = ["rows", "prediction", "probability_slow", "prediction_2"]
    wanted = ["prediction", "probability_fast", "probability_slow", "probability_slow_2"]

    names = AnswerNames(taken, wanted)

    assert [names[name] for name in wanted] == [
        "prediction_3",
        "probability_fast",
        "probability_slow_3",
        "probability_slow_2",
    ]
    assert names.changed == {"prediction": "prediction_3", "probability_slow": "probability_slow_3"}
