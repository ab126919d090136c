from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[str], subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]
# A library that a script uses may warn about the versions of others; a script of a user may be warned.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


@pytest.fixture
def run_script(tmp_path: Path) -> Run:
    """Run a training script as `python train.py` in the folder of the test."""

    def run(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "train.py").write_text(text)
        return subprocess.run(
            [sys.executable, "train.py"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run
