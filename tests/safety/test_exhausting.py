"""Files that are made to exhaust what loads them are refused by both gates, with little time and memory."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.safety import exhausting, folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDED = {f"walk: {name}": data for name, data in folded.corpus().items()}
FILES = exhausting.corpus() | FOLDED


@pytest.fixture(scope="module")
def load() -> Iterator[Callable[[str, Path], str]]:
    """Load a file with limits on time and memory; give what the loader said."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.safety.limited"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as loader:

        def load(way: str, file: Path) -> str:
            assert loader.stdin is not None
            assert loader.stdout is not None
            print(way, file, sep="\t", file=loader.stdin, flush=True)
            return loader.stdout.readline().rstrip("\n")

        yield load


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each file in turn."""
    path = tmp_path / "model.pkl"
    path.write_bytes(FILES[request.param])
    return path


def test_it_exhausts_what_loads_it(
    file: Path, load: Callable[[str, Path], str], request: pytest.FixtureRequest
) -> None:
    """Otherwise the refusals would prove nothing."""
    name = request.node.callspec.params["file"]

    assert load("walk" if name in FOLDED else "joblib", file).startswith("limit ")


@pytest.mark.parametrize("gate", ["host", "service"])
def test_the_gates_refuse_it(gate: str, file: Path, load: Callable[[str, Path], str]) -> None:
    said = load(gate, file)

    assert said.startswith("refused "), said
    assert str(file) in said
