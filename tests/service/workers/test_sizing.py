from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from service.workers.sizing import choose_sizing, count_cpus, cpu_quota, thread_variables

if TYPE_CHECKING:
    from pathlib import Path


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        pytest.param({}, None, id="no cgroups"),
        pytest.param(
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5, id="v2 container"
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None, id="v2 no limit"
        ),
        pytest.param({"proc/self/cgroup": "0::/\n"}, None, id="v2 root has no file"),
        pytest.param(
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
            },
            2.0,
            id="v2 the parent is tighter",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/docker/12ab\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
            0.5,
            id="v2 the path is the host's",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "9:name=systemd:/\n4:cpu,cpuacct:/docker/12ab\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            3.0,
            id="v1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
            id="v1 no limit",
        ),
    ],
)
def test_cpu_quota(tmp_path: Path, files: dict[str, str], quota: float | None) -> None:
    assert cpu_quota(lay_out(tmp_path, files)) == quota


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
