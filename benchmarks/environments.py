"""Makes the Python environments of the peers, and trains the models that every server serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "bench"
_PYTHON = "3.11"
# uv ignores packages published later, so that the dependencies are the same in each run.
_NEWEST_PACKAGES = "2026-11-20"
# The same versions in every environment, as all servers read the same pickle.
NUMERIC = ("scikit-learn==1.9.1", "numpy==2.4.6", "scipy==1.17.1", "joblib==1.6.0")
_TIMEOUT_S = 900
_TRAINER = Path(__file__).with_name("train.py")


def make_environment(name: str, packages: Sequence[str]) -> Path:
    """The Python interpreter of an environment with `packages` and `NUMERIC`; raises `Problem`.

    The environment is kept between runs, and made anew when its packages change.
    """
    folder = CACHE / name
    python = folder / "venv" / "bin" / "python"
    content = "\n".join((_PYTHON, _NEWEST_PACKAGES, *NUMERIC, *packages))
    stamp = folder / "packages.txt"
    if not stamp.is_file() or stamp.read_text() != content:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"Installing {name}", file=sys.stderr)
        run_quietly((_uv(), "venv", "--python", _PYTHON, str(folder / "venv")))
        chosen = ("--python", str(python), "--exclude-newer", _NEWEST_PACKAGES)
        run_quietly((_uv(), "pip", "install", *chosen, *NUMERIC, *packages))
        stamp.write_text(content)
    return python


def train_models(*estimators: str) -> Path:
    """The folder of the models with their rows and labels, trained anew at each call with the same result.

    With names of `estimators`, it holds these estimators, trained on iris, in place of the usual models.
    """
    python = make_environment("trainer", ())
    folder = CACHE / "models"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run_quietly((str(python), str(_TRAINER), str(folder), *estimators))
    return folder


def run_quietly(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, folder: Path | None = None
) -> str:
    """Run a command to its end and return its output; raises `Problem` with the end of the output."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if finished.returncode != 0:
        raise Problem(f"{Path(command[0]).name} {command[1]} failed: {end_of_log(finished.stdout)}")
    return finished.stdout


def end_of_log(text: str, *, most: int = 300) -> str:
    """The last `most` characters of a log, on one line."""
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())[-most:]


def _uv() -> str:
    from uv import find_uv_bin  # noqa: PLC0415 (other parts do without the uv package)

    return find_uv_bin()
