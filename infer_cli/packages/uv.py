"""Runs uv, which resolves and fetches packages with the user's own index, proxy, CA and cache settings."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from infer_cli.errors import LockFailed, NothingFits

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_uv(arguments: Sequence[str], *, doing: str, stdin: str | None = None) -> str:
    """Run `uv ARGUMENTS` with the text `stdin` as its standard input, and return its standard output.

    `doing` completes the message "cannot …". Raises `LockFailed` with uv's explanation if uv fails, or
    `NothingFits` if uv says that no versions fit together.
    """
    from uv import find_uv_bin  # noqa: PLC0415 (only builds need the uv package)

    finished = subprocess.run(
        [find_uv_bin(), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise _failure(doing, finished.stderr)
    return finished.stdout


def current_python() -> str:
    """The interpreter that runs infer.

    uv needs an interpreter to run at all; `target_options` decide which wheels fit the image.
    """
    return sys.executable


def _failure(doing: str, explanation: str) -> LockFailed:
    text = " ".join(explanation.split())
    kind: type[LockFailed] = LockFailed
    hint = "see uv's message above"
    if "dns error" in text or "error sending request" in text or "Failed to fetch" in text:
        hint = (
            "the package index cannot be reached; check with `infer doctor`, or set UV_INDEX_URL to a mirror"
        )
    elif "was not found in the package registry" in text:
        hint = "the index has no package of that name; check its spelling"
    elif "No solution found" in text or "unsatisfiable" in text or "no wheels" in text:
        kind = NothingFits
        hint = "no Python version that infer supports has wheels of the required versions; check the versions"
    return kind(f"cannot {doing}", detail=explanation.strip(), hint=hint)
