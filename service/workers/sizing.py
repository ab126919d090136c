"""How many workers and threads fit the CPUs that this process may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each worker is a process with memory of its own. On a large machine without a limit, more of them than
# this are asked for with WORKERS; until then each gets several threads.
MOST_WORKERS_UNASKED = 8

# What the numeric libraries read, once, when they are first imported.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class Sizing:
    """`workers` processes answer requests; a numeric library may use `threads` threads in each."""

    workers: int
    threads: int
    cpus: int

    @property
    def is_crowded(self) -> bool:
        """Whether more was asked for than there are CPUs."""
        return self.workers * self.threads > self.cpus


def choose_sizing(cpus: int, *, workers: int | None = None, threads: int | None = None) -> Sizing:
    """Fill the CPUs without exceeding them; a number that was asked for is kept, whatever it is."""
    if workers is None:
        workers = max(1, min(cpus // (threads or 1), MOST_WORKERS_UNASKED))
    if threads is None:
        threads = max(1, cpus // workers)
    return Sizing(workers=workers, threads=threads, cpus=cpus)


def thread_variables(threads: int) -> dict[str, str]:
    """Give the environment that keeps the numeric libraries to `threads` threads in a process."""
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    # The workers are the parallelism: joblib must start no processes or threads inside them, whatever
    # n_jobs the model was trained with. It then also makes no semaphores and no temporary folders.
    variables["JOBLIB_MULTIPROCESSING"] = "0"
    return variables


def count_cpus(root: Path = Path("/")) -> int:
    """Count the whole CPUs that this process may use, at least one: its affinity, less its cgroup's quota."""
    quota = cpu_quota(root)
    allowed = _affinity()
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Give the CPUs that the cgroups of this process allow (2.5 is two and a half); None is no limit."""
    quotas = [quota for quota in _quotas(root) if quota is not None]
    return min(quotas, default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover (macOS)


def _quotas(root: Path) -> Iterator[float | None]:
    """Give every quota from the cgroup of this process up to the root; the smallest of them holds."""
    mount = root / "sys/fs/cgroup"
    for controllers, path in _memberships(_read(root / "proc/self/cgroup")):
        if not controllers:
            for folder in _upwards(mount, path):
                yield _quota_v2(_read(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for folder in _upwards(mount / controllers, path):
                yield _quota_v1(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _memberships(text: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Lines like `0::/user.slice` (v2) and `4:cpu,cpuacct:/docker/1234` (v1)."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        yield controllers, PurePosixPath(path)


def _upwards(mount: Path, path: PurePosixPath) -> Iterator[Path]:
    """List the folder of a cgroup, then its parents up to the mount.

    In a container the path may be the host's, whose folders do not exist here; the mount itself is then
    the container's own cgroup.
    """
    for part in (path, *path.parents):
        yield mount / str(part).lstrip("/")


def _quota_v2(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return _ratio(quota, period)


def _quota_v1(quota: str, period: str) -> float | None:
    return _ratio(quota, period)


def _ratio(quota: str, period: str) -> float | None:
    """`max` and `-1` are how the two versions say that there is no limit."""
    if quota.strip().isdigit() and period.strip().isdigit() and int(period) > 0:
        return int(quota) / int(period)
    return None


def _read(path: Path) -> str:
    """Read a file of the kernel's, or nothing: there may be no such cgroup, or no right to look."""
    try:
        return path.read_text()
    except OSError:
        return ""
