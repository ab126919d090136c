"""Mutated requests are answered or refused, in the form of their wire format, and alike without C."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUESTS = 1500
PATHS = ("/prediction", "/invocations", "/v1/models/model:predict", "/v2/models/model/infer")


def test_mutated_requests_are_answered_or_refused() -> None:
    command = (sys.executable, "-m", "tests.service.fuzz", "--count", str(REQUESTS), "--seed", "1")

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)

    assert done.returncode == 0, done.stdout + done.stderr
    counts = {kind: int(count) for count, kind in re.findall(r"^ *(\d+)  (.+)$", done.stdout, re.MULTILINE)}
    # Both ways out are tried at each path, and each of the C readers has something to read.
    for path in PATHS:
        assert counts[f"{path} 200"] > REQUESTS / 50
        assert counts[f"{path} 400"] > REQUESTS / 50
    assert {"rows", "tables", "lines", "a query"} <= set(counts)
