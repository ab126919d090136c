"""Watches a process that loads a model: its end, its time and its memory become one line in the log.

A model file can crash compiled code, run without end or fill the memory. The process that this happens to
cannot tell of it. So this process forks before it imports anything large: the child loads the model and
serves, and the parent does nothing with the file but wait. The child tells its stages on a channel (see
`service.stages`). Once the model is loaded, the parent only passes signals on.

On other systems than Linux nothing is watched: their own libraries do not work in a forked process.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Callable

from service import stages
from service.confinement.kernel import hide_memory, show_memory
from service.errors import ModelUnloadable
from service.logs import LOGGER
from service.workers.cgroups import memory_limit, out_of_memory_kills

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from service.settings import Settings

# Without a setting, each file gets ten minutes, and a second more for each megabyte of it.
DEFAULT_SECONDS = 600
BYTES_A_SECOND = 10**6
# Without a setting, each file gets 4 GiB, and 50 times its size: compressed files expand 10 times, and
# objects take several times what they take in a file. The machine keeps a tenth of its memory.
DEFAULT_BYTES = 4 * 2**30
EXPANSION = 50
SHARE_OF_MACHINE = 0.9

POLL_S = 0.05
# How long the child has to write where it is, before it is killed.
ANSWER_S = 0.2
# A child that compiled code keeps busy does not see SIGTERM; `docker stop` waits 10 seconds.
STOP_TIMEOUT_S = 5
# After this time, and each time it has doubled, a line says what the child does.
NEWS_S = 30

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CRASHES = ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT")
_PARENT_DEATH_SIGNAL = 1
# A line of `faulthandler`, of which the innermost comes first.
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line \d+ in (?P<function>\S+)')
_OWN_MEMORY = re.compile(r"^(?:RssAnon|VmSwap):\s+(\d+) kB", re.MULTILINE)

BROKEN_ADVICE = (
    "The file is damaged, or made to do this: do not use it, and get the model again from where it was "
    "trained"
)
MEMORY_ADVICE = "If you know who made the file, give the service more memory (--memory of infer run)"
TIME_SETTING = "MAX_LOAD_SECONDS"
MEMORY_SETTING = "MAX_LOAD_BYTES"


@dataclass(frozen=True)
class Budget:
    """How long loading a model may take, and how much memory."""

    seconds: float
    memory_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Budget:
        """Give the budget of the settings, or what suits the size of the file."""
        try:
            size = settings.model_file.stat().st_size
        except OSError:
            size = 0
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(
            seconds=settings.max_load_seconds or DEFAULT_SECONDS + size // BYTES_A_SECOND,
            memory_bytes=settings.max_load_bytes
            or min(DEFAULT_BYTES + EXPANSION * size, int(SHARE_OF_MACHINE * machine)),
        )


def run_watched(work: Callable[[], int], settings: Settings) -> int:
    """Run `work` in a child process, and give its exit code.

    Raise `ModelUnloadable` if the child ends by a signal, takes too long or takes too much memory before it
    is done with loading (`stages.done`). The child raises `SystemExit` with its exit code.
    """
    if sys.platform != "linux":
        return work()
    # A signal that comes before the parent has its handlers waits until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    watch = start_watched(work, settings)
    for number in PASSED_ON:
        signal.signal(number, watch.pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    return watch.until_end()


def start_watched(
    work: Callable[[], int],
    settings: Settings,
    *,
    handlers: Mapping[int, Any] = MappingProxyType({}),
    is_candidate: bool = False,
) -> Watch:
    """Run `work` in a child process, and give what watches it.

    The caller has blocked the signals `PASSED_ON`. In the child, the signals of `handlers` are handled by
    these; it raises `SystemExit` with its exit code.
    """
    ours, theirs = socket.socketpair()
    kills = out_of_memory_kills()
    child = os.fork()
    if child == 0:
        ours.close()
        show_memory()
        _end_with_parent()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        stages.tell_to(theirs.detach(), is_candidate=is_candidate)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        try:
            raise SystemExit(work())
        except ModelUnloadable as error:
            if stages.refuse([str(error)]):
                # What was made of a refused file is not taken apart: that crashes for a million nested parts.
                os._exit(1)
            raise
        finally:
            stages.done()
    theirs.close()
    # What the child may not do, it must not do through this process.
    hide_memory()
    return Watch(settings.model_file, Budget.of(settings), child, ours.detach(), kills)


def _end_with_parent() -> None:
    """Let the system send SIGTERM to this process when its parent ends, however the parent ends."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


@dataclass
class Watch:
    """Watches one child that loads a model."""

    file: Path
    budget: Budget
    child: int
    channel: int
    # How many processes had been killed for lack of memory before.
    kills: int
    told: str = ""
    # The signals that were passed on to the child.
    passed: list[int] = field(default_factory=list)
    stop_at: float | None = None
    started: float = field(default_factory=time.monotonic)
    news_at: float = NEWS_S

    def pass_on(self, number: int, _: FrameType | None) -> None:
        """Send a signal that this process got to the child."""
        self.passed.append(number)
        if number != signal.SIGHUP:
            self.stop_at = time.monotonic() + STOP_TIMEOUT_S
        with suppress(ProcessLookupError):
            os.kill(self.child, number)

    def until_end(self) -> int:
        """Wait until the child ends, and give its exit code; raise what `run_watched` raises."""
        while self.look(POLL_S) and not self.is_done:
            pass
        self.close()
        return self.code_of(self._wait())

    def close(self) -> None:
        """Read no more of what the child tells."""
        os.close(self.channel)

    def look(self, timeout_s: float) -> bool:
        """Read what the child tells within this time, and judge it; False once it tells nothing any more.

        Raise `ModelUnloadable` for a child that was killed for its time or its memory.
        """
        if not self._read(timeout_s):
            return False
        now = time.monotonic()
        if self.stop_at is not None:
            if now > self.stop_at:
                os.kill(self.child, signal.SIGKILL)
        elif not self.is_done and self.answer_to(stages.LOADED) is None:
            if now - self.started > self.budget.seconds:
                self._end()
                raise self._too_long()
            if _memory_bytes(self.child) > self.budget.memory_bytes:
                self._end()
                raise self._too_large()
            if now - self.started > self.news_at:
                LOGGER.info("still loading %s after %d s: %s", self.file, self.news_at, self.stage)
                self.news_at *= 2
        return True

    @property
    def is_done(self) -> bool:
        """Whether the child has told that it is done."""
        return stages.DONE in self.told.splitlines()

    def answer_to(self, start: str) -> Any:  # noqa: ANN401 (what JSON holds)
        """Give what the child told in a line with this start; None if it has not."""
        lines = [line for line in self.told.split("\n")[:-1] if line.startswith(start)]
        return json.loads(lines[0][len(start) :]) if lines else None

    def go(self) -> None:
        """Let the child serve what it has loaded."""
        with suppress(OSError):  # It has ended.
            os.write(self.channel, stages.GO)

    def code_of(self, status: int) -> int:
        """Give the exit code for how the child ended; raise `ModelUnloadable` if it was not done."""
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if self.passed and (number in self.passed or (self.stop_at and number == signal.SIGKILL)):
            return 128 + self.passed[0]
        if self.is_done:
            if number:
                LOGGER.error("the process was ended by %s", signal.Signals(number).name)
                return 128 + number
            return os.WEXITSTATUS(status)
        raise self._died(number, status)

    def _read(self, timeout_s: float) -> bool:
        """Read what the child tells within this time; False once it tells nothing any more."""
        readable, _, _ = select.select([self.channel], [], [], timeout_s)
        if not readable:
            return True
        try:
            data = os.read(self.channel, 2**16)
        except ConnectionError:
            # The child ended, and had not read what it was told.
            data = b""
        self.told += data.decode(errors="replace")
        return bool(data)

    def _wait(self) -> int:
        return os.waitpid(self.child, 0)[1]

    def _end(self) -> None:
        """Ask the child where it is, and kill it."""
        with suppress(ProcessLookupError):
            os.kill(self.child, stages.WHERE)
            deadline = time.monotonic() + ANSWER_S
            while time.monotonic() < deadline and self._read(POLL_S):
                pass
            os.kill(self.child, signal.SIGKILL)
        self._wait()

    @property
    def stage(self) -> str:
        """What the child told last, and the place in the code of a library, if that is known."""
        lines = self.told.splitlines()
        told = [line for line in lines if line in (stages.READING, stages.PREDICTING)]
        stage = told[-1] if told else "starting"
        # Python's own start lies in files that are called <frozen importlib._bootstrap> and the like.
        frames = [found for found in map(_FRAME.search, lines) if found and found["file"][0] != "<"]
        place = _place(frames[0]) if frames else None
        return f"{stage}, in {place}" if place else stage

    def _died(self, number: int, status: int) -> ModelUnloadable:
        if number == signal.SIGKILL:
            limit = memory_limit()
            if out_of_memory_kills() > self.kills:
                has = f"this container, which has {_size(limit)}" if limit else "this machine"
                reason = f"it does not fit into the memory of {has} ({self.stage})"
                return ModelUnloadable(self.file, reason, MEMORY_ADVICE)
            reason = f"the system killed the process ({self.stage}), most likely for lack of memory"
            return ModelUnloadable(self.file, reason, MEMORY_ADVICE)
        if number:
            name = signal.Signals(number).name
            how = "crashed compiled code" if name in CRASHES else "ended the process"
            return ModelUnloadable(self.file, f"it {how} with {name} ({self.stage})", BROKEN_ADVICE)
        code = os.WEXITSTATUS(status)
        reason = f"it ended the process with exit code {code} ({self.stage})"
        return ModelUnloadable(self.file, reason, BROKEN_ADVICE)

    def _too_long(self) -> ModelUnloadable:
        seconds = self.budget.seconds
        reason = f"loading it takes more than {seconds:g} s ({self.stage})"
        return ModelUnloadable(self.file, reason, _raise(TIME_SETTING, round(seconds) * 4))

    def _too_large(self) -> ModelUnloadable:
        limit = self.budget.memory_bytes
        reason = f"loading it takes more than {_size(limit)} of memory ({self.stage})"
        return ModelUnloadable(self.file, reason, _raise(MEMORY_SETTING, limit * 2))


def _raise(setting: str, value: int) -> str:
    known = "If you know who made the file, raise the limit"
    return f"{known} with the setting {setting}, such as {setting}={value}"


def _place(frame: re.Match[str]) -> str:
    """Give the place of a frame as a package and a function, without the folders of this machine."""
    path = Path(frame["file"])
    parts = path.with_suffix("").parts
    at = max((number for number, part in enumerate(parts) if part.endswith("packages")), default=None)
    names = parts[at + 1 :] if at is not None else parts[-2:]
    return ".".join([*(name for name in names if name != "__init__"), frame["function"]])


def _memory_bytes(pid: int) -> int:
    """Give the memory that a process has for itself, in memory and swapped out; 0 once it has ended."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        return 1024 * sum(map(int, _OWN_MEMORY.findall(status)))
    return 0


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
