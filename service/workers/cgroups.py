"""The limits of the cgroups that this process is in, as described in cgroups(7), and who is killed beyond."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Version 1 has no word for "no limit": it gives the largest number of pages.
_NO_LIMIT_V1 = 2**60
# Of a process that is to be killed first if memory lacks.
LIKELIEST = "1000"


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Give the number of CPUs that the cgroups of this process allow, such as 2.5; None without a limit."""
    quotas = [quota for quota in _quotas(root) if quota is not None]
    return min(quotas, default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Give the bytes of memory that the cgroups of this process allow; None without a limit."""
    limits = [
        int(text)
        for text in _each(root, "memory", "memory.max", "memory.limit_in_bytes")
        if text.strip().isdigit() and int(text) < _NO_LIMIT_V1
    ]
    return min(limits, default=None)


def out_of_memory_kills(root: Path = Path("/")) -> int:
    """Count the processes that the kernel has killed in the cgroups of this process for lack of memory."""
    kills = 0
    for text in _each(root, "memory", "memory.events", "memory.oom_control"):
        for line in text.splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdigit():
                kills += int(count)
    return kills


def _quotas(root: Path) -> Iterator[float | None]:
    """Give the quota of the cgroup of this process and of each parent; the smallest of these quotas applies.

    The files are `cpu.max` of version 2, `cpu.cfs_quota_us` and `cpu.cfs_period_us` of version 1.
    """
    for controllers, folder in _folders(root):
        if not controllers:
            yield _quota_v2(_read(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            yield _quota_v1(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _each(root: Path, controller: str, file: str, file_v1: str) -> Iterator[str]:
    """Give what the cgroup of this process, and each parent, says in a file; version 1 has its own file."""
    for controllers, folder in _folders(root):
        if not controllers:
            yield _read(folder / file)
        elif controller in controllers.split(","):
            yield _read(folder / file_v1)


def _folders(root: Path) -> Iterator[tuple[str, Path]]:
    """Give the controllers and the folder of each cgroup of this process, and of their parents."""
    mount = root / "sys/fs/cgroup"
    for controllers, path in _memberships(_read(root / "proc/self/cgroup")):
        for folder in _upwards(mount / controllers, path):
            yield controllers, folder


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


def likelihood_of_kill() -> str:
    """Give how likely the system kills this process if memory lacks: see proc(5), `oom_score_adj`."""
    with suppress(OSError):
        return Path("/proc/self/oom_score_adj").read_text().strip()
    return "0"


def set_likelihood_of_kill(process: int, likelihood: str) -> None:
    """Set how likely the system kills a process if memory lacks: see proc(5), `oom_score_adj`."""
    with suppress(OSError):
        Path(f"/proc/{process}/oom_score_adj").write_text(likelihood)
