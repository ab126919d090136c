"""Files that are looked at again and again, until what stands there is something else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A change counts once two looks have found the same: files take time to write, and two are not replaced in
# one moment.
LOOK_EVERY_S = 1.0

# A device, an inode, a size in bytes, and when it was written, in ns.
_Stamp = Optional["tuple[int, int, int, int]"]


class Changes:
    """Looks at files. The first of them must be there; without files, nothing changes."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._seen = self._known = self._stamps()
        self._look_at = 0.0

    def note(self) -> None:
        """Take the files as they are now for known."""
        self._known = self._stamps()

    def look(self) -> bool:
        """Tell, once for each change, that the files have changed, and are the same as at the last look."""
        if not self._files or time.monotonic() < self._look_at:
            return False
        self._look_at = time.monotonic() + LOOK_EVERY_S
        before, self._seen = self._seen, self._stamps()
        if self._seen != before or self._seen == self._known or self._seen[0] is None:
            return False
        self._known = self._seen
        return True

    def _stamps(self) -> list[_Stamp]:
        return [_stamp(file) for file in self._files]


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
