"""Programs of seccomp, which refuse system calls by their numbers and arguments.

A program is made of instructions of BPF; it sees the number of a call, its six arguments and the processor
whose numbers these are (`struct seccomp_data` of seccomp(2)). It cannot follow an argument to the memory that
it points to. So a call is listed here with the arguments that are themselves numbers.
"""

from __future__ import annotations

import errno
import struct
from typing import NamedTuple

from service.confinement import syscalls

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}

# <linux/bpf_common.h>: load a word, compare, mask, return.
_LOAD, _EQUALS, _ABOVE, _MASK, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16

# <bits/socket.h>, <netinet/in.h>.
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_SOCK_STREAM, _SOCK_TYPE = 1, 0xF
_IPPROTO_TCP = 6
_MSG_FASTOPEN = 0x20000000
# <linux/sched.h>: the flags of `clone` that make namespaces, and the flag that makes a thread of a process.
_CLONE_NEW = 0x7E020000
_CLONE_THREAD = 0x00010000
# <asm-generic/fcntl.h>, the same on both processors.
_O_ACCMODE, _O_CREAT, _O_TRUNC = 0o3, 0o100, 0o1000
# <asm-generic/ioctls.h>: typing into a terminal, and making a terminal one's own.
_TIOCSTI, _TIOCSCTTY, _TIOCLINUX = 0x5412, 0x540E, 0x541C
# <linux/fs.h>: the flags of a file, which a descriptor for reading is enough to change.
_FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR = 0x40086602, 0x401C5820


class Condition(NamedTuple):
    """What holds of one argument: the lower 32 bits of it, or with `is_upper` the upper, after the mask."""

    argument: int
    value: int
    equal: bool = True
    mask: int = 0xFFFFFFFF
    is_upper: bool = False


class Refusal(NamedTuple):
    """A system call that is refused with an error if all conditions of one of `cases` hold."""

    call: str
    cases: tuple[tuple[Condition, ...], ...]
    error: int = errno.EPERM


def server_program(
    machine: str, *, programs: bool, connections: bool, files: bool, files_by_landlock: bool
) -> bytes:
    """Give the program for the service: what is true may be done.

    With `files_by_landlock`, Landlock decides which files may be made and opened for writing; else none may.
    """
    refused = dict.fromkeys(syscalls.SYSTEM, errno.EPERM)
    refused.update(dict.fromkeys(syscalls.MISSING, errno.ENOSYS))
    new_namespace = Condition(0, 0, equal=False, mask=_CLONE_NEW)
    terminal = tuple((Condition(1, code),) for code in (_TIOCSTI, _TIOCSCTTY, _TIOCLINUX))
    flags = tuple((Condition(1, code),) for code in (_FS_IOC_SETFLAGS, _FS_IOC_FSSETXATTR))
    by_arguments = [
        Refusal("clone", ((new_namespace,),)),
        Refusal("ioctl", terminal if files else (*terminal, *flags)),
        Refusal("prlimit64", ((Condition(0, 0, equal=False),),)),
    ]
    if not programs:
        refused.update(dict.fromkeys(syscalls.PROGRAMS, errno.EPERM))
    if not connections:
        refused.update(dict.fromkeys(syscalls.CONNECTIONS, errno.EPERM))
        by_arguments += _connection_refusals()
    if not files:
        refused.update(dict.fromkeys(syscalls.PROPERTIES, errno.EACCES))
        if not files_by_landlock:
            refused.update(dict.fromkeys(syscalls.FILES, errno.EACCES))
        by_arguments += _opening_refusals(by_landlock=files_by_landlock)
    return assemble(machine, refused, by_arguments)


def worker_program(machine: str, pid: int, *, programs: bool) -> bytes:
    """Give the further program for a worker, with this process id: it sends signals to itself alone.

    Unless it may start programs, it also copies itself no more: each process of it is a thread.
    """
    refused = dict.fromkeys(syscalls.SIGNALS, errno.EPERM)
    other = ((Condition(0, pid, equal=False),),)
    by_arguments = [Refusal("kill", other), Refusal("tgkill", other)]
    if not programs:
        refused.update(dict.fromkeys(syscalls.COPIES, errno.EPERM))
        by_arguments.append(Refusal("clone", ((Condition(0, 0, mask=_CLONE_THREAD),),)))
    return assemble(machine, refused, by_arguments)


def _connection_refusals() -> list[Refusal]:
    """Leave only sockets of TCP, which can wait for connections, and pairs within the process."""
    no_stream = Condition(1, _SOCK_STREAM, equal=False, mask=_SOCK_TYPE)
    no_tcp = Condition(2, 0, equal=False), Condition(2, _IPPROTO_TCP, equal=False)
    no_internet = Condition(0, _AF_INET, equal=False), Condition(0, _AF_INET6, equal=False)
    has_address = (Condition(4, 0, equal=False),), (Condition(4, 0, equal=False, is_upper=True),)
    return [
        Refusal("socket", (no_internet, (no_stream,), no_tcp)),
        Refusal("socketpair", ((Condition(0, _AF_UNIX, equal=False),), (no_stream,))),
        # An address, or the flag, would make a connection by sending.
        Refusal("sendto", (*has_address, (Condition(3, 0, equal=False, mask=_MSG_FASTOPEN),))),
        Refusal("sendmsg", ((Condition(2, 0, equal=False, mask=_MSG_FASTOPEN),),)),
    ]


def _opening_refusals(*, by_landlock: bool) -> list[Refusal]:
    found = []
    for call, argument in (("open", 1), ("openat", 2)):
        truncates = Condition(argument, 0, equal=False, mask=_O_TRUNC)
        writes = Condition(argument, 0, equal=False, mask=_O_ACCMODE)
        creates = Condition(argument, 0, equal=False, mask=_O_CREAT)
        # Opening for reading can shorten a file too, and old versions of Landlock do not look at that.
        only_reads = Condition(argument, 0, mask=_O_ACCMODE)
        cases = ((truncates, only_reads),) if by_landlock else ((writes,), (creates,), (truncates,))
        found.append(Refusal(call, cases, errno.EACCES))
    return found


def assemble(machine: str, refused: dict[str, int], by_arguments: list[Refusal]) -> bytes:
    """Give the instructions of a program that allows all but what is refused.

    `refused` maps the names of calls to errors. A call of another processor's numbers is refused, and so are
    the calls of x32, whose numbers are above all others.
    """
    code = [
        _instruction(_LOAD, _MACHINE_AT),
        _instruction(_EQUALS, _AUDIT_ARCH[machine], then=1),
        _instruction(_RETURN, _ERRNO | errno.EPERM),
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_ABOVE, syscalls.NEWEST, otherwise=1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
    ]
    for name, error in refused.items():
        number = numbers()[name][_COLUMN[machine]]
        if number is not None:
            code.append(_instruction(_EQUALS, number, otherwise=1))
            code.append(_instruction(_RETURN, _ERRNO | error))
    for refusal in by_arguments:
        number = numbers()[refusal.call][_COLUMN[machine]]
        if number is not None:
            block = _block(refusal)
            code.append(_instruction(_EQUALS, number, otherwise=len(block)))
            code += block
    code.append(_instruction(_RETURN, _ALLOW))
    return b"".join(code)


def _block(refusal: Refusal) -> list[bytes]:
    code = []
    for conditions in refusal.cases:
        checks: list[bytes] = [_instruction(_RETURN, _ERRNO | refusal.error)]
        # Backwards, because each condition that does not hold goes on behind the refusal.
        for condition in reversed(conditions):
            position = _ARGUMENTS_AT + 8 * condition.argument + (4 if condition.is_upper else 0)
            then, otherwise = (0, len(checks)) if condition.equal else (len(checks), 0)
            checks = [
                _instruction(_LOAD, position),
                _instruction(_MASK, condition.mask),
                _instruction(_EQUALS, condition.value, then=then, otherwise=otherwise),
                *checks,
            ]
        code += checks
    return [*code, _instruction(_RETURN, _ALLOW)]


def _instruction(operation: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Give one `struct sock_filter`: an operation, two jumps by instructions, and an operand."""
    return struct.pack("=HBBI", operation, then, otherwise, operand)


def numbers() -> dict[str, tuple[int | None, int | None]]:
    """Give the numbers of all calls that are known here, by name: on x86_64, and on aarch64."""
    groups = (
        *(syscalls.SYSTEM, syscalls.PROGRAMS, syscalls.CONNECTIONS, syscalls.FILES, syscalls.PROPERTIES),
        *(syscalls.COPIES, syscalls.SIGNALS, syscalls.MISSING, syscalls.BY_ARGUMENTS),
    )
    return {name: numbers for group in groups for name, numbers in group.items()}
