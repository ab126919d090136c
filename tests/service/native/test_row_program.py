"""Operations that do not fit their numbers are refused before any row is answered."""

from __future__ import annotations

import numpy as np
import pytest

from service.native.library import LIBRARY
from service.native.row_program import Operation, RowProgram, Scores

SCORES = Scores(2, 1, "none", "none")
GOOD = Operation("product", 0, 2, 2, 1, first=np.ones(2), second=np.zeros(1))


@pytest.mark.parametrize(
    ("features", "operation", "scores"),
    [
        pytest.param(0, GOOD, SCORES, id="no features"),
        pytest.param(5000, GOOD, SCORES, id="too many features"),
        pytest.param(2, GOOD, Scores(4096, 1, "none", "none"), id="scores elsewhere"),
        pytest.param(2, GOOD, Scores(2, 0, "none", "none"), id="no scores"),
        pytest.param(2, GOOD, Scores(2, 1, "unknown", "none"), id="an unknown link"),
        pytest.param(2, Operation("unknown", 0, 2, 2, 2), SCORES, id="an unknown operation"),
        pytest.param(2, Operation("check", -1, 2, 2, 2), SCORES, id="before the workspace"),
        pytest.param(2, Operation("check", 0, 2, 4095, 2), SCORES, id="behind the workspace"),
        pytest.param(2, Operation("shift", 0, 2, 2, 3), SCORES, id="more out than in"),
        pytest.param(2, Operation("fill", 0, 2, 2, 2), SCORES, id="nothing to fill in"),
        pytest.param(2, Operation("fill", 0, 2, 2, 2, first=np.ones(1)), SCORES, id="too few numbers"),
        pytest.param(2, Operation("take", 0, 2, 2, 1, columns=[2]), SCORES, id="another column"),
        pytest.param(2, Operation("take", 0, 2, 2, 1, columns=[-1]), SCORES, id="a column before"),
        pytest.param(2, Operation("trees", 0, 2, 2, 1, first=np.ones(1)), SCORES, id="no trees"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(features: int, operation: Operation, scores: Scores) -> None:
    assert LIBRARY
    with pytest.raises(ValueError, match=r"."):
        RowProgram(features, [operation], scores, LIBRARY)
