"""The names that stand for the positions of columns, for rows of files."""

from __future__ import annotations

import pytest

from infer_cli.client.positions import Positions
from tests.service.schema.position_cases import NAMES, POSITIONS


@pytest.mark.parametrize(("names", "given", "expected"), POSITIONS)
def test_a_position_stands_for_a_feature_where_it_can_mean_no_other(
    names: list[str], given: list[str], expected: dict[str, str]
) -> None:
    positions = Positions(names, is_positional=True)

    assert positions.names_of(given) == expected
    assert expected.items() <= positions.names.items()


def test_a_model_with_names_of_its_own_has_no_positions() -> None:
    assert Positions(NAMES, is_positional=False).names_of(["x0", "x1"]) == {}
    assert Positions([], is_positional=True).names_of([]) == {}
