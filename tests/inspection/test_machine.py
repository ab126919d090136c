"""The machine sees what Python's unpickler would do, and does none of it."""

from __future__ import annotations

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


class Listening(pickle.Unpickler):
    """An unpickler that loads, and notes what it imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.found: set[str] = set()

    def find_class(self, module: str, name: str) -> object:
        found = super().find_class(module, name)
        # Before protocol 3 the names are those of Python 2.
        self.found.add(f"{_new_module(module)}.{_new_name(name)}")
        return found


def _new_module(module: str) -> str:
    return {"copy_reg": "copyreg", "__builtin__": "builtins"}.get(module, module)


def _new_name(name: str) -> str:
    return {"xrange": "range"}.get(name, name)


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_those_that_loading_imports(model, protocol, inspect_bytes) -> None:
    data = pickle.dumps(model, protocol)
    loaded = Listening(data)
    loaded.load()

    inspection = inspect_bytes(data)

    assert {str(name) for name in inspection.globals} == loaded.found


class Malicious:
    """Runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_runs(protocol, tmp_path, inspect_bytes) -> None:
    canary = tmp_path / "canary"

    inspection = inspect_bytes(pickle.dumps(Malicious(f"touch {canary}"), protocol))

    assert not canary.exists()
    assert "posix.system" in map(str, inspection.globals)
    assert inspection.kind == "other"
