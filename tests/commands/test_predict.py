from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.commands.predict import _probabilities_text, split_words
from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


@pytest.mark.parametrize(
    ("words", "name", "values"),
    [
        pytest.param([], None, {}, id="nothing"),
        pytest.param(["iris"], "iris", {}, id="a name alone"),
        pytest.param(["a=1", "b=2"], None, {"a": "1", "b": "2"}, id="values alone"),
        pytest.param(["iris", "a=1"], "iris", {"a": "1"}, id="both"),
        pytest.param(["a="], None, {"a": ""}, id="no value"),
        pytest.param(["a=b=c"], None, {"a": "b=c"}, id="a value with an equals sign"),
        pytest.param(["sepal length (cm)=1.5"], None, {"sepal length (cm)": "1.5"}, id="a long name"),
        pytest.param(["a=-1"], None, {"a": "-1"}, id="negative"),
    ],
)
def test_words_are_a_name_and_values(words: list[str], name: str | None, values: dict[str, str]) -> None:
    assert split_words(words) == (name, values)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["a=1", "iris"], "'iris' is no value", id="a name behind a value"),
        pytest.param(["iris", "other"], "'other' is no value", id="two names"),
        pytest.param(["=1"], "'=1' is no value", id="no feature"),
        pytest.param(["a=1", "a=1"], "a is given twice", id="twice"),
    ],
)
def test_other_words_are_wrong_usage(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        split_words(words)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param(
            {"rare": 0.125, "common": 0.875},
            "CLASS   PROBABILITY\ncommon  0.8750\nrare    0.1250",
            id="the most likely first",
        ),
        pytest.param({"a": None}, "CLASS  PROBABILITY\na      -", id="not a number"),
        pytest.param(
            [{"a": 1.0}, {"b": 1.0}],
            "CLASS  PROBABILITY\na      1.0000\nCLASS  PROBABILITY\nb      1.0000",
            id="several outputs",
        ),
        pytest.param([0.5, 0.5], "0.5\n0.5", id="without classes"),
    ],
)
def test_probabilities_are_shown_as_a_table(probabilities: object, expected: str) -> None:
    assert _probabilities_text(probabilities) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "no values were given", id="nothing"),
        pytest.param(("a=1", "--input", "rows.csv"), "values and --input were given", id="values and a file"),
        pytest.param(("a=1", "--output", "x.csv"), "--output goes with --input", id="output without input"),
        pytest.param(
            ("a=1", "--strict"), "--rejected, --strict and --start-over go with --input", id="no rows"
        ),
        pytest.param(
            ("--input", "rows.csv", "--strict", "--rejected", "x.csv"),
            "--strict ends at the first refused row",
            id="strict, and a file for refused rows",
        ),
        pytest.param(
            ("--input", "rows.csv", "--start-over"),
            "--start-over goes with --output",
            id="nothing to begin anew",
        ),
        pytest.param(
            ("--input", "rows.csv", "--json"), "--json with --input needs --output", id="two things on stdout"
        ),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    infer: Callable[..., Finished], arguments: tuple[str, ...], message: str
) -> None:
    finished = infer("predict", *arguments)

    assert finished.exit_code == 2
    assert finished.stderr.startswith(f"error: {message}")
