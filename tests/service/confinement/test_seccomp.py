from __future__ import annotations

import errno
import os
import re
import socket
import struct
from pathlib import Path
from typing import Callable

import pytest

from service.confinement import kernel, seccomp, syscalls

MACHINES = ("x86_64", "aarch64")
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOW = 0x7FFF0000
needs_filters = pytest.mark.skipif(
    not kernel.machine(), reason="the numbers of the system calls are not known"
)


def judge(program: bytes, machine: int, number: int, arguments: tuple[int, ...] = ()) -> int | str:
    """Run a program as the kernel would; give the error that it answers with, or "allowed"."""
    data = struct.pack("=IIQ6Q", number, machine, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    place = word = 0
    while True:
        operation, then, otherwise, operand = code[place]
        place += 1
        if operation == 0x20:
            (word,) = struct.unpack_from("=I", data, operand)
        elif operation == 0x54:
            word &= operand
        elif operation == 0x06:
            return "allowed" if operand == ALLOW else operand & 0xFFFF
        else:
            holds = {0x15: word == operand, 0x25: word > operand}[operation]
            place += then if holds else otherwise


def program_of(machine: str, **rights: bool) -> bytes:
    given = {"programs": False, "connections": False, "files": False, "files_by_landlock": False, **rights}
    return seccomp.server_program(machine, **given)


def number_of(name: str, machine: str) -> int:
    number = seccomp.numbers()[name][MACHINES.index(machine)]
    assert number is not None
    return number


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("there are no headers of Linux here")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    known = {name: int(number) for name, number in found}
    ours = {name: numbers[MACHINES.index(machine)] for name, numbers in seccomp.numbers().items()}

    # Headers can be older than a call.
    assert {name: number for name, number in ours.items() if known.get(name, number) != number} == {}
    assert {name for name, number in ours.items() if number is None and name in known} == set()


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("name", "arguments", "outcome"),
    [
        ("execve", (), errno.EPERM),
        ("connect", (), errno.EPERM),
        ("ptrace", (), errno.EPERM),
        ("clone3", (), errno.ENOSYS),
        ("fchmodat2", (), errno.EACCES),
        ("clone", (0x10000000,), errno.EPERM),
        ("clone", (0x00010000,), "allowed"),
        ("clone", (17,), "allowed"),
        ("ioctl", (1, 0x5412), errno.EPERM),
        ("ioctl", (1, 0x5401), "allowed"),
        ("ioctl", (1, 0x1_0000_5412), errno.EPERM),
        ("socket", (2, 1, 0), "allowed"),
        ("socket", (10, 0x80801, 6), "allowed"),
        ("socket", (1, 1, 0), errno.EPERM),
        ("socket", (2, 2, 0), errno.EPERM),
        ("socket", (2, 1, 132), errno.EPERM),
        ("socketpair", (1, 1, 0), "allowed"),
        ("socketpair", (1, 2, 0), errno.EPERM),
        ("sendto", (3, 1, 1, 0, 0, 0), "allowed"),
        ("sendto", (3, 1, 1, 0, 8, 16), errno.EPERM),
        ("sendto", (3, 1, 1, 0, 8 << 32, 16), errno.EPERM),
        ("sendto", (3, 1, 1, 0x20000000, 0, 0), errno.EPERM),
        ("sendmsg", (3, 1, 0x20000000), errno.EPERM),
        ("sendmsg", (3, 1, 0x4000), "allowed"),
        ("prlimit64", (0,), "allowed"),
        ("prlimit64", (1,), errno.EPERM),
        ("openat", (0, 0, os.O_RDONLY | os.O_CLOEXEC), "allowed"),
        ("openat", (0, 0, os.O_WRONLY), errno.EACCES),
        ("openat", (0, 0, os.O_RDWR), errno.EACCES),
        ("openat", (0, 0, os.O_RDONLY | os.O_CREAT), errno.EACCES),
        ("openat", (0, 0, os.O_RDONLY | os.O_TRUNC), errno.EACCES),
    ],
)
def test_a_program_judges_by_numbers_and_arguments(
    machine: str, name: str, arguments: tuple[int, ...], outcome: object
) -> None:
    assert judge(program_of(machine), AUDIT[machine], number_of(name, machine), arguments) == outcome


@pytest.mark.parametrize("machine", MACHINES)
def test_calls_of_other_processors_and_unknown_calls_are_refused(machine: str) -> None:
    program = program_of(machine)

    i386, arm, x32 = 0x40000003, 0x40000028, 0x40000000
    assert judge(program, i386, 1) == errno.EPERM
    assert judge(program, arm, 1) == errno.EPERM
    assert judge(program, AUDIT[machine], x32 | 59) == errno.ENOSYS
    assert judge(program, AUDIT[machine], syscalls.NEWEST) == "allowed"
    assert judge(program, AUDIT[machine], syscalls.NEWEST + 1) == errno.ENOSYS


@pytest.mark.parametrize("machine", MACHINES)
def test_landlock_decides_which_files_are_opened_for_writing(machine: str) -> None:
    program, number = program_of(machine, files_by_landlock=True), number_of("openat", machine)

    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    assert judge(program, AUDIT[machine], number, (0, 0, flags)) == "allowed"
    assert judge(program, AUDIT[machine], number, (0, 0, os.O_TRUNC)) == errno.EACCES
    assert judge(program, AUDIT[machine], number_of("unlinkat", machine)) == "allowed"
    assert judge(program, AUDIT[machine], number_of("fchmodat", machine)) == errno.EACCES


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("right", "names"),
    [
        ("programs", list(syscalls.PROGRAMS)),
        ("connections", list(syscalls.CONNECTIONS)),
        ("files", [name for name, numbers in syscalls.FILES.items() if None not in numbers]),
    ],
)
def test_a_right_that_is_given_is_not_taken(machine: str, right: str, names: list[str]) -> None:
    for name in names:
        number = number_of(name, machine)
        assert judge(program_of(machine), AUDIT[machine], number) != "allowed"
        assert judge(program_of(machine, **{right: True}), AUDIT[machine], number) == "allowed"


@pytest.mark.parametrize("machine", MACHINES)
def test_a_worker_makes_threads_only_and_signals_itself_only(machine: str) -> None:
    program = seccomp.worker_program(machine, 1234, programs=False)

    def outcome(name: str, *arguments: int) -> int | str:
        return judge(program, AUDIT[machine], number_of(name, machine), arguments)

    assert outcome("clone", 17) == errno.EPERM
    assert outcome("clone", 0x00010F00) == "allowed"
    assert outcome("kill", 1) == errno.EPERM
    assert outcome("kill", 1234, 9) == "allowed"
    assert outcome("tgkill", 1, 1) == errno.EPERM
    assert outcome("tgkill", 1234, 1235) == "allowed"
    assert outcome("tkill", 1234) == errno.EPERM


def in_child(action: Callable[[], object]) -> str:
    """Do this in a child process, and give the name of the error that came of it, or "done"."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            action()
            told = "done"
        except BaseException as error:  # noqa: BLE001 (the error is what is asked for)
            told = type(error).__name__
        os.write(writer, told.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        return pipe.read()


@needs_filters
def test_the_kernel_takes_the_programs(tmp_path: Path) -> None:
    """Without Landlock too, no file is written."""
    file = tmp_path / "file"
    file.write_text("x")

    def confined(action: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            kernel.forbid_new_privileges()
            kernel.install_filter(program_of(kernel.machine()))
            kernel.install_filter(seccomp.worker_program(kernel.machine(), os.getpid(), programs=False))
            action()

        return run

    assert in_child(confined(file.read_text)) == "done"
    assert in_child(confined(lambda: os.kill(os.getpid(), 0))) == "done"
    assert in_child(confined(lambda: socket.socket().close())) == "done"
    for action in (
        lambda: file.write_text("y"),
        lambda: file.open("a").close(),
        file.unlink,
        (tmp_path / "new").touch,
        (tmp_path / "new").mkdir,
        lambda: file.chmod(0o600),
        os.fork,
        lambda: os.kill(os.getppid(), 0),
        lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    ):
        assert in_child(confined(action)) == "PermissionError"
    assert file.read_text() == "x"
