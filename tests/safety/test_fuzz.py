"""Mutated models are refused, or load and predict: they write, start, reach and crash nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# About half a minute of processor time.
FILES = 250


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has seccomp")
def test_mutated_models_are_refused_or_predict(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.safety.fuzz", "--count", str(FILES), "--seed", "1")

    done = subprocess.run([*command, "--keep", str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        outcome: int(count) for count, outcome in re.findall(r"^ *(\d+)  (.+)$", done.stdout, re.MULTILINE)
    }
    assert counts["failures"] == 0
    # Both ways out are tried, and few mutations fail to make a file.
    assert counts["refused by both"] > FILES / 10
    assert counts["loaded and predicted"] > FILES / 10
    assert counts["not saved"] < FILES / 4
