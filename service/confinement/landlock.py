"""Rules of Landlock: which files and ports the process may use; what no rule allows is refused.

Source: landlock(7), and `include/uapi/linux/landlock.h`. A right that the kernel does not know yet must not
be asked for, so each right stands with the version of the interface that brought it.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING

from service.confinement import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
# Removing and making files of every kind, bits 4 to 12.
_CHANGE_FOLDER = 0x1FF0
# Of these: making devices of characters and of blocks.
_DEVICES = 1 << 6 | 1 << 11
_REFER, _TRUNCATE, _DEVICE_IOCTL = 1 << 13, 1 << 14, 1 << 15
_BIND_TCP, _CONNECT_TCP = 1, 2
_ABSTRACT_SOCKETS, _OTHER_SIGNALS = 1, 2
_RULE_PATH, _RULE_PORT = 1, 2

# The versions of the interface that brought rights.
REFER_VERSION, TRUNCATE_VERSION, PORTS_VERSION, DEVICES_VERSION, SCOPES_VERSION = 2, 3, 4, 5, 6


def file_rights(version: int) -> int:
    """Give all rights on files that a version of Landlock knows."""
    rights = _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_FOLDER | _CHANGE_FOLDER
    for right, since in (
        (_REFER, REFER_VERSION),
        (_TRUNCATE, TRUNCATE_VERSION),
        (_DEVICE_IOCTL, DEVICES_VERSION),
    ):
        rights |= right if version >= since else 0
    return rights


def restrict(
    version: int,
    *,
    port: int | None,
    readable: Iterable[str] | None,
    writable: Iterable[str] = (),
    scratch: str | None = None,
    programs: bool = False,
) -> None:
    """Restrict this thread and what it starts; raise `OSError` if the kernel refuses.

    The process listens on `port` alone and connects to none; any port with None. It reads what lies in
    `readable`, and starts programs there if `programs`; any file with None. It writes the files in
    `writable`, and makes and removes files in the folder `scratch`. Signals reach only processes of
    the same kind.
    """
    files = file_rights(version) if readable is not None else 0
    ports = _BIND_TCP | _CONNECT_TCP if port is not None and version >= PORTS_VERSION else 0
    scopes = _OTHER_SIGNALS if version >= SCOPES_VERSION else 0
    scopes |= _ABSTRACT_SOCKETS if scopes and port is not None else 0
    if not (files or ports or scopes):
        _restrict_to_own_processes(version)
        return
    ruleset = kernel.create_ruleset(_attributes(version, files, ports, scopes))
    try:
        reading = _READ_FILE | _READ_FOLDER | (_EXECUTE if programs else 0)
        for path in readable or ():
            _allow(ruleset, path, files & reading)
        for path in writable if files else ():
            _allow(ruleset, path, files & (_READ_FILE | _WRITE_FILE | _TRUNCATE))
        if files and scratch is not None:
            _allow(ruleset, scratch, files & ~(_EXECUTE | _DEVICES | _REFER | _DEVICE_IOCTL))
        if ports:
            kernel.add_rule(ruleset, _RULE_PORT, struct.pack("=QQ", _BIND_TCP, port))
        kernel.restrict_self(ruleset)
    finally:
        os.close(ruleset)


def _restrict_to_own_processes(version: int) -> None:
    """Restrict nothing but the use of other processes: their memory is out of reach of any set of rules.

    A set must have a right, so this one has that of moving files, and allows it everywhere.
    """
    if version >= REFER_VERSION:
        ruleset = kernel.create_ruleset(_attributes(version, _REFER, 0, 0))
        try:
            _allow(ruleset, "/", _REFER)
            kernel.restrict_self(ruleset)
        finally:
            os.close(ruleset)


def _attributes(version: int, files: int, ports: int, scopes: int) -> bytes:
    """Give `struct landlock_ruleset_attr`, as long as the version knows it."""
    length = 1 + (version >= PORTS_VERSION) + (version >= SCOPES_VERSION)
    return struct.pack(f"={length}Q", *(files, ports, scopes)[:length])


def _allow(ruleset: int, path: str, rights: int) -> None:
    """Allow rights on a file, or on a folder and all below it; nothing if there is no such path."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= ~(_READ_FOLDER | _CHANGE_FOLDER | _REFER)
        kernel.add_rule(ruleset, _RULE_PATH, struct.pack("=Qi", rights, place))
    finally:
        os.close(place)
