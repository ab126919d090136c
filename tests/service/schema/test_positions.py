"""The names that stand for the positions of columns, on both sides."""

from __future__ import annotations

import pytest

from service.schema.features import Feature
from service.schema.positions import Positions
from tests.service.schema.position_cases import NAMES, POSITIONS


@pytest.mark.parametrize(("names", "given", "expected"), POSITIONS)
def test_a_position_stands_for_a_feature_where_it_can_mean_no_other(
    names: list[str], given: list[str], expected: dict[str, str]
) -> None:
    positions = Positions([Feature(name, is_positional=True) for name in names])

    assert positions.names_of(given) == expected


def test_a_model_with_names_of_its_own_has_no_positions() -> None:
    assert Positions([Feature(name) for name in NAMES]).names_of(["x0", "x1"]) == {}
    assert Positions([]).names_of([]) == {}
