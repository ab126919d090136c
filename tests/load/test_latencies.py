from __future__ import annotations

import math
import random

import pytest

from infer_cli.load.latencies import Latencies


def latencies(*seconds: float) -> Latencies:
    made = Latencies()
    for one in seconds:
        made.add(one)
    return made


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9, 100])
def test_percentiles_are_exact_to_a_thousandth(percent: float) -> None:
    chance = random.Random(1)  # noqa: S311 (no secret)
    values = sorted(chance.lognormvariate(-6, 1.5) for _ in range(10_000))
    rank = math.ceil(round(percent * 100, 6))

    assert latencies(*values).percentile(percent) == pytest.approx(values[rank - 1], rel=0.001)


def test_a_percentile_of_few_is_one_of_them() -> None:
    few = latencies(0.010, 0.020, 0.030)

    assert few.percentile(50) == pytest.approx(0.020, rel=0.001)
    assert few.percentile(99) == pytest.approx(0.030, rel=0.001)
    assert few.percentile(100) <= 0.030
    assert few.mean_s == pytest.approx(0.020)


def test_without_latencies_all_is_infinite() -> None:
    assert Latencies().percentile(50) == Latencies().mean_s == math.inf
    assert Latencies().distribution(10) == []


def test_one_stall_is_in_the_percentiles_of_a_thousand() -> None:
    values = latencies(*[0.010] * 989, *[0.4] * 11)

    assert values.percentile(98.9) == pytest.approx(0.010, rel=0.001)
    assert values.percentile(99) == pytest.approx(0.4, rel=0.001)


def test_bins_hold_every_latency_and_reach_from_the_least_to_the_highest() -> None:
    bins = latencies(*[0.001] * 5, 0.002, 0.1).distribution(12)

    assert len(bins) <= 12
    assert sum(count for _, count in bins) == 7
    assert bins[0][1] == 5
    assert bins[-1][0] >= 0.1
    assert bins[-1][1] == 1


def test_a_latency_of_nothing_is_counted() -> None:
    assert latencies(0.0, -0.001).count == 2
