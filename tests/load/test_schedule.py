from __future__ import annotations

from itertools import pairwise

import pytest

from infer_cli.errors import UsageError
from infer_cli.load.schedule import check_arrivals, due_times


def test_a_constant_schedule_does_not_drift() -> None:
    due = list(due_times(300, 100, "constant"))

    assert len(due) == 30_000
    assert due[29_999] == pytest.approx(29_999 / 300)


def test_a_poisson_schedule_has_the_rate_and_random_gaps() -> None:
    due = list(due_times(100, 1000, "poisson"))
    gaps = [later - earlier for earlier, later in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    spread = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)

    assert len(due) == pytest.approx(100_000, rel=0.02)
    # The mark of a Poisson process: the gaps spread as far as they are long.
    assert spread**0.5 == pytest.approx(mean, rel=0.03)


def test_a_schedule_is_the_same_each_time() -> None:
    assert list(due_times(50, 10, "poisson")) == list(due_times(50, 10, "poisson"))


def test_another_schedule_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--arrivals regular is not known"):
        check_arrivals("regular")
