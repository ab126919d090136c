import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import environments
from benchmarks.columns import COLUMNS, Case
from benchmarks.peers import PEERS, TUNED, peer
from benchmarks.peers.peer import Peer
from benchmarks.problem import Problem

CASES = (Case(rows=((5.1, 3.5),), labels=(0,)),)


def test_names_are_unique_and_packages_pinned() -> None:
    assert len({one.name for one in PEERS}) == len(PEERS)
    assert TUNED in {one.name for one in PEERS}
    assert [package for one in PEERS for package in one.packages if "==" not in package] == []


def test_every_file_of_a_command_is_there() -> None:
    parts = [part for one in PEERS for part in (*one.command, *one.once) if part.startswith("{apps}/")]
    assert parts
    assert [part for part in parts if not (peer.APPS / part.removeprefix("{apps}/")).is_file()] == []


def started(command: tuple[str, ...], ready: str = "/") -> Peer:
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
    monkeypatch.setattr(peer, "CACHE", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("cache")
def test_a_process_serves_and_leaves_no_children() -> None:
    # A shell that waits for the server, as supervisors do.
    served = started(("sh", "-c", f"{sys.executable} -m http.server --bind 127.0.0.1 {{port}}; true"))
    with served.running(COLUMNS[0], CASES) as (line,):
        assert line.requests[0].body == '{"rows": [[5.1, 3.5]]}'
        below = psutil.Process(os.getpid()).children(recursive=True)
        assert [one for one in below if "http.server" in " ".join(one.cmdline())]
    left = [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert left == []


@pytest.mark.usefixtures("cache")
def test_a_process_that_ends_says_its_last_words() -> None:
    broken = started((sys.executable, "-c", "raise SystemExit('no such model')"))
    with pytest.raises(Problem, match="ended with 1: no such model"), broken.running(COLUMNS[0], CASES):
        pytest.fail("it does not run")


def test_an_environment_is_kept_until_its_packages_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setattr(environments, "NUMERIC", ())
    commands: list[str] = []

    def noted(command: tuple[str, ...]) -> str:
        commands.append(" ".join(command[1:3]))
        return ""

    monkeypatch.setattr(environments, "run_quietly", noted)
    for packages in (("one==1",), ("one==1",), ("one==2",)):
        environments.make_environment("tried", packages)
    assert commands == ["venv --python", "pip install"] * 2


def test_a_command_that_fails_gives_its_last_words() -> None:
    with pytest.raises(Problem, match=r"-c failed: first / second"):
        environments.run_quietly((sys.executable, "-c", "print('first\\n\\nsecond'); raise SystemExit(1)"))


def test_the_parts_are_listed_and_an_unknown_one_is_refused() -> None:
    command = (sys.executable, "-m", "benchmarks")
    listed = subprocess.run((*command, "--help"), capture_output=True, text=True, check=True)
    assert "cli, build, start, serving" in listed.stdout
    refused = subprocess.run((*command, "everything"), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "unknown part everything" in refused.stderr
