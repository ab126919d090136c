"""Takes rights away from the service, and says what holds.

It is called before the model is loaded and before any library starts a thread: Landlock restricts only the
thread that asks for it, and what that thread starts. Each worker then gives up what only the server needs.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from service.confinement import kernel, landlock, seccomp
from service.confinement.readable import WRITABLE, readable_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.settings import Settings


# CAP_DAC_READ_SEARCH and CAP_NET_BIND_SERVICE of <linux/capability.h>. Other rights of root, such as
# CAP_PERFMON, reach the memory of other processes past Landlock.
_KEPT_OF_ROOT = 1 << 2 | 1 << 10
_OWN = "the model, its packages and the system's files"


class _Right(NamedTuple):
    """A right that the settings do not give: what is said if it is taken away, and if it is left."""

    taken: str
    left: str
    is_taken: bool


@dataclass(frozen=True)
class Confinement:
    """What the service cannot do from now on, and what it could still do although the settings forbid it."""

    holds: tuple[str, ...]
    lacks: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.holds and not self.lacks:
            return "not confined: the settings allow everything"
        parts = []
        if self.holds:
            parts.append(f"confined: it {_joined(self.holds)}")
        if self.lacks:
            parts.append(f"not confined: it can {_joined(self.lacks, 'or')}")
        return "; ".join(parts)


def confine(settings: Settings, environment: Mapping[str, str]) -> Confinement:
    """Take away what the settings do not allow, as far as this system can; no error if it cannot.

    Only one thread may run at this time.
    """
    if sys.platform != "linux":
        return _told(settings, has_filter=False, version=0)
    _keep_memory_off_the_disk()
    version = kernel.landlock_version()
    machine = kernel.machine()
    try:
        kernel.forbid_new_privileges()
    except OSError:
        return _told(settings, has_filter=False, version=0)
    if settings.files == "own":
        with suppress(OSError):
            kernel.keep_capabilities(_KEPT_OF_ROOT)
    version = _restrict_files_and_ports(settings, environment, version)
    has_filter = _install_filter(settings, machine, version) if machine else False
    return _told(settings, has_filter=has_filter, version=version)


def is_open() -> bool:
    """Tell whether this process, in spite of all, can send to an address of a network that it has."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return any(name != "lo" for _, name in socket.if_nameindex())


def confine_worker(settings: Settings) -> None:
    """Take away from a worker what only the server needs: to send signals, and to copy its process."""
    machine = kernel.machine()
    if machine:
        with suppress(OSError):  # The kernel has no filters; `confine` has said so.
            kernel.install_filter(seccomp.worker_program(machine, os.getpid(), programs=settings.programs))


def _keep_memory_off_the_disk() -> None:
    """Let the system write no file with the memory of a process that crashes."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _restrict_files_and_ports(settings: Settings, environment: Mapping[str, str], version: int) -> int:
    """Give the version of Landlock by which this thread is restricted; 0 if it is not."""
    if version == 0:
        return 0
    try:
        landlock.restrict(
            version,
            port=None if settings.egress else settings.port,
            readable=readable_paths(settings, environment) if settings.files == "own" else None,
            writable=WRITABLE,
            scratch=None if settings.scratch is None else str(settings.scratch),
            programs=settings.programs,
        )
    except OSError:
        return 0
    return version


def _install_filter(settings: Settings, machine: str, version: int) -> bool:
    program = seccomp.server_program(
        machine,
        programs=settings.programs,
        connections=settings.egress,
        # Without Landlock, writing to the temporary folder cannot be told from writing elsewhere.
        files=settings.files == "any" or (version == 0 and settings.scratch is not None),
        files_by_landlock=version > 0,
    )
    try:
        kernel.install_filter(program)
    except OSError:
        return False
    return True


def _told(settings: Settings, *, has_filter: bool, version: int) -> Confinement:
    """Say what holds: each right that the settings do not give is either taken away or not."""
    has_rules = settings.files == "own" and version > 0
    rights = []
    if not settings.programs:
        rights.append(_Right("starts no program", "start programs", is_taken=has_filter or has_rules))
    if not settings.egress:
        rights.append(_Right("makes no connection", "make connections", is_taken=has_filter))
    if settings.files == "own":
        if settings.scratch is None:
            written, writes_none = "writes no file", has_filter or version >= landlock.TRUNCATE_VERSION
        else:
            written = "writes only to its temporary folder"
            writes_none = has_rules and (has_filter or version >= landlock.TRUNCATE_VERSION)
        signals_none = version >= landlock.SCOPES_VERSION
        rights += [
            _Right(written, "write files", is_taken=writes_none),
            _Right("signals no other process", "send signals to your processes", is_taken=signals_none),
            _Right(f"reads only {_OWN}", "read every file that you can read", is_taken=has_rules),
        ]
    return Confinement(
        holds=tuple(right.taken for right in rights if right.is_taken),
        lacks=tuple(right.left for right in rights if not right.is_taken),
    )


def _joined(parts: tuple[str, ...], word: str = "and") -> str:
    return f" {word} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
