from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from service.workers.sizing import choose_sizing, count_cpus, thread_variables
from tests.service.workers.test_cgroups import lay_out

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_quota_the_affinity_is_the_number_of_cpus(tmp_path: Path) -> None:
    assert count_cpus(tmp_path) == len(os.sched_getaffinity(0))


def test_a_quota_below_one_cpu_counts_as_one(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n"}

    assert count_cpus(lay_out(tmp_path, files)) == 1


@pytest.mark.parametrize(
    ("cpus", "workers", "threads", "expected"),
    [
        pytest.param(1, None, None, (1, 1), id="one CPU"),
        pytest.param(4, None, None, (4, 1), id="one worker for each CPU"),
        pytest.param(64, None, None, (8, 8), id="a large machine"),
        pytest.param(8, 2, None, (2, 4), id="workers given"),
        pytest.param(8, None, 4, (2, 4), id="threads given"),
        pytest.param(8, 3, None, (3, 2), id="not divisible"),
        pytest.param(2, 6, None, (6, 1), id="more workers than CPUs"),
        pytest.param(2, None, 6, (1, 6), id="more threads than CPUs"),
        pytest.param(2, 3, 4, (3, 4), id="both given"),
    ],
)
def test_sizing(cpus: int, workers: int | None, threads: int | None, expected: tuple[int, int]) -> None:
    sizing = choose_sizing(cpus, workers=workers, threads=threads)

    assert (sizing.workers, sizing.threads) == expected
    assert sizing.is_crowded == (expected[0] * expected[1] > cpus)


def test_numeric_libraries_get_the_threads_and_joblib_gets_none() -> None:
    variables = thread_variables(3)

    assert (
        variables["OMP_NUM_THREADS"]
        == variables["OPENBLAS_NUM_THREADS"]
        == variables["MKL_NUM_THREADS"]
        == "3"
    )
    assert variables["JOBLIB_MULTIPROCESSING"] == "0"
