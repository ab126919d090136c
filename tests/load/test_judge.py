from __future__ import annotations

import pytest

from infer_cli.load.judge import Judge
from infer_cli.load.requests import PreparedRequest

TWO_ROWS = PreparedRequest(b"", ({"a": 1}, {"a": 2}))
FIRST = b'{"predictions": ["x", "y"], "probabilities": [{"x": 0.75}, {"x": 0.25}]}'


@pytest.mark.parametrize(
    "body",
    [
        FIRST,
        FIRST.replace(b" ", b""),
        FIRST.replace(b"0.75", b"0.7500000000000001"),
    ],
)
def test_the_same_answer_is_right(body: bytes) -> None:
    judge = Judge([TWO_ROWS])

    assert judge.is_right(0, FIRST)
    assert judge.is_right(0, body)
    assert judge.first_wrong is None


@pytest.mark.parametrize(
    "body",
    [
        FIRST.replace(b'"y"', b'"x"'),
        FIRST.replace(b"0.75", b"0.7501"),
        FIRST.replace(b'["x", "y"]', b'["x"]'),
        FIRST.replace(b"0.75", b"null"),
        b"<html>",
    ],
)
def test_another_answer_to_the_same_rows_is_wrong(body: bytes) -> None:
    judge = Judge([TWO_ROWS])
    judge.is_right(0, FIRST)

    assert not judge.is_right(0, body)
    assert judge.first_wrong is not None
    assert judge.first_wrong.startswith("the same rows got")
    assert judge.is_right(0, FIRST), "the first answer is still the measure"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "it is no JSON"),
        (b"[1, 2]", "it has no predictions"),
        (b'{"predictions": "x"}', "it has no predictions"),
        (b'{"predictions": ["x"]}', "1 predictions for 2 rows"),
    ],
)
def test_a_first_answer_has_a_prediction_for_each_row(body: bytes, reason: str) -> None:
    judge = Judge([TWO_ROWS])

    assert not judge.is_right(0, body)
    assert str(judge.first_wrong).startswith(reason)
    assert judge.is_right(0, FIRST), "a wrong answer is no measure"
