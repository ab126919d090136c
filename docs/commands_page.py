"""Prints docs/commands.md: the help of every command. Run it as `make docs`."""

from __future__ import annotations

import os
import subprocess
import sys

# In the order of one's work.
_COMMANDS = (
    "init",
    "inspect",
    "up",
    "build",
    "compile",
    "push",
    "base",
    "run",
    "ps",
    "top",
    "predict",
    "bench",
    "compare",
    "logs",
    "exec",
    "reload",
    "rollback",
    "restart",
    "stop",
    "serve",
    "doctor",
    "help",
    "version",
)
_HEAD = """\
# Commands

**Reference.** All commands of infer with their options.
`make docs` writes this page from the help of the commands.
"""


def help_of(*command: str) -> str:
    """What `infer COMMAND --help` prints, at a fixed width."""
    finished = subprocess.run(
        [sys.executable, "-m", "infer_cli", *command, "--help"],
        env={**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.strip("\n")


def page() -> str:
    """The whole page."""
    parts = [_HEAD, f"```text\n{help_of()}\n```\n"]
    parts += [f"## infer {command}\n\n```text\n{help_of(command)}\n```\n" for command in _COMMANDS]
    return "\n".join(parts)


if __name__ == "__main__":
    print(page(), end="")
