"""`infer exec`: on a terminal if there is one, else with pipes."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


def test_input_is_piped_unchanged(infer: Callable[..., Finished], lasting_service: str) -> None:
    data = os.urandom(1_000_000)
    program = "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"

    piped = infer("exec", lasting_service, "--", "python3", "-c", program, given=data)

    assert piped.stdout.strip() == hashlib.sha256(data).hexdigest()


def test_output_and_errors_stay_apart(infer: Callable[..., Finished], lasting_service: str) -> None:
    finished = infer("exec", lasting_service, "--", "sh", "-c", "echo out; echo err >&2")

    assert (finished.stdout, finished.stderr) == ("out\n", "err\n")


def test_the_exit_code_of_the_command_is_returned(
    infer: Callable[..., Finished], lasting_service: str
) -> None:
    assert infer("exec", lasting_service, "--", "sh", "-c", "exit 7").exit_code == 7
    assert infer("exec", lasting_service, "sh", "-c", "exit 8").exit_code == 8


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["for a person", "for a script"])
@pytest.mark.parametrize(
    ("program", "exit_code", "message"),
    [
        ("no-such-program", 127, "there is no program 'no-such-program' in the service"),
        ("/no/such", 127, "there is no program '/no/such' in the service"),
        ("/data/model.pkl", 126, "cannot run '/data/model.pkl' in the service"),
    ],
)
def test_a_program_that_cannot_run_is_named(
    infer: Callable[..., Finished],
    lasting_service: str,
    options: list[str],
    program: str,
    exit_code: int,
    message: str,
) -> None:
    failed = infer("exec", *options, lasting_service, "--", program)

    assert failed.exit_code == exit_code
    assert failed.stderr.startswith(f"error: {message} {lasting_service}")
    assert "OCI" not in failed.stderr
    if options:
        assert failed.record["error"]["message"].startswith(message)
    else:
        assert failed.stdout == ""


def test_a_missing_program_is_named_on_a_terminal(
    infer_program: tuple[str, ...], lasting_service: str
) -> None:
    words = [*infer_program[1:], "exec", lasting_service, "--", "no-such-program"]
    child = pexpect.spawn(infer_program[0], words, encoding="utf-8", timeout=20)

    child.expect(pexpect.EOF)
    child.close()

    # Before it stands what the command was about to do, and blanks that hide it.
    assert "\rerror: there is no program 'no-such-program' in the service" in str(child.before)
    assert child.exitstatus == 127


def test_a_program_may_write_the_text_of_a_start_error(
    infer: Callable[..., Finished], lasting_service: str
) -> None:
    script = "echo OCI runtime exec failed; sleep 0.2; echo not found in '$PATH'; exit 127"

    finished = infer("exec", lasting_service, "--", "sh", "-c", script)

    assert finished.stdout == "OCI runtime exec failed\nnot found in $PATH\n"
    assert (finished.exit_code, finished.stderr) == (127, "")


def test_a_forgotten_separator_is_named(infer: Callable[..., Finished], lasting_service: str) -> None:
    refused = infer("exec", "ls", "/some folder")

    assert refused.exit_code == 1
    assert f"  {lasting_service} (running)" in refused.stderr
    assert re.search(
        r"^hint: a command stands behind `--`: `infer exec (\S+ )?-- ls '/some folder'`$",
        refused.stderr,
        re.MULTILINE,
    )
    assert "`infer ps`" in infer("exec", "no-service", "--", "ls").stderr


def test_json_holds_the_output_of_the_command(infer: Callable[..., Finished], lasting_service: str) -> None:
    finished = infer("exec", "--json", lasting_service, "--", "sh", "-c", "echo out; echo err >&2; exit 3")

    assert finished.exit_code == 3
    assert finished.record == {"name": lasting_service, "exit_code": 3, "stdout": "out\n", "stderr": "err\n"}


def test_short_output_is_never_lost(infer: Callable[..., Finished], lasting_service: str) -> None:
    for number in range(10):
        assert infer("exec", lasting_service, "--", "sh", "-c", f"echo {number}").stdout == f"{number}\n"


@pytest.fixture
def shell(infer_program: tuple[str, ...], lasting_service: str) -> pexpect.spawn[str]:
    """`infer exec` without a command, on a terminal of 33 rows and 101 columns."""
    child = pexpect.spawn(
        infer_program[0],
        [*infer_program[1:], "exec", lasting_service],
        encoding="utf-8",
        dimensions=(33, 101),
        timeout=20,
    )
    child.expect(r"[$#] ")
    return child


def _size(child: pexpect.spawn[str]) -> None:
    child.sendline("python3 -c 'import os; print(\"size\", *os.get_terminal_size())'")


def test_the_shell_is_bash_on_a_terminal_of_the_same_size(shell: pexpect.spawn[str]) -> None:
    shell.sendline("echo shell $BASH_VERSION")
    shell.expect(r"shell \d")

    _size(shell)

    shell.expect("size 101 33")


def test_a_changed_window_size_reaches_the_program(shell: pexpect.spawn[str]) -> None:
    shell.setwinsize(40, 120)
    for _ in range(20):
        _size(shell)
        if shell.expect(["size 120 40", "size 101 33"]) == 0:
            return

    pytest.fail("the new size never arrived")


def test_ctrl_c_reaches_the_program_and_not_infer(shell: pexpect.spawn[str]) -> None:
    shell.sendline("python3 -c 'import time; print(\"begun\", flush=True); time.sleep(60)'")
    shell.expect("\nbegun")

    shell.sendcontrol("c")
    shell.sendline("echo code=$?")

    shell.expect("\ncode=130")


def test_the_exit_code_of_the_shell_is_returned(shell: pexpect.spawn[str]) -> None:
    shell.sendline("exit 9")

    shell.expect(pexpect.EOF)
    shell.close()

    assert shell.exitstatus == 9
