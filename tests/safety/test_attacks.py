"""The inspection refuses every hostile file, and so does the service."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from tests.safety.attacks import Attack, corpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The path differs between test runs, but not between the collection and the tests of one run.
CANARY = Path(f"/tmp/infer-canary-{os.getpid()}")  # noqa: S108 (a name that can be written into the files)
DEADLINE_S = 30
ATTACKS = corpus(str(CANARY))
# Loads each file whose path it reads in a process of its own, as the library of the file's format does. The
# libraries are imported once: each attack begins in a copy of a process that has done nothing else.
_LOADER = """
import os, sys, traceback, warnings
import joblib, skops.io
def load(library, file):
    if library == "joblib":
        return joblib.load(file)
    return skops.io.load(file, trusted=skops.io.get_untrusted_types(file=file))
for line in sys.stdin:
    library, file, log = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        warnings.simplefilter("ignore")
        try:
            load(library, file)
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print(flush=True)
"""


@pytest.fixture(scope="module")
def load_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, Path], str]]:
    """Load a file in another process with the library of its format; give what that process said."""
    log = tmp_path_factory.mktemp("attacks") / "log"
    # None of our code runs there, so that its coverage need not be measured.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    with subprocess.Popen(
        [sys.executable, "-c", _LOADER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=unmeasured,
        text=True,
    ) as loader:

        def load(library: str, file: Path) -> str:
            assert loader.stdin is not None
            assert loader.stdout is not None
            log.write_bytes(b"")
            print(library, file, log, sep="\t", file=loader.stdin, flush=True)
            assert loader.stdout.readline() == "\n", "the process that loads has ended"
            return log.read_text(errors="replace")

        yield load


@pytest.fixture(params=ATTACKS, ids=str)
def attack(request: pytest.FixtureRequest) -> Attack:
    """Each attack in turn."""
    found: Attack = request.param
    return found


@pytest.fixture
def file(attack: Attack, tmp_path: Path) -> Path:
    """The attack as a file."""
    path = tmp_path / "model.pkl"
    path.write_bytes(attack.data)
    return path


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack.runs], ids=str, indirect=True)
def test_it_is_an_attack(attack: Attack, file: Path, load_elsewhere: Callable[[str, Path], str]) -> None:
    """The library of the format runs it: otherwise the refusals would prove nothing."""
    said = load_elsewhere(attack.library, file)

    # A program that an attack starts may still run when its process has ended.
    deadline = time.monotonic() + DEADLINE_S
    while not CANARY.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _take_canary(), f"{attack}: {said}"


def test_the_inspection_refuses_it(attack: Attack, file: Path) -> None:
    with pytest.raises((ModelUnreadable, ModelUnsafe)) as raised:
        require_safe(inspect_model(file), ())

    assert str(file) in raised.value.message, attack
    assert not _take_canary()


def test_the_service_refuses_it(attack: Attack, file: Path) -> None:
    with pytest.raises(ModelUnloadable) as raised:
        load_model(file)

    assert "\n" not in str(raised.value), attack
    assert not _take_canary()


def _take_canary() -> bool:
    """Say whether the canary exists, and remove it."""
    if CANARY.is_dir():
        subprocess.run(["rm", "-r", CANARY], check=True)
        return True
    has_run = CANARY.exists()
    CANARY.unlink(missing_ok=True)
    return has_run
