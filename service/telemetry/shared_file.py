"""Memory that processes share, as a file that has no name."""

from __future__ import annotations

import fcntl
import mmap
import os
import tempfile
import weakref
from contextlib import suppress
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import NoRegion

if TYPE_CHECKING:
    from collections.abc import Callable


class SharedFile:
    """Zeros in memory, which a forked worker has, and which a worker that is spawned opens again."""

    def __init__(self, name: str, size: int) -> None:
        """`name` is what the system's list of open files shows, and `size` is in bytes."""
        descriptor = _unnamed_file(name)
        os.ftruncate(descriptor, size)
        self._open(descriptor)

    def _open(self, descriptor: int) -> None:
        # Kept open, as is the map's descriptor: closing either would release this process's lock (fcntl(2)).
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)
        self.map = mmap.mmap(descriptor, 0)

    def __reduce__(self) -> tuple[Callable[..., SharedFile], tuple[object]]:
        """Let a worker that is spawned open the same file."""
        return _opened, (DupFd(self._descriptor),)

    def claim(self, regions: int) -> int:
        """Give the index of a region that from now on is this process's; raise `NoRegion` if none is free.

        A region belongs to the process that has locked its byte of the file. The system lets go of the lock
        when the process ends, however it ends; the next worker then goes on with what the region holds.
        """
        for index in range(regions):
            with suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, index)
                return index
        raise NoRegion


def _opened(descriptor: Any) -> SharedFile:  # noqa: ANN401 (multiprocessing does not tell its type)
    file = SharedFile.__new__(SharedFile)
    file._open(descriptor.detach())  # noqa: SLF001 (this is its other constructor)
    return file


def _unnamed_file(name: str) -> int:
    """Make a file in memory, for which no file system has to be writable, and give its descriptor."""
    with suppress(AttributeError, OSError):
        return os.memfd_create(name)
    # Where that is forbidden, this is still writable; macOS has neither.
    folder = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (the file has no name there)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.dup(file.fileno())
