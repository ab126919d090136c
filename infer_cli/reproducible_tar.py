"""Entries of tar archives with a fixed owner, mode and time: the same on every machine and every day."""

from __future__ import annotations

import tarfile

# 1980-01-01 00:00 UTC: the earliest time that every archive format can hold.
FIXED_MTIME = 315_532_800
FILE_MODE = 0o644
FOLDER_MODE = PROGRAM_MODE = 0o755


def fixed_entry(name: str, *, size: int | None, mode: int = FILE_MODE) -> tarfile.TarInfo:
    """An archive entry for a file of `size` bytes, or for a folder if `size` is None; the owner is root."""
    entry = tarfile.TarInfo(name)
    entry.mtime = FIXED_MTIME
    if size is None:
        entry.type, entry.mode = tarfile.DIRTYPE, FOLDER_MODE
    else:
        entry.size, entry.mode = size, mode
    return entry
