from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.workers.cgroups import cpu_quota, memory_limit, out_of_memory_kills

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


@pytest.mark.parametrize(
    ("files", "limit", "kills"),
    [
        pytest.param({}, None, 0, id="no cgroups"),
        pytest.param(
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "536870912\n",
                "sys/fs/cgroup/memory.events": "low 0\noom 3\noom_kill 2\n",
            },
            2**29,
            2,
            id="v2",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, None, 0, id="v2 no limit"
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:memory:/docker/12ab\n4:cpu,cpuacct:/docker/12ab\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
                "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            },
            2**29,
            1,
            id="v1",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
            0,
            id="v1 no limit",
        ),
    ],
)
def test_memory(tmp_path: Path, files: dict[str, str], limit: int | None, kills: int) -> None:
    root = lay_out(tmp_path, files)

    assert memory_limit(root) == limit
    assert out_of_memory_kills(root) == kills
