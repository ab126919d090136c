"""Where infer keeps what it can make again: fetched packages, and models from archives."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The cache folder of infer: `INFER_CACHE_DIR`, else the cache folder of the operating system."""
    if chosen := os.environ.get("INFER_CACHE_DIR"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "infer"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "infer"
