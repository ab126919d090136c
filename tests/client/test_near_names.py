from __future__ import annotations

import pytest

from infer_cli.client.near_names import nearest, similar


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("size", "Size", id="case"),
        pytest.param("size", " size ", id="blanks at the ends"),
        pytest.param("total sq ft", "total_sq_ft", id="blanks and underscores"),
        pytest.param("no. of rooms", "no of rooms", id="punctuation"),
        pytest.param("sepal length (cm)", "sepal_length_cm", id="brackets"),
        pytest.param("größe", "GRÖSSE", id="letters beyond ASCII"),
        pytest.param("pwidth", "pwidht", id="two neighbours swapped"),
        pytest.param("pwidth", "pwith", id="a letter left out"),
        pytest.param("pwidth", "pwiddth", id="a letter too many"),
        pytest.param("pwidth", "pwidtx", id="a wrong letter"),
        pytest.param("x1", "X1", id="a short name"),
    ],
)
def test_names_are_near_in_both_directions(name: str, other: str) -> None:
    assert nearest(name, ["something", other]) == other
    assert nearest(other, [name]) == name


@pytest.mark.parametrize(
    ("name", "other"),
    [
        pytest.param("size", "Size_m2", id="another column"),
        pytest.param("x1", "x2", id="short names"),
        pytest.param("age", "name", id="other words"),
        pytest.param("+", "-", id="no letters"),
        pytest.param("abcdef", "badcfe", id="several slips"),
    ],
)
def test_other_names_are_not_near(name: str, other: str) -> None:
    assert nearest(name, [other]) is None


def test_equal_letters_go_before_a_slip() -> None:
    assert nearest("size", ["sizes", "SIZE"]) == "SIZE"


def test_a_hint_may_also_name_what_looks_alike() -> None:
    assert similar("sepal_length", ["colour", "sepal_len"]) == "sepal_len"
    assert similar("a", ["b"]) is None
