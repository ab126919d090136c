"""Memory that processes share, as a file that has no name."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def unnamed_file(name: str) -> int:
    """Make a file in memory, for which no file system has to be writable, and give its descriptor."""
    with suppress(AttributeError, OSError):
        return os.memfd_create(name)
    # Where that is forbidden, this is still writable; macOS has neither.
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (the file has no name there)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())
