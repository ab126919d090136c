"""The commands that a page shows: read from the page, run in real terminals, and compared with the page.

What a page may hold::

    ```console                       runs in the page's own terminal
    ```console title="Another one"    runs in another terminal
    $ COMMAND                        is run; the lines below are what it prints
    …                                on a line of its own: any lines, or none
    ^C                               Ctrl-C is pressed, as soon as the lines above have been printed
    NAME@ID:/FOLDER$ WORDS           is typed into the shell that the command opened

A block that starts with `^C` goes on with the command that runs in its terminal.
"""

from __future__ import annotations

import difflib
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pexpect

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence
    from pathlib import Path

CTRL_C = "^C"
ANY_LINES = "…"
INTERRUPTED = 130
PATIENCE_S = 180
# The folder and the port that pages show.
SHOWN_HOME = "/home/ada"
SHOWN_PORT = 5000
_URL = re.compile(r"http://localhost:(\d+)")
_FENCE = re.compile(r'```console(?: title="(?P<terminal>[^"]+)")?')
_COMMAND = re.compile(r"\$ (?P<command>.+)")
# The prompt of bash in a container, whose host name is the container's id.
_PROMPT = re.compile(r"(?P<prompt>[\w.-]+@[0-9a-f]{12}:\S*[$#]) ?(?P<typed>.*)")
_DOCKER_LINE = re.compile(r"> Docker: ")
_DOCKER_COMMAND = re.compile(r"`(docker [^`]+)`")

# What differs from run to run and from machine to machine.
_MASKS = (
    (re.compile(r"sha256:[0-9a-f]{12,64}"), "<digest>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"(?<![\w.])\d+(\.\d+)? (B|kB|MB|GB)\b"), "<size>"),
    (re.compile(r"(?<![\w.])\d+ (s|min|h|d)$", re.MULTILINE), "<age>"),
    (re.compile(r"@[0-9a-f]{12}:"), "@<id>:"),
    (re.compile(r"\d+ workers? of \d+ threads?"), "<workers>"),
    (re.compile(r"(?<![\d.v])\d+\.\d+\.\d+(?![\d.])"), "<version>"),
    (re.compile(r"  +"), "  "),
)
# Computed numbers agree to six digits with every version of the libraries; the other digits are chance.
_COMPUTED = re.compile(r"(?<![\w.])\d+\.\d{7,}(e-\d+)?")


@dataclass(frozen=True)
class Step:
    """A command of a page, or Ctrl-C for the command that runs (then `command` is ""), and what is printed.

    `stays` says that the command still runs when its lines have been printed.
    """

    terminal: str
    line: int
    command: str
    shown: tuple[str, ...]
    stays: bool = False


def read_steps(page: str) -> list[Step]:
    """Read the commands of a page in their order."""
    steps: list[Step] = []
    for terminal, line, lines in _blocks(page):
        for number, text in enumerate(lines, line):
            if match := _COMMAND.fullmatch(text):
                steps.append(Step(terminal, number, match["command"], ()))
            elif text == CTRL_C and number == line:
                before = max(at for at, step in enumerate(steps) if step.terminal == terminal)
                steps[before] = replace(steps[before], stays=True)
                steps.append(Step(terminal, number, "", (CTRL_C,)))
            else:
                assert number > line, f"line {number} stands under no command: {text}"
                steps[-1] = replace(steps[-1], shown=(*steps[-1].shown, text))
    return steps


def _blocks(page: str) -> Iterator[tuple[str, int, list[str]]]:
    """Give the terminal, the number of the first line, and the lines of each block."""
    lines = page.splitlines()
    at = 0
    while at < len(lines):
        if match := _FENCE.fullmatch(lines[at]):
            end = lines.index("```", at)
            yield match["terminal"] or "", at + 2, lines[at + 1 : end]
            at = end
        at += 1


def read_docker_lines(page: str) -> list[str]:
    """Read the plain Docker commands that a page names beside those of infer."""
    found = [line for line in page.splitlines() if _DOCKER_LINE.match(line)]
    return [command for line in found for command in _DOCKER_COMMAND.findall(line)]


def is_same(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Tell whether what was printed is what a page shows."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == ANY_LINES else re.escape(masked(line)) + r"\n" for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{masked(line)}\n" for line in printed)) is not None


def masked(line: str) -> str:
    """Give a line without what differs from run to run."""
    text = _COMPUTED.sub(lambda match: f"{float(match[0]):.6g}", line.rstrip())
    for pattern, name in _MASKS:
        text = pattern.sub(name, text)
    return text


@dataclass
class Names:
    """What a page calls things, and what they are called while it is run.

    Images get names of their own, at the registry of the test, for two checkouts may share an engine.
    Services are called after their images, and so is what `infer up` makes without a tag. The port is the
    one that infer found free.
    """

    registry: str
    suffix: str
    home: Path
    images: tuple[str, ...]
    services: tuple[str, ...]
    port: int = SHOWN_PORT

    def real(self, command: str) -> str:
        """Give the command that is run for one of a page."""
        for image in self.images:
            here = f"{self.registry}/{image}-{self.suffix}"
            command = re.sub(rf"(?<![\w/.-]){image}(?=[:@])", here, command)
        if command.startswith("infer up ") and "--tag" not in command:
            command += f" --tag {self.registry}/{self.images[-1]}-{self.suffix}"
        for service in self.services:
            command = re.sub(rf"(?<= ){service}(?= |$)", f"{service}-{self.suffix}", command)
        assert "--tag" not in command or self.suffix in command, f"no name of its own: {command}"
        for host in ("localhost:{}", "127.0.0.1:{}:"):
            command = command.replace(host.format(SHOWN_PORT), host.format(self.port))
        return command

    def shown(self, printed: str) -> str:
        """Give what a page shows for what was printed."""
        text = printed.replace(f"{self.registry}/", "").replace(f"-{self.suffix}", "")
        text = text.replace(str(self.home), SHOWN_HOME)
        if self.port != SHOWN_PORT:
            text = text.replace(f"localhost:{self.port}", f"localhost:{SHOWN_PORT}")
            text = text.replace(f"port {SHOWN_PORT} is taken; using {self.port}\n", "")
        return text

    def learn_port(self, printed: str) -> None:
        """Remember where a service that was started answers."""
        if found := _URL.search(printed):
            self.port = int(found[1])


class Failed(AssertionError):
    """A command of a page does not do what the page shows.

    `is_over` says that the command has ended all the same, so that the next one can be run.
    """

    def __init__(self, message: str, *, is_over: bool = False) -> None:
        super().__init__(message)
        self.is_over = is_over


class Terminal:
    """A shell in a terminal. `TERM` is dumb: of a live display there is what is left when it is gone."""

    _READY = re.compile(r"<ready (\d+)>")

    def __init__(
        self, folder: Path, names: Names, environment: Mapping[str, str], *, patience_s: float = PATIENCE_S
    ) -> None:
        self._names = names
        self._patience_s = patience_s
        self._printed = ""
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "--noediting"],
            cwd=str(folder),
            env={**os.environ, **environment, "TERM": "dumb", "PS1": "<ready $?>"},
            encoding="utf-8",
            # So wide that nothing is wrapped.
            dimensions=(50, 1000),
            echo=False,
        )
        self._await(self._is_ready, "the shell starts")
        self._printed = ""

    def run(self, step: Step, *, exit_codes: Container[int] = ()) -> None:
        """Run a step; raises `Failed` unless the terminal shows what the page does.

        The exit code must be 130 after Ctrl-C, else 0, if none of `exit_codes` are given.
        """
        expected = exit_codes or {INTERRUPTED if CTRL_C in step.shown else 0}
        if step.command:
            self._printed = ""
            self._shell.sendline(self._names.real(step.command))
        seen: list[str] = []
        answered = 0
        for line in step.shown:
            prompt = _PROMPT.fullmatch(line)
            if line == CTRL_C:
                if step.command:
                    self._await(lambda: self._shows(seen), f"the lines above {CTRL_C}", step)
                self._read_pending()
                self._printed = ""
                seen.clear()
                self._shell.sendintr()
                continue
            if prompt and prompt["typed"]:
                self._await(partial(self._is_asked, answered), f"the prompt {prompt['prompt']}", step)
                answered = len(self._printed)
                self._shell.sendline(prompt["typed"])
            seen.append(line)
        if step.stays:
            self._await(lambda: self._shows(seen), "the lines of the page", step)
            return
        self._await(self._is_ready, "the end of the command", step)
        exit_code = self._exit_code()
        if not self._shows(seen) or exit_code not in expected:
            raise self._failed(step, f"exit code {exit_code}", is_over=exit_code in expected)

    def close(self) -> None:
        """End the shell and what it runs."""
        self._shell.sendintr()
        self._shell.close(force=True)

    def _lines(self) -> list[str]:
        """What the terminal shows: a carriage return goes back to the start of the line."""
        text = self._READY.sub("", self._printed).replace("\r\n", "\n")
        self._names.learn_port(text)
        text = "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
        return self._names.shown(text).splitlines()

    def _shows(self, shown: Sequence[str]) -> bool:
        # Ctrl-C is printed by the terminal, and moves to a new line before the program says anything.
        printed = [line for line in self._lines() if line or "" in shown]
        return is_same(shown, printed)

    def _is_ready(self) -> bool:
        return self._READY.search(self._printed) is not None

    def _exit_code(self) -> int:
        found = self._READY.search(self._printed)
        assert found
        return int(found[1])

    def _is_asked(self, since: int) -> bool:
        found = _PROMPT.fullmatch(self._printed[since:].rpartition("\n")[2].rpartition("\r")[2])
        return found is not None and not found["typed"]

    def _read_pending(self) -> None:
        """Read what was printed while nobody looked, such as the log of requests from another terminal."""
        with suppress(pexpect.TIMEOUT):
            while True:
                self._printed += self._shell.read_nonblocking(65_536, timeout=0)

    def _await(self, is_so: Callable[[], bool], what: str, step: Step | None = None) -> None:
        end = time.monotonic() + self._patience_s
        while not is_so():
            try:
                self._printed += self._shell.read_nonblocking(65_536, timeout=0.2)
            except pexpect.TIMEOUT:
                if time.monotonic() < end and not (step and self._is_ready()):
                    continue
                message = f"waited in vain for {what}"
                raise (self._failed(step, message) if step else Failed(message)) from None

    def _failed(self, step: Step, why: str, *, is_over: bool = False) -> Failed:
        shown = [masked(line) for line in step.shown]
        printed = [masked(line) for line in self._lines()]
        difference = "\n".join(difflib.unified_diff(shown, printed, "the page", "the terminal", lineterm=""))
        return Failed(f"line {step.line}: $ {step.command}\n{why}\n{difference}", is_over=is_over)
