from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from service.telemetry.processes import usage

TICKS = os.sysconf("SC_CLK_TCK")


def write(
    proc: Path,
    pid: int,
    *,
    parent: int = 1,
    state: str = "S",
    seconds: int = 0,
    children: int = 0,
    kb: int = 0,
) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    times = f"{seconds * TICKS} 0 {children * TICKS} 0"
    (folder / "stat").write_text(f"{pid} (a) b ({pid}) {state} {parent} 0 0 0 0 0 0 0 0 0 {times} 20 0\n")
    if kb:
        (folder / "smaps_rollup").write_text(
            f"a-b ---p [rollup]\nRss:  999 kB\nPss:  {kb} kB\nPss_Anon: 1 kB\n"
        )


def test_the_server_and_its_workers_are_added_up(tmp_path: Path) -> None:
    write(tmp_path, 10, seconds=1, children=5, kb=100)
    write(tmp_path, 11, parent=10, seconds=20, kb=30)
    write(tmp_path, 12, parent=10, seconds=300, kb=7)

    used = usage([10], [11, 12, 0], tmp_path)

    assert used is not None
    assert used.workers == {11, 12}
    assert used.cpu_s == pytest.approx(326)
    assert used.memory_bytes == 137 * 1024


def test_two_models_at_a_time_are_added_up(tmp_path: Path) -> None:
    write(tmp_path, 9, children=1000, kb=1)
    for server, seconds in ((10, 1), (20, 2)):
        write(tmp_path, server, parent=9, seconds=seconds, children=3, kb=100)
        write(tmp_path, server + 1, parent=server, seconds=10 * seconds, kb=30)
    # The id of a server that has ended is another program's by now.
    write(tmp_path, 30, parent=1, seconds=5)

    used = usage([9, 10, 20, 30], [11, 21], tmp_path)

    assert used is not None
    assert used.workers == {11, 21}
    assert used.cpu_s == pytest.approx(1000 + 1 + 2 + 3 + 3 + 10 + 20)
    assert used.memory_bytes == 261 * 1024


def test_one_that_has_ended_counts_until_the_server_knows(tmp_path: Path) -> None:
    write(tmp_path, 10, seconds=1, kb=100)
    write(tmp_path, 11, parent=10, seconds=20, state="Z")

    used = usage([10], [11], tmp_path)

    assert used is not None
    assert used.workers == set()
    assert used.cpu_s == pytest.approx(21)
    assert used.memory_bytes == 100 * 1024


def test_a_program_that_has_the_id_of_a_worker_by_now(tmp_path: Path) -> None:
    write(tmp_path, 10, seconds=1)
    write(tmp_path, 11, parent=1, seconds=20)

    used = usage([10], [11, 12], tmp_path)

    assert used is not None
    assert used.workers == set()
    assert used.cpu_s == pytest.approx(1)
    assert used.memory_bytes is None


def test_a_worker_that_ends_meanwhile_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 10, seconds=1, kb=1)
    write(tmp_path, 11, parent=10, seconds=20)
    read_text = Path.read_text

    def end_after_it_was_read(file: Path) -> str:
        text = read_text(file)
        if file.parts[-2:] == ("11", "stat"):
            for name in ("11", "10"):
                for inner in (tmp_path / name).iterdir():
                    inner.unlink()
                (tmp_path / name).rmdir()
            write(tmp_path, 10, seconds=1, children=20)
        return text

    monkeypatch.setattr(Path, "read_text", end_after_it_was_read)
    used = usage([10], [11], tmp_path)

    assert used is not None
    assert used.cpu_s == pytest.approx(21)


def test_a_system_that_does_not_tell(tmp_path: Path) -> None:
    assert usage([10], [11], tmp_path) is None


def test_of_this_process() -> None:
    used = usage([os.getpid()], [os.getpid()])

    assert used is not None
    assert used.workers == {os.getpid()}
    assert used.cpu_s == pytest.approx(time.process_time() + children_s(), abs=0.5)
    assert used.memory_bytes is not None
    assert used.memory_bytes > 10_000_000


def children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system
