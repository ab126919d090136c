"""CPU time and memory of the service's processes, on systems with `/proc`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PROC = Path("/proc")


@dataclass(frozen=True)
class Usage:
    """What the service's processes use together; `workers` are the process ids of the living workers.

    `memory_bytes` counts shared memory once; it is None where the system does not tell what is shared.
    """

    workers: frozenset[int]
    cpu_s: float
    memory_bytes: int | None


@dataclass(frozen=True)
class _Process:
    parent: int
    has_ended: bool
    cpu_ticks: int
    # The ticks of its children that have ended and been waited for.
    children_cpu_ticks: int


def usage(servers: Sequence[int], candidates: Iterable[int], proc: Path = _PROC) -> Usage | None:
    """Measure the servers, and the candidate process ids that are their workers; None without `/proc`.

    The first of the servers is the one that started the others, and waits for them.
    """
    # Without worker processes (in tests), the server is its own worker.
    own = set(candidates) & set(servers)
    candidates = set(candidates) - own
    while True:
        before = _servers(proc, servers)
        workers = _workers(proc, servers, candidates)
        after = _servers(proc, servers)
        if servers[0] not in before:
            return None
        # The ticks of a process are its own until its parent waits for it, and then the parent's. If that
        # happened between the readings, the ticks may be missing, or be counted twice: read again.
        if _waited_ticks(before) == _waited_ticks(after):
            break
    alive = frozenset(own | {pid for pid, worker in workers.items() if not worker.has_ended})
    processes = [*workers.values(), *before.values()]
    ticks = sum(process.cpu_ticks for process in processes) + sum(_waited_ticks(before).values())
    return Usage(alive, ticks / os.sysconf("SC_CLK_TCK"), _memory_bytes(proc, {*alive, *before}))


def _servers(proc: Path, pids: Sequence[int]) -> dict[int, _Process]:
    """Read the servers that are there; one that ends, or has just been started, is a child of the first."""
    found = {pid: _process(proc, pid) for pid in pids}
    return {
        pid: process
        for pid, process in found.items()
        if process is not None and (pid == pids[0] or process.parent == pids[0])
    }


def _waited_ticks(servers: Mapping[int, _Process]) -> dict[int, int]:
    return {pid: process.children_cpu_ticks for pid, process in servers.items()}


def _workers(proc: Path, servers: Sequence[int], candidates: set[int]) -> dict[int, _Process]:
    """Find the workers. A candidate may have ended long ago, and another program may have its id."""
    found = {pid: _process(proc, pid) for pid in candidates}
    return {
        pid: process for pid, process in found.items() if process is not None and process.parent in servers
    }


def _process(proc: Path, pid: int) -> _Process | None:
    try:
        text = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The fields follow the program's name, which stands in parentheses and may hold any character.
    fields = text.rpartition(")")[2].split()
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return _Process(
        parent=int(fields[1]),
        has_ended=fields[0] == "Z",
        cpu_ticks=user + system,
        children_cpu_ticks=children_user + children_system,
    )


def _memory_bytes(proc: Path, pids: set[int]) -> int | None:
    """Add up the proportional set sizes: a page that n processes share counts an nth in each."""
    found = [_proportional_bytes(proc, pid) for pid in pids]
    known = [size for size in found if size is not None]
    return sum(known) if known else None


def _proportional_bytes(proc: Path, pid: int) -> int | None:
    try:
        text = (proc / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return None
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("Pss:")]
    return int(sizes[0]) * 1024 if sizes else None
