"""The inspection refuses every hostile file, and so does the service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from tests.safety.attacks import Attack, corpus

# The path differs between test runs, but not between the collection and the tests of one run.
CANARY = Path(f"/tmp/infer-canary-{os.getpid()}")  # noqa: S108 (a name that can be written into the files)
ATTACKS = corpus(str(CANARY))
_LOAD = {
    "joblib": "import joblib, sys; joblib.load(sys.argv[1])",
    "skops": (
        "import sys; from skops.io import get_untrusted_types, load; "
        "load(sys.argv[1], trusted=get_untrusted_types(file=sys.argv[1]))"
    ),
}


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
def test_it_is_an_attack(attack: Attack, file: Path) -> None:
    """The library of the format runs it: otherwise the refusals would prove nothing."""
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _LOAD[attack.library], file],
        capture_output=True,
        text=True,
        check=False,
    )

    has_run = _take_canary()
    assert has_run, f"{attack}: {finished.stderr}"


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
