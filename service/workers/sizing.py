"""How many workers and threads fit the CPUs that this process may use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from service.workers.cgroups import cpu_quota

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


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover (macOS)
