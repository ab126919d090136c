"""How many workers and threads fit the CPUs that this process may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each worker is a process with memory of its own. On a large machine the default is 8 workers with several
# threads each; the setting WORKERS asks for more workers.
DEFAULT_WORKERS_MAX = 8

# The environment variables that numeric libraries read once, when they are first imported.
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
    """How many workers (processes) answer requests, and how many threads a numeric library may use in each.

    `cpus` is the number of CPUs for which these numbers were chosen.
    """

    workers: int
    threads: int
    cpus: int

    @property
    def is_crowded(self) -> bool:
        """Whether workers times threads are more than the CPUs."""
        return self.workers * self.threads > self.cpus


def choose_sizing(cpus: int, *, workers: int | None = None, threads: int | None = None) -> Sizing:
    """Choose workers and threads that fill the CPUs; a number that is given is kept, whatever the CPUs."""
    if workers is None:
        workers = max(1, min(cpus // (threads or 1), DEFAULT_WORKERS_MAX))
    if threads is None:
        threads = max(1, cpus // workers)
    return Sizing(workers=workers, threads=threads, cpus=cpus)


def thread_variables(threads: int) -> dict[str, str]:
    """Give the environment variables that limit the numeric libraries to `threads` threads in a process."""
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
    # The workers are the parallelism: joblib must start no processes or threads inside a worker, whatever
    # n_jobs the model was trained with. With 0, joblib also makes no semaphores and no temporary folders.
    variables["JOBLIB_MULTIPROCESSING"] = "0"
    return variables


def count_cpus(root: Path = Path("/")) -> int:
    """Count the whole CPUs that this process may use, at least 1.

    The count is the CPU affinity or the quota of the cgroup, whichever is smaller. The cgroup is read below
    the folder `root`.
    """
    quota = cpu_quota(root)
    allowed = _affinity()
    return allowed if quota is None else max(1, min(allowed, int(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Give the number of CPUs that the cgroups of this process allow, such as 2.5; None without a limit."""
    quotas = [quota for quota in _quotas(root) if quota is not None]
    return min(quotas, default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover (macOS)


def _quotas(root: Path) -> Iterator[float | None]:
    """Give the quota of the cgroup of this process and of each parent; the smallest of these quotas applies.

    The files are described in cgroups(7): `cpu.max` of version 2, `cpu.cfs_quota_us` and
    `cpu.cfs_period_us` of version 1.
    """
    mount = root / "sys/fs/cgroup"
    for controllers, path in _memberships(_read(root / "proc/self/cgroup")):
        if not controllers:
            for folder in _upwards(mount, path):
                yield _quota_v2(_read(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for folder in _upwards(mount / controllers, path):
                yield _quota_v1(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _memberships(text: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Give the controllers and the path of each line of `/proc/self/cgroup`.

    Lines look like `0::/user.slice` (version 2) and `4:cpu,cpuacct:/docker/1234` (version 1).
    """
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        yield controllers, PurePosixPath(path)


def _upwards(mount: Path, path: PurePosixPath) -> Iterator[Path]:
    """List the folder of a cgroup, then its parents up to the mount.

    In a container the path may be a path of the host, and its folders do not exist in the container. The
    mount itself is then the cgroup of the container.
    """
    for part in (path, *path.parents):
        yield mount / str(part).lstrip("/")


def _quota_v2(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return _ratio(quota, period)


def _quota_v1(quota: str, period: str) -> float | None:
    return _ratio(quota, period)


def _ratio(quota: str, period: str) -> float | None:
    """Divide the quota by the period; None without a limit: `max` in version 2, `-1` in version 1."""
    if quota.strip().isdigit() and period.strip().isdigit() and int(period) > 0:
        return int(quota) / int(period)
    return None


def _read(path: Path) -> str:
    """Read a file of the kernel; empty if the file does not exist, or may not be read."""
    try:
        return path.read_text()
    except OSError:
        return ""
