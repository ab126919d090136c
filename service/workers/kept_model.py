"""The model file that is served, kept as it was when it was loaded, so that it can be served once more.

Whoever writes another model into its place may do so by renaming a file, or by writing into the same one. In
the first case an open descriptor keeps the file. In the second case only a copy does, which takes memory. So
a file is copied unless it is too large for that.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from service.settings import BESIDE, KeptFiles

if TYPE_CHECKING:
    from service.settings import Settings

# The share of the memory that a copy of the model file may take.
COPIED_SHARE = 1 / 16
# Linux: nobody may write to the copy, or change its length, from now on (fcntl(2)).
_ADD_SEALS, _SEALS = 1033, 0x0002 | 0x0004 | 0x0008


@dataclass(frozen=True)
class KeptModel:
    """Descriptors of the model file, or of a copy of it, and of the file beside it, if there is one."""

    model: int
    beside: int | None
    is_copied: bool

    @classmethod
    def of(cls, settings: Settings) -> KeptModel | None:
        """Keep the model file of the settings; None if it cannot be read."""
        try:
            model = os.open(settings.model_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        total = settings.memory_bytes or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        copied = _copy(model) if os.fstat(model).st_size <= COPIED_SHARE * total else None
        beside = None
        with suppress(OSError):
            opened = os.open(settings.model_file.parent / BESIDE, os.O_RDONLY | os.O_CLOEXEC)
            beside = _copy(opened) or opened
            if beside != opened:
                os.close(opened)
        if copied is not None:
            os.close(model)
        return cls(model if copied is None else copied, beside, is_copied=copied is not None)

    def settings_for(self, settings: Settings) -> Settings:
        """Give the settings of a service that loads these files."""
        return replace(
            settings, kept=KeptFiles(_path(self.model), None if self.beside is None else _path(self.beside))
        )

    def close(self) -> None:
        """Keep the files no more."""
        for descriptor in (self.model, self.beside):
            if descriptor is not None:
                os.close(descriptor)


def _path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")


def _copy(descriptor: int) -> int | None:
    """Give the descriptor of a copy in memory; None if there can be none."""
    try:
        copy = os.memfd_create("infer-model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except (AttributeError, OSError):
        return None
    try:
        with open(descriptor, "rb", closefd=False) as source, open(copy, "wb", closefd=False) as target:
            shutil.copyfileobj(source, target, 2**20)
        fcntl.fcntl(copy, _ADD_SEALS, _SEALS)
    except OSError:
        os.close(copy)
        return None
    return copy
