from __future__ import annotations

import os
import subprocess
import sys

import pexpect

_SCRIPT = """
import sys
from infer_cli.terminal.keys import pressed_keys
with pressed_keys() as pressed:
    print("ready", flush=True)
    keys = pressed(0.01)
    while sys.stdin.isatty() and "q" not in keys:
        keys += pressed(0.05)
    print("keys:", repr(keys), flush=True)
print("line:", repr(sys.stdin.readline()))
"""


def test_keys_are_read_unseen_and_lines_are_as_before_after_it() -> None:
    child = pexpect.spawn(
        sys.executable, ["-c", _SCRIPT], env={**os.environ}, encoding="utf-8", timeout=20, echo=True
    )
    child.expect("ready")

    child.send("xq")
    child.expect(r"keys: 'xq'")
    assert "xq" not in str(child.before)
    child.sendline("words")
    child.expect(r"words\r\nline: 'words\\n'")
    child.expect(pexpect.EOF)


def test_without_a_terminal_nothing_is_read() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", _SCRIPT], input="q\n", capture_output=True, text=True, check=True
    )

    assert finished.stdout == "ready\nkeys: ''\nline: 'q\\n'\n"
