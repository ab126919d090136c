"""Differences between a compiled model and the model are counted, and refused."""

from __future__ import annotations

import numpy as np
import pytest

from service.compiler.functions import Outcome
from service.compiler.parity import Difference, Trial, compare
from service.errors import NotCompilable


def test_differences_are_counted() -> None:
    expected = Outcome(np.array([0, 1, 2]), np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]))
    found = Outcome(np.array([0, 2, 1]), np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 0.75]]))

    difference = compare(found, expected)

    assert difference == Difference(labels=2, values=0.0, probabilities=0.25)
    with pytest.raises(NotCompilable, match="a label differs"):
        difference.check()
    with pytest.raises(NotCompilable, match="cannot answer some rows"):
        Trial(np.zeros((3, 1)), expected).measure(lambda _: None)
