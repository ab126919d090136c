"""Runs `fresh_check`: the saved model must answer alike in a Python that knows nothing of the script."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.own_modules import library_folders

_TIMEOUT_S = 600
_INFER = Path(__file__).parents[2]


def check_fresh(file: Path, code: Path, given: object, answers: dict[str, list[object]]) -> None:
    """Load the model in a new process, and compare its answers; raise `SaveFailed` if one differs."""
    with tempfile.TemporaryDirectory() as empty:
        rows = Path(empty) / "rows.pkl"
        try:
            rows.write_bytes(pickle.dumps((given, answers), 5))
        except Exception as error:
            message = f"X cannot be pickled: {error}"
            raise SaveFailed(message, hint="give X as a table of plain values") from error
        try:
            finished = subprocess.run(
                [sys.executable, "-m", "infer_cli.saving.fresh_check", str(file), str(rows)],
                cwd=empty,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(code), *library_folders(), str(_INFER)]),
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            message = f"the saved model has not answered within {_TIMEOUT_S} s in a fresh Python"
            raise SaveFailed(message, hint="save it with fewer rows=") from None
    if finished.returncode != 0:
        said = (finished.stdout or finished.stderr).strip().splitlines()
        raise SaveFailed(
            f"the saved model does not work in a fresh Python: {said[-1] if said else finished.returncode}",
            hint="nothing was written. Give the model only what its classes and functions get as arguments, "
            "and no state of the script",
        )
