from __future__ import annotations

import pytest

from service.protocols.near_names import LONGEST_COMPARED, nearest

KNOWN = ["width", "Total_Amount", "sepal length (cm)", "female", "male"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("widht", "width", id="letters changed places"),
        pytest.param("WIDTH", "width", id="another case"),
        pytest.param(" width ", "width", id="blanks at the ends"),
        pytest.param("total amount", "Total_Amount", id="a blank for an underscore"),
        pytest.param("sepal_length_(cm)", "sepal length (cm)", id="underscores for blanks"),
        pytest.param("femal", "female", id="a letter left out"),
        pytest.param("x", None, id="nothing near"),
        pytest.param("", None, id="no letters"),
        pytest.param("width" * LONGEST_COMPARED, None, id="a long string"),
    ],
)
def test_the_nearest_name(given: str, expected: str | None) -> None:
    assert nearest(given, KNOWN) == expected


def test_names_of_one_form_are_told_by_their_order() -> None:
    assert nearest("A b", ["a_b", "a b"]) == "a_b"
