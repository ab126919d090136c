import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import environments
from benchmarks.columns import COLUMNS, Case
from benchmarks.peers import PEERS, TUNED
from benchmarks.peers import peer as peer_module
from benchmarks.peers.peer import Peer
from benchmarks.problem import Problem

CASES = (Case(rows=((5.1, 3.5),), labels=(0,)),)


def test_names_are_unique_and_packages_are_pinned() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert TUNED in {peer.name for peer in PEERS}
    assert [package for peer in PEERS for package in peer.packages if "==" not in package] == []


def test_every_file_in_a_command_exists() -> None:
    parts = [part for peer in PEERS for part in (*peer.command, *peer.once) if part.startswith("{apps}/")]
    assert parts
    assert [part for part in parts if not (peer_module.APPS / part.removeprefix("{apps}/")).is_file()] == []


def peer_with(command: tuple[str, ...], ready: str = "/") -> Peer:
    return Peer(
        name="tried",
        packages=(),
        command=command,
        path="/",
        body=lambda rows: {"rows": rows},
        labels=list,
        ready=ready,
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tried").mkdir()
    monkeypatch.setattr(peer_module, "CACHE", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("cache")
def test_a_process_serves_and_leaves_no_children() -> None:
    # A shell that waits for its child, the server, as a supervisor does.
    served = peer_with(("sh", "-c", f"{sys.executable} -m http.server --bind 127.0.0.1 {{port}}; true"))
    with served.running(COLUMNS[0], CASES) as (line,):
        assert line.requests[0].body == b'{"rows": [[5.1, 3.5]]}'
        children = psutil.Process(os.getpid()).children(recursive=True)
        assert [child for child in children if "http.server" in " ".join(child.cmdline())]
    left = [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert left == []


@pytest.mark.usefixtures("cache")
def test_the_problem_of_a_process_that_ends_shows_the_end_of_its_log() -> None:
    broken = peer_with((sys.executable, "-c", "raise SystemExit('no such model')"))
    with pytest.raises(Problem, match="ended with 1: no such model"), broken.running(COLUMNS[0], CASES):
        pytest.fail("the process did not end")


def test_an_environment_is_kept_until_its_packages_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setattr(environments, "NUMERIC", ())
    commands: list[str] = []

    def record(command: tuple[str, ...]) -> str:
        commands.append(" ".join(command[1:3]))
        return ""

    monkeypatch.setattr(environments, "run_quietly", record)
    for packages in (("one==1",), ("one==1",), ("one==2",)):
        environments.make_environment("tried", packages)
    assert commands == ["venv --python", "pip install"] * 2


def test_the_problem_of_a_failed_command_shows_the_end_of_its_output() -> None:
    with pytest.raises(Problem, match=r"-c failed: first / second"):
        environments.run_quietly((sys.executable, "-c", "print('first\\n\\nsecond'); raise SystemExit(1)"))


def test_the_parts_are_listed_and_an_unknown_part_is_refused() -> None:
    command = (sys.executable, "-m", "benchmarks")
    listed = subprocess.run((*command, "--help"), capture_output=True, text=True, check=True)
    assert "cli, build, start, serving" in listed.stdout
    refused = subprocess.run((*command, "everything"), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "unknown part everything" in refused.stderr
