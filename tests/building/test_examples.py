from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infer_cli.building.examples import check_examples, compare_examples, inputs_text, read_examples
from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedFeature
from infer_cli.errors import InferError, VerificationFailed

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.building.examples import Examples

FEATURES = {
    "member": ServedFeature("boolean"),
    "code": ServedFeature("text"),
    "prediction": ServedFeature("number"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "examples.csv"


def read(path: Path, content: str) -> Examples:
    path.write_text(content)
    return read_examples(path, FEATURES)


def test_cells_get_the_types_of_the_features(path: Path) -> None:
    """A boolean as pandas writes it, a code that is text, and a feature with the name of an answer."""
    examples = read(path, "id,member,code,prediction\n007,True,007,1.5\n")

    assert examples.inputs == [{"member": True, "code": "007", "prediction": 1.5}]
    assert examples.others == [{"id": "007"}]
    assert json.loads(inputs_text(examples)) == {"rows": examples.inputs}
    assert inputs_text(None) == b""


def test_examples_need_every_feature(path: Path) -> None:
    with pytest.raises(InferError, match=r"has no column code$") as raised:
        read(path, "member,Code,prediction\nTrue,a,1\n")

    assert str(raised.value.hint).startswith("it has Code; did you mean that?")


def test_a_file_without_rows_holds_no_examples(path: Path) -> None:
    with pytest.raises(VerificationFailed, match=r"examples\.csv holds no examples$"):
        read(path, "member,code,prediction\n")
    with pytest.raises(VerificationFailed, match=r"examples\.csv holds no examples$"):
        check_examples(path)


def test_where_a_feature_is_called_prediction_the_expected_answers_are_numbered(path: Path) -> None:
    examples = read(path, "member,code,prediction,prediction_2\nTrue,a,1,yes\nTrue,a,1,\n")

    assert compare_examples(examples, Predictions(["yes", "no"], None), 1e-9) == 1
    with pytest.raises(VerificationFailed) as raised:
        compare_examples(examples, Predictions(["no", "no"], None), 1e-9)
    assert raised.value.detail == "  row 1: prediction_2 is 'no', expected 'yes'"


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        pytest.param(Predictions([1.0 + 1e-12], None), "1.0", id="a number"),
        pytest.param(Predictions([1], None), "1.0", id="a whole number with a point"),
        pytest.param(Predictions([True], None), "True", id="a boolean as pandas writes it"),
        pytest.param(Predictions(["007"], None), "007", id="a label of digits"),
        pytest.param(Predictions(["1e3"], None), "1e3", id="a label like a number"),
        pytest.param(Predictions([2**53 + 1], None), str(2**53 + 1), id="a large whole number"),
        pytest.param(
            Predictions([None], None, non_finite=[{"row": 0, "field": "prediction", "value": "inf"}]),
            "inf",
            id="an infinity",
        ),
        pytest.param(Predictions([["a", 1.5]], None), '"[""a"", 1.5]"', id="several outputs"),
    ],
)
def test_an_expected_answer_may_be_the_text_of_a_cell(path: Path, answer: Predictions, cells: str) -> None:
    examples = read(path, f"member,code,prediction,prediction_2\nTrue,a,1,{cells}\n")

    assert compare_examples(examples, answer, 1e-9) == 1


@pytest.mark.parametrize(
    ("answer", "cells"),
    [
        pytest.param(Predictions([1.1], None), "1.0", id="a number"),
        pytest.param(Predictions([2**53], None), str(2**53 + 1), id="a large whole number"),
        pytest.param(Predictions([None], None), "1", id="nothing"),
        pytest.param(Predictions(["7"], None), "007", id="a label of digits"),
        pytest.param(Predictions([["a"]], None), "a", id="a list"),
    ],
)
def test_another_answer_is_an_error(path: Path, answer: Predictions, cells: str) -> None:
    examples = read(path, f"member,code,prediction,prediction_2\nTrue,a,1,{cells}\n")

    with pytest.raises(VerificationFailed, match="1 of 1 answers differ"):
        compare_examples(examples, answer, 1e-9)


def test_an_expected_probability_that_the_model_does_not_give_is_an_error(path: Path) -> None:
    examples = read(path, "member,code,prediction,probability_x\nTrue,a,1,0.5\n")

    with pytest.raises(VerificationFailed, match="1 of 1 answers differ"):
        compare_examples(examples, Predictions(["a"], [{"a": 1.0}]), 1e-9)
