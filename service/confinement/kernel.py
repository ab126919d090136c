"""The few system calls that take rights away, through the C library.

Sources: prctl(2), seccomp(2), landlock(7), and `Documentation/userspace-api/landlock.rst` and
`seccomp_filter.rst` of Linux.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
# For every thread; and without slowing down memory, which older kernels do to a process with a filter.
_SECCOMP_FILTER_FLAG_TSYNC, _SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1, 4
_CAPABILITY_VERSION_3 = 0x20080522
_SECCOMP_NUMBERS = {"x86_64": 317, "aarch64": 277}
# The system calls of Landlock have the same numbers on every processor.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_LANDLOCK_CREATE_RULESET_VERSION = 1


class _Program(ctypes.Structure):
    """`struct sock_fprog` of <linux/filter.h>."""

    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def machine() -> str:
    """Give the processor as the system names it if the numbers of its system calls are known, else ''."""
    # A program of 32 bits on a kernel of 64 bits has other numbers.
    is_known = sys.platform == "linux" and sys.maxsize > 2**32 and platform.machine() in _SECCOMP_NUMBERS
    return platform.machine() if is_known else ""


def forbid_new_privileges() -> None:
    """Let no program that is started gain rights by its file; both interfaces demand this."""
    library = ctypes.CDLL(None, use_errno=True)
    one, zero = ctypes.c_ulong(1), ctypes.c_ulong(0)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) != 0:
        raise _error()


def keep_capabilities(kept: int) -> None:
    """Give up the rights of root but these, which is a set of bits; raise `OSError` if that is not possible.

    Source: capget(2). An ordinary user has none to give up.
    """
    library = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    words = ctypes.create_string_buffer(24)
    if library.capget(header, words) != 0:
        raise _error()
    # Effective, permitted and inheritable, of the capabilities 0 to 31, and then of 32 to 63.
    found = struct.unpack("=6I", words.raw)
    low, high = (kept & found[1]), (kept >> 32 & found[4])
    if library.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
        raise _error()


def install_filter(program: bytes) -> None:
    """Have a program of BPF judge every thread, and all that this process starts; raise `OSError`."""
    memory = ctypes.create_string_buffer(program, len(program))
    description = _Program(len(program) // 8, ctypes.addressof(memory))
    number = _SECCOMP_NUMBERS[machine()]
    # Positive: the number of a thread that could not be given the filter.
    flags = _SECCOMP_FILTER_FLAG_TSYNC | _SECCOMP_FILTER_FLAG_SPEC_ALLOW
    if _call(number, _SECCOMP_SET_MODE_FILTER, flags, ctypes.byref(description)) > 0:
        raise OSError("a thread has another seccomp filter")


def hide_memory() -> None:
    """Keep the memory of this process from other processes of the same user."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, *map(ctypes.c_ulong, (0, 0, 0, 0)))


def show_memory() -> None:
    """Undo `hide_memory`, without which a process may not look at its own files in /proc."""
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, *map(ctypes.c_ulong, (1, 0, 0, 0)))


def landlock_version() -> int:
    """Give the version of Landlock's interface that the kernel has; 0 without Landlock."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    except OSError:
        return 0


def create_ruleset(attributes: bytes) -> int:
    """Make a set of rules of Landlock, and give its file descriptor."""
    return _call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)


def add_rule(ruleset: int, kind: int, attributes: bytes) -> None:
    """Add a rule to a set of rules."""
    _call(_LANDLOCK_ADD_RULE, ruleset, kind, attributes, 0)


def restrict_self(ruleset: int) -> None:
    """Restrict this thread, and all that it starts, to what the rules allow."""
    _call(_LANDLOCK_RESTRICT_SELF, ruleset, 0)


def _call(number: int, *arguments: object) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = library.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise _error()
    return result


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
