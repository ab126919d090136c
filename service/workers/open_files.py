"""How many connections a worker may have, by the files that the system lets it open."""

from __future__ import annotations

import resource
from contextlib import suppress

# Beyond so many connections of a worker, the guard ends the oldest idle ones. Each takes some kB.
MOST_CONNECTIONS = 2048
# A new connection is taken before an old one is ended, so twice as many may be open; and other files.
_OTHER_FILES = 256
_FILES = 2 * MOST_CONNECTIONS + _OTHER_FILES


def raise_limit() -> None:
    """Let this process and its children open as many files as it may, and no more than it needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """Give how many connections a worker may have with the limit that there is."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if soft == resource.RLIM_INFINITY else min(soft, _FILES)
    return max(16, (files - _OTHER_FILES) // 2)
