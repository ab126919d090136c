from __future__ import annotations

import math

import pytest

from service.drift.bins import Bin, FeatureBins
from service.drift.families import index_of
from service.drift.psi import psi


def test_the_index_is_that_of_the_formula() -> None:
    found = psi([0.5, 0.3, 0.2], [400, 300, 300])

    assert found == pytest.approx(-0.1 * math.log(0.8) + 0.1 * math.log(1.5))


def test_equal_shares_give_nothing_and_an_empty_bin_gives_a_finite_index() -> None:
    assert psi([0.5, 0.5], [500, 500]) == 0
    assert psi([0.5, 0.5], [1000, 0]) == pytest.approx(0.5 * math.log(2) + 0.4999 * math.log(5000))


def test_a_few_values_have_no_index() -> None:
    assert psi([0.5, 0.5], [199, 0]) is None
    assert psi([0.5, 0.5], [100, 100]) == 0


def test_numbers_out_of_range_belong_to_the_nearest_bin_and_missing_ones_to_none() -> None:
    bins = (Bin("below", "a"), Bin("inside", "a"), Bin("inside", "b"), Bin("above", "b"), Bin("missing", ""))
    one = FeatureBins("x", 0, bins, shares={"a": 0.5, "b": 0.5})

    assert index_of(one, [10, 90, 50, 50, 1000]) == 0


def test_an_unseen_category_counts_as_one_that_had_no_share() -> None:
    bins = (Bin("category", "a"), Bin("unseen", "(unseen)"), Bin("missing", ""))
    one = FeatureBins("x", 0, bins, shares={"a": 1.0})

    assert index_of(one, [150, 50, 0]) == psi([1.0, 0.0], [150, 50])
    assert index_of(FeatureBins("x", 0, bins), [150, 50, 0]) is None
