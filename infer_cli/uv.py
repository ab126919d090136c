"""Runs uv, which resolves and fetches packages with the user's own index, proxy, CA and cache settings."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from infer_cli.errors import LockFailed

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_uv(arguments: Sequence[str], *, doing: str, given: str | None = None) -> str:
    """Run `uv ARGUMENTS` and give what it printed on stdout; `given` is its standard input.

    Raises `LockFailed` with the end of uv's explanation.
    """
    from uv import find_uv_bin  # noqa: PLC0415 (only a build needs it)

    finished = subprocess.run(
        [find_uv_bin(), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise LockFailed(f"cannot {doing}", detail=finished.stderr.strip(), hint=_advice(finished.stderr))
    return finished.stdout


def current_python() -> str:
    """The interpreter that runs infer; uv asks it only where things are, not what fits the image."""
    return sys.executable


def _advice(explanation: str) -> str:
    text = " ".join(explanation.split())
    if (
        "no wheels" in text
        or "no usable wheels" in text
        or "building source distributions is disabled" in text
    ):
        return (
            "there is no wheel of this version for the image's Python and processor: choose another Python "
            "with --python X.Y (or another --base-image)"
        )
    if "dns error" in text or "error sending request" in text or "Failed to fetch" in text:
        return (
            "the package index cannot be reached; check with `infer doctor`, or set UV_INDEX_URL to a mirror"
        )
    if "No solution found" in text or "unsatisfiable" in text:
        return "these versions do not go together; try another Python with --python X.Y"
    return "see uv's message above"
