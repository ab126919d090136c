"""The names that stand for the positions of columns, on both sides."""

from __future__ import annotations

import pytest

from service.schema.features import Feature
from service.schema.positions import Positions

NAMES = ["age", "fare"]


@pytest.mark.parametrize(
    ("names", "given", "expected"),
    [
        pytest.param(NAMES, ["x0", "x1"], {"x0": "age", "x1": "fare"}, id="letters"),
        pytest.param(NAMES, ["x1", "x0"], {"x0": "age", "x1": "fare"}, id="letters in any order"),
        pytest.param(NAMES, ["0", "1"], {"0": "age", "1": "fare"}, id="digits"),
        pytest.param(NAMES, ["1", "0"], {}, id="digits in another order"),
        pytest.param(NAMES, ["x0"], {}, id="one is missing"),
        pytest.param(NAMES, ["x0", "x1", "x2"], {}, id="one too many"),
        pytest.param(NAMES, ["x0", "x0", "x1"], {}, id="one twice"),
        pytest.param(NAMES, ["x0", "1"], {}, id="of both kinds"),
        pytest.param(NAMES, ["age", "fare"], {}, id="the names"),
        pytest.param(["x0", "x1"], ["0", "1"], {"0": "x0", "1": "x1"}, id="no names at all"),
        pytest.param(["x1", "age"], ["x0", "x1"], {}, id="a letter that is a name"),
        pytest.param(["1", "age"], ["0", "1"], {}, id="a digit that is a name"),
    ],
)
def test_a_position_stands_for_a_feature_where_it_can_mean_no_other(
    names: list[str], given: list[str], expected: dict[str, str]
) -> None:
    positions = Positions([Feature(name, is_positional=True) for name in names])

    assert positions.names_of(given) == expected


def test_a_model_with_names_of_its_own_has_no_positions() -> None:
    assert Positions([Feature(name) for name in NAMES]).names_of(["x0", "x1"]) == {}
    assert Positions([]).names_of([]) == {}
