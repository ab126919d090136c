"""A row program whose operations do not fit is refused before it answers a row."""

from __future__ import annotations

import numpy as np
import pytest

from service.native.library import LIBRARY
from service.native.row_program import RowOperation, RowProgram, Scores

SCORES = Scores(2, 1, "none", "none")
GOOD = RowOperation("product", 0, 2, 2, 1, first=np.ones(2), second=np.zeros(1))


@pytest.mark.parametrize(
    ("features", "operation", "scores"),
    [
        pytest.param(0, GOOD, SCORES, id="no features"),
        pytest.param(5000, GOOD, SCORES, id="too many features"),
        pytest.param(2, GOOD, Scores(4096, 1, "none", "none"), id="scores behind the workspace"),
        pytest.param(2, GOOD, Scores(2, 0, "none", "none"), id="no scores"),
        pytest.param(2, GOOD, Scores(2, 1, "unknown", "none"), id="an unknown link"),
        pytest.param(2, RowOperation("unknown", 0, 2, 2, 2), SCORES, id="an unknown operation"),
        pytest.param(2, RowOperation("check", -1, 2, 2, 2), SCORES, id="inputs before the workspace"),
        pytest.param(2, RowOperation("check", 0, 2, 4095, 2), SCORES, id="outputs behind the workspace"),
        pytest.param(2, RowOperation("shift", 0, 2, 2, 3), SCORES, id="more outputs than inputs"),
        pytest.param(2, RowOperation("fill", 0, 2, 2, 2), SCORES, id="no replacements"),
        pytest.param(
            2, RowOperation("fill", 0, 2, 2, 2, first=np.ones(1)), SCORES, id="too few replacements"
        ),
        pytest.param(
            2, RowOperation("take", 0, 2, 2, 1, columns=[2]), SCORES, id="a column behind the inputs"
        ),
        pytest.param(
            2, RowOperation("take", 0, 2, 2, 1, columns=[-1]), SCORES, id="a column before the inputs"
        ),
        pytest.param(2, RowOperation("trees", 0, 2, 2, 1, first=np.ones(1)), SCORES, id="no trees"),
    ],
)
def test_a_program_that_would_leave_its_arrays_is_refused(
    features: int, operation: RowOperation, scores: Scores
) -> None:
    assert LIBRARY

    with pytest.raises(ValueError, match=r"does not fit|numbers are needed|not in tuple"):
        RowProgram(features, [operation], scores, LIBRARY)
