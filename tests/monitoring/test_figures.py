from __future__ import annotations

import math
from dataclasses import replace

import pytest

from infer_cli.client.metrics import Metrics
from infer_cli.monitoring.figures import Figures, Sample, figures_between, quantile

BEFORE = Metrics(
    answers={("/prediction", 200): 100, ("/readyz", 503): 4},
    durations=((0.001, 90), (0.01, 100), (math.inf, 100)),
    rows=300,
    started_s=1000.0,
)
AFTER = Metrics(
    answers={
        ("/prediction", 200): 180,
        ("/prediction", 503): 6,
        ("/prediction", 500): 2,
        ("/v2/models/{model}/infer", 422): 8,
        ("other", 404): 4,
        ("/readyz", 503): 90,
        ("/readyz", 200): 9,
        ("/metrics", 200): 50,
    },
    durations=((0.001, 130), (0.01, 196), (math.inf, 196)),
    rows=900,
    started_s=1000.0,
)


def test_figures_are_what_was_counted_in_between() -> None:
    figures = figures_between(Sample(BEFORE, 50.0), Sample(AFTER, 54.0))

    assert figures
    # 80 answers and 20 errors; requests of those who look whether the service is well do not count.
    assert (figures.seconds, figures.requests, figures.rows) == (4.0, 25.0, 150.0)
    assert (figures.client_errors, figures.server_errors, figures.busy) == (3.0, 0.5, 1.5)
    assert figures.errors == 5.0
    # Of 96 predictions, 40 took up to 1 ms, and 56 up to 10 ms.
    assert figures.p50_s == pytest.approx(0.001 + 0.009 * 8 / 56)
    assert figures.p99_s == pytest.approx(0.001 + 0.009 * (95.04 - 40) / 56)


def test_without_predictions_there_are_no_percentiles() -> None:
    figures = figures_between(Sample(BEFORE, 50.0), Sample(BEFORE, 52.0))

    assert figures == Figures(2.0, 0, 0, 0, 0, 0, None, None)


def test_a_service_that_was_started_again_has_no_figures_yet() -> None:
    restarted = replace(BEFORE, started_s=1053.0)

    assert figures_between(Sample(AFTER, 50.0), Sample(restarted, 54.0)) is None


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        pytest.param([0, 0, 0], 0.5, None, id="none"),
        pytest.param([10, 10, 10], 0.5, 0.5, id="in the middle of the first bucket"),
        pytest.param([10, 10, 10], 1.0, 1.0, id="the end of the first bucket"),
        pytest.param([0, 10, 10], 0.5, 1.5, id="the first bucket is empty"),
        pytest.param([5, 10, 10], 0.5, 1.0, id="between two buckets"),
        pytest.param([5, 10, 10], 0.9, 1.8, id="in the second bucket"),
        pytest.param([0, 0, 10], 0.5, math.inf, id="beyond the last end"),
        pytest.param([90, 98, 100], 0.99, math.inf, id="the slowest are beyond the last end"),
    ],
)
def test_a_percentile_is_found_within_its_bucket(
    counts: list[float], share: float, expected: float | None
) -> None:
    found = quantile(list(zip((1.0, 2.0, math.inf), counts, strict=True)), share)

    assert found == (expected if expected is None else pytest.approx(expected))


def test_no_buckets_have_no_percentile() -> None:
    assert quantile([], 0.5) is None
