"""Does something in a child process that may only read, compute and answer: all else is told, and ends it."""

from __future__ import annotations

import errno
import faulthandler
import json
import os
import resource
import select
import signal
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.confinement import kernel, seccomp, syscalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Tell = Callable[..., None]

CPU_SECONDS = 25
ADDRESS_BYTES = 4 * 2**30
# Beyond what the process that imported all libraries takes.
MEMORY_BYTES = 2**30
# Only for a child that waits without computing: any other is ended by its processor time.
WAIT_SECONDS = 900

FORBIDDEN = (
    *("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"),
    *("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "urllib.Request", "os.remove"),
    *("os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"),
    *("os.kill", "os.putenv", "os.unsetenv", "os.chdir", "os.utime", "shutil.rmtree", "shutil.copyfile"),
    *("ctypes.dlopen", "pty.spawn", "webbrowser.open", "mmap.__new__", "code.__new__", "sqlite3.connect"),
    *("pickle.find_class", "tempfile.mkstemp", "tempfile.mkdtemp"),
)
# What the service's own unpickler, and the libraries that it calls, do on their way.
ALLOWED_READS = ("/proc/", "/sys/", "/usr/", "/lib", "/etc/localtime", "/dev/urandom", "/dev/null")
# The libraries of this process, which imports all that models need before it makes the first child.
LIBRARIES: set[str] = set()
_KILL = 0x80000000
# How many calls of a stack are told.
STACK = 12


@dataclass
class Watched:
    """What a child told, in order, and how it ended: `failure` says what it may not do, if it did that."""

    told: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None

    @property
    def stage(self) -> str:
        """What the child did last."""
        stages = [one["stage"] for one in self.told if "stage" in one]
        return str(stages[-1]) if stages else "start"

    def get(self, name: str) -> Any:
        """Give what was told under a name; None if nothing was."""
        return next((one[name] for one in self.told if name in one), None)

    @property
    def said(self) -> list[str]:
        """The stack of a crash, innermost call first."""
        return [one["said"] for one in self.told if str(one.get("said")).startswith("  File")][:8]


def watched(job: Callable[[Tell], None], file: Path) -> Watched:
    """Run a job in a child, which may read this file and those of Python alone; give what became of it."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(job, file, writer)
    os.close(writer)
    result, data = Watched(), b""
    while True:
        if not select.select([reader], [], [], WAIT_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)
            result.failure = "hangs without computing"
            break
        block = os.read(reader, 65536)
        if not block:
            break
        data += block
    os.close(reader)
    _, status = os.waitpid(child, 0)
    for line in data.decode(errors="replace").splitlines():
        try:
            result.told.append(json.loads(line))
        except ValueError:
            result.told.append({"said": line})
    result.failure = result.failure or result.get("forbidden") or _ending(status, result)
    return result


def _ending(status: int, result: Watched) -> str | None:
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return {
            "SIGSYS": "makes a system call that only writes, connects or starts programs",
            "SIGXCPU": f"computes for more than {CPU_SECONDS} s",
        }.get(name, f"crashes with {name}")
    if result.get("ended") is None:
        return f"ends with the exit code {os.WEXITSTATUS(status)}"
    peak = max(one.get("peak", 0) for one in result.told)
    return f"takes {peak / 2**30:.1f} GiB of memory" if peak > MEMORY_BYTES else None


class _Teller:
    """Tells the parent what the child does, with the memory that it took so far."""

    def __init__(self, writer: int, start: int) -> None:
        self._writer, self._start = writer, start
        # While a file is being made, skops archives are made of what a pickle holds.
        self.is_saving = False

    def __call__(self, **what: Any) -> None:
        self.is_saving = what.get("stage") == "saving"
        line = json.dumps({**what, "peak": _memory() - self._start}, default=str)
        os.write(self._writer, line.encode() + b"\n")


def _child(job: Callable[[Tell], None], file: Path, writer: int) -> None:
    start = _memory()

    tell = _Teller(writer, start)
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 0)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    # The stack of a crash is told as it is.
    faulthandler.enable(writer, all_threads=False)
    try:
        _limit()
        _take_calls()
        _watch(tell, file)
        job(tell)
        tell(ended=True)
    except BaseException as error:  # noqa: BLE001 (told as what it is)
        tell(error=f"{type(error).__name__}: {error}"[:600], where=_where(error), ended=True)
    os._exit(0)


def _where(error: BaseException) -> list[str]:
    lines, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{'/'.join(Path(code.co_filename).parts[-3:])}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return lines[-8:]


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * resource.getpagesize() + ADDRESS_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _take_calls() -> None:
    """Have the kernel end the process where the service's own filter would give an error."""
    machine = kernel.machine()
    if not machine:
        return
    kernel.forbid_new_privileges()
    missing = dict.fromkeys(syscalls.MISSING, errno.ENOSYS)
    refused = dict.fromkeys((*syscalls.PROGRAMS, *syscalls.CONNECTIONS, *syscalls.FILES, *syscalls.COPIES), 0)
    is_thread = seccomp._CLONE_THREAD
    by_arguments = [
        *seccomp._connection_refusals(),
        *seccomp._opening_refusals(by_landlock=False),
        seccomp.Refusal("clone", ((seccomp.Condition(0, 0, mask=is_thread),),)),
    ]
    kernel.install_filter(seccomp.assemble(machine, missing, []))
    before = seccomp._ERRNO
    seccomp._ERRNO = _KILL
    kernel.install_filter(seccomp.assemble(machine, refused, by_arguments))
    seccomp._ERRNO = before


def _watch(tell: _Teller, file: Path) -> None:
    prefixes = tuple(
        {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(file), str(Path.cwd())}
    )
    allowed = (*ALLOWED_READS, *prefixes)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    LIBRARIES.update(line.split(maxsplit=5)[5] for line in maps.splitlines() if line.count("/"))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        reason = None
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if writes:
                reason = f"opens {path!r} for writing"
            elif isinstance(path, (str, bytes)):
                named = os.fsdecode(path)
                if not os.path.normpath(Path(named).absolute()).startswith(allowed):
                    reason = f"reads {named!r}"
        elif event == "ctypes.dlopen" and _is_loaded(arguments[0]):
            # scikit-learn's own limit on threads looks into the libraries that are there.
            return
        elif event in FORBIDDEN and not (event == "pickle.find_class" and tell.is_saving):
            reason = f"{event} {str(arguments)[:200]}"
        if reason is not None:
            tell(forbidden=reason, where=_stack())
            os._exit(3)

    sys.addaudithook(hook)


def _is_loaded(library: object) -> bool:
    """Tell whether a library was loaded before the child was told to do anything."""
    return isinstance(library, str) and library in LIBRARIES


def _stack() -> list[str]:
    """Give where the process is, innermost call first."""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and len(lines) < STACK:
        lines.append(f"{'/'.join(Path(frame.f_code.co_filename).parts[-3:])}:{frame.f_lineno}")
        frame = frame.f_back
    return lines
