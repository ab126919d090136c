"""The machine notes what Python's unpickler would do, and does none of it."""

from __future__ import annotations

import _compat_pickle
import io
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


class Listening(pickle.Unpickler):
    """An unpickler that loads, and notes the names that it imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.found: set[str] = set()

    def find_class(self, module: str, name: str) -> object:
        # Protocols 0 to 2 have the names of Python 2. No name of Python 3 is also one of Python 2.
        renamed = _compat_pickle.NAME_MAPPING.get(
            (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        )
        self.found.add(".".join(renamed))
        return super().find_class(module, name)


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_those_that_loading_imports(
    model: object, protocol: int, inspect_bytes: Callable[..., Inspection]
) -> None:
    data = pickle.dumps(model, protocol)
    loading = Listening(data)
    loading.load()

    inspection = inspect_bytes(data)

    assert {str(name) for name in inspection.globals} == loading.found
    # A pickle of protocol 1 does not record its protocol.
    assert inspection.protocol == (protocol if protocol > 1 else 0)


class Malicious:
    """Runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_runs(protocol: int, tmp_path: Path, inspect_bytes: Callable[..., Inspection]) -> None:
    canary = tmp_path / "canary"

    inspection = inspect_bytes(pickle.dumps(Malicious(f"touch {canary}"), protocol))

    assert not canary.exists()
    assert "posix.system" in map(str, inspection.globals)
    assert inspection.kind == "other"


def test_no_package_of_the_model_is_imported() -> None:
    """An inspection needs neither NumPy nor scikit-learn, nor any other package of the model."""
    program = (
        "import sys, infer_cli.inspection; print(sorted({'numpy', 'sklearn', 'joblib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04\xff.", "has an unknown opcode 0xff at byte 2"),
        (b"\x80\x09.", "says that it uses pickle protocol 9"),
        (b"\x80\x04\x82\x01.", "a registered extension code"),
        (b"\x80\x04\x83\x01\x00.", "a registered extension code"),
        (b"\x80\x04\x84\x01\x00\x00\x00.", "a registered extension code"),
        (b"\x80\x04P1\n.", "a persistent id"),
        (b"\x80\x04K\x01Q.", "a persistent id"),
        (b"\x80\x05\x97.", "an out-of-band buffer"),
        (b"\x80\x05C\x01a\x98.", "an out-of-band buffer"),
        (
            b"\x80\x04\x95" + (99).to_bytes(8, "little") + b"\x95" + bytes(8) + b"N.",
            "starts a frame inside another",
        ),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")
