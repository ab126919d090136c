"""A soak of seconds: real processes answer in every wire format, and what goes wrong is counted and told."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.columns import Case
from benchmarks.protocols import FORMATS
from benchmarks.soak_clients import Clients, kinds_of
from tests.load.conftest import known_server

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["known_server"]

ROOT = Path(__file__).parents[2]
SECONDS = 5
DEADLINE_S = 60


def test_a_service_answers_all_and_its_memory_is_written(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "benchmarks.soak", "--local", "--minutes", str(SECONDS / 60))
    files = ("--csv", str(tmp_path / "soak.csv"), "--plot", str(tmp_path / "soak.svg"))

    done = subprocess.run(
        [*command, *files], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout + done.stderr
    samples = [*csv.DictReader((tmp_path / "soak.csv").read_text().splitlines())]
    assert len(samples) >= 2
    assert all(float(sample["memory_mib"]) > 0 for sample in samples)
    assert all(sample["faults"] == "0" for sample in samples)
    assert sum(int(sample["requests"]) for sample in samples) > 0
    assert "0 of them failed" in done.stdout
    assert (tmp_path / "soak.svg").read_text().startswith("<?xml")


def test_each_wire_format_is_sent_with_each_number_of_rows() -> None:
    cases = [Case(((1.0, 2.0),), (0,)), Case(((1.0, 2.0),) * 3, (0,) * 3)]

    names = {kind.name for kind in kinds_of(cases)}

    assert names == {
        *(f"{name}, {count} rows" for name in FORMATS for count in (1, 3)),
        *("refused", "asked for"),
    }


def test_another_answer_is_a_fault(known_server: Callable[..., str]) -> None:
    # It knows no column but one, and refuses nothing.
    clients = Clients(known_server(), [Case(((1.0, 2.0),), (0,))], number=2, rate=50)
    faults, end = 0, time.monotonic() + DEADLINE_S

    with clients.running():
        while not faults and time.monotonic() < end:
            time.sleep(0.05)
            faults = clients.take()[1]

    assert faults > 0
    assert clients.told
