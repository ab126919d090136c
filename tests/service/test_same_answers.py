from __future__ import annotations

import math

import pytest

from service.same_answers import is_same


@pytest.mark.parametrize(
    ("own", "served"),
    [
        pytest.param(1.0, 1.0 + 1e-12, id="the last digits"),
        pytest.param(3, 3.0, id="a whole number"),
        pytest.param([1.5], 1.5, id="a list of one"),
        pytest.param(math.inf, None, id="infinity"),
        pytest.param(math.nan, None, id="no number"),
        pytest.param([1.0, math.nan], [1.0, None], id="no number in a list"),
        pytest.param("a", "a", id="a text"),
        pytest.param(True, True, id="a boolean"),
        pytest.param(2**53 + 1, 2**53 + 1, id="a large whole number"),
    ],
)
def test_answers_that_are_the_same(own: object, served: object) -> None:
    assert is_same({"prediction": own}, {"prediction": served}, 1e-9)


@pytest.mark.parametrize(
    ("own", "served"),
    [
        pytest.param(1.0, 1.001, id="another number"),
        pytest.param(2**53 + 1, 2**53, id="a whole number nearby"),
        pytest.param(True, 1, id="a boolean and a number"),
        pytest.param("1", 1, id="a text and a number"),
        pytest.param([1.0, 2.0], [1.0], id="a shorter list"),
        pytest.param(None, "a", id="nothing"),
        pytest.param(1.0, None, id="null for a number"),
    ],
)
def test_answers_that_differ(own: object, served: object) -> None:
    assert not is_same({"prediction": own}, {"prediction": served}, 1e-9)


def test_probabilities_are_compared_in_the_order_of_the_classes() -> None:
    own = {"prediction": "b", "probabilities": [0.25, 0.75]}

    assert is_same(own, {"prediction": "b", "probabilities": {"a": 0.25, "b": 0.75}}, 1e-9)
    assert not is_same(own, {"prediction": "b", "probabilities": {"a": 0.75, "b": 0.25}}, 1e-9)
    assert not is_same(own, {"prediction": "b"}, 1e-9)
