from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from infer_cli import __version__, cli
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Finished

COMMANDS = [
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
    "token",
    "renew",
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
]
PIPE_CLOSED = 141
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/engine.sock"}
DEADLINE_S = 20


@pytest.fixture
def run_main(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Call `main` as the program does; gives exit code, stdout and stderr."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run_infer(
    run_main: Callable[..., tuple[int, str, str]],
    infer: Callable[..., Finished],
    infer_program: tuple[str, ...],
) -> Callable[..., tuple[int, str, str]]:
    """Call infer as `run_main` does, or start it if an installed program is tested."""
    if infer_program[0] == sys.executable:
        return run_main

    def run(*arguments: str) -> tuple[int, str, str]:
        finished = infer(*arguments)
        return finished.exit_code, finished.stdout, finished.stderr

    return run


def test_the_version_is_printed(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    assert run_infer("--version") == (0, f"infer {__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_lists_every_command_in_the_order_of_use(
    run_infer: Callable[..., tuple[int, str, str]], option: str
) -> None:
    code, out, err = run_infer(option)

    listed = re.findall(r"^  ([a-z]+) {2,}\S", out, re.MULTILINE)
    assert (code, err) == (0, "")
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_begins_with_what_it_does(
    run_infer: Callable[..., tuple[int, str, str]], command: str
) -> None:
    code, out, err = run_infer(command, "-h")

    lines = [line.strip() for line in out.splitlines() if line.strip()]
    assert (code, err) == (0, "")
    assert lines[0].startswith(f"Usage: infer {command}")
    assert re.match(r"[A-Z].{10,}\.$", lines[1])


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in {"serve", "help"}])
def test_every_command_that_ends_can_give_json(
    run_infer: Callable[..., tuple[int, str, str]], command: str
) -> None:
    assert "--json" in run_infer(command, "--help")[1]


def test_the_version_is_a_command_too(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    assert run_infer("version") == (0, f"infer {__version__}\n", "")


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)], ids=" ".join)
def test_help_is_a_command_too(
    run_infer: Callable[..., tuple[int, str, str]], command: tuple[str, ...]
) -> None:
    assert run_infer("help", *command) == run_infer(*command, "--help")


def test_help_of_an_unknown_command_suggests_near_names(
    run_infer: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, err = run_infer("help", "biuld")

    assert (code, out) == (2, "")
    assert "No such command 'biuld'. Did you mean 'build'?" in err


def test_the_help_groups_the_commands(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = run_infer("--help")

    titles = re.findall(r"^(\S.*):$", out, re.MULTILINE)
    assert titles == ["Options", "Quick start", "Images", "Services", "Help and checks"]
    assert "\x1b" not in out


@pytest.mark.parametrize("words", [("--help",), ("help", "build")], ids=" ".join)
def test_on_a_terminal_the_help_has_panels_and_colours(
    infer_program: tuple[str, ...], words: tuple[str, ...]
) -> None:
    child = pexpect.spawn(
        infer_program[0],
        [*infer_program[1:], *words],
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "90"},
        encoding="utf-8",
        dimensions=(60, 90),
        timeout=DEADLINE_S,
    )
    child.expect(pexpect.EOF)
    child.close()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", str(child.before))

    assert child.exitstatus == 0
    assert shown != child.before
    assert "╭─ Options " in shown
    assert max(map(len, shown.splitlines())) <= 90
    # Rich would take what stands in brackets for a mark of its own.
    assert words == ("--help",) or "[default: the engine's]" in " ".join(re.split(r"[\s│]+", shown))


@pytest.mark.parametrize(
    "arguments", [pytest.param(("--help",), id="help"), pytest.param(("version",), id="result")]
)
def test_a_closed_pipe_is_no_error(infer_program: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    finished = subprocess.run(
        [*infer_program, *arguments], stdout=write, stderr=subprocess.PIPE, timeout=DEADLINE_S, check=False
    )
    os.close(write)

    assert (finished.returncode, finished.stderr) == (PIPE_CLOSED, b"")


def test_an_error_that_nobody_reads_is_no_second_error(
    infer_program: tuple[str, ...], tmp_path: Path
) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [*infer_program, "inspect", str(tmp_path / "gone.pkl")]
    finished = subprocess.run(command, stdout=write, stderr=write, timeout=DEADLINE_S, check=False)
    os.close(write)

    assert finished.returncode == PIPE_CLOSED


def test_without_a_command_the_help_is_shown(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run_infer()

    assert code == 2
    assert "Quick start:" in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("fly",), "No such command 'fly'", id="unknown command"),
        pytest.param(("ps", "--fast"), "No such option: --fast", id="unknown option"),
        pytest.param(("push",), "Missing argument 'TAG'", id="missing argument"),
        pytest.param(("run", "iris", "--port", "0"), "0 is not in the range", id="value out of range"),
        pytest.param(("run", "iris", "--port", "x"), "'x' is not a valid int", id="value of another type"),
    ],
)
def test_wrong_usage_has_its_own_exit_code(
    run_infer: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], message: str
) -> None:
    code, out, err = run_infer(*arguments)

    assert (code, out) == (2, "")
    assert message in err

    code_for_scripts, out_for_scripts, err_for_scripts = run_infer(*arguments, "--json")

    assert (code_for_scripts, err_for_scripts) == (2, err)
    error = json.loads(out_for_scripts)["error"]
    assert message in error["message"]
    assert re.fullmatch("see `infer.* --help`", error["hint"])


def test_a_file_that_cannot_be_written_is_an_error_for_scripts_too(
    run_infer: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    code, out, err = run_infer("init", str(tmp_path / "file" / "folder"), "--json")

    assert code == 1
    assert json.loads(out)["error"]["message"] == err.removeprefix("error: ").splitlines()[0]


def test_an_error_goes_to_stderr_with_its_hint(
    run_infer: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "train.py").touch()

    code, out, err = run_infer("init", str(tmp_path))

    assert (code, out) == (1, "")
    assert err == (
        f"error: {tmp_path / 'train.py'} exists already; nothing was written\n"
        "hint: choose another folder: `infer init DIR`\n"
    )


def test_an_error_of_ours_may_mean_wrong_usage(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run_infer("push", "Iris")

    assert (code, out) == (2, "")
    assert err == "error: 'Iris' is not a valid image name: the name must be lower case\nhint: try iris\n"


def test_with_json_an_error_is_one_object_on_stdout(run_infer: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = run_infer("push", "Iris", "--json")

    message = "'Iris' is not a valid image name: the name must be lower case"
    assert code == 2
    assert json.loads(out) == {"error": {"message": message, "detail": None, "hint": "try iris"}}
    assert err.startswith(f"error: {message}\n")


def test_json_behind_the_separator_belongs_to_the_command(infer: Callable[..., Finished]) -> None:
    finished = infer("exec", "iris", "--", "pip", "list", "--json", **NO_ENGINE)

    assert (finished.exit_code, finished.stdout) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(arguments, id=arguments[0])
        for arguments in (
            ("build", "--tag", "iris"),
            ("up", "iris"),
            ("reload",),
            ("rollback",),
            ("restart",),
            ("push", "iris"),
            ("run", "iris"),
            ("ps",),
            ("top",),
            ("predict", "a=1"),
            ("logs",),
            ("exec",),
            ("stop",),
            ("base",),
        )
    ],
)
def test_without_an_engine_a_command_says_so(
    infer: Callable[..., Finished], arguments: tuple[str, ...]
) -> None:
    finished = infer(*arguments, "--json", **NO_ENGINE)

    assert finished.exit_code == 1
    assert finished.record["error"]["message"] == "no Docker engine answers"
    assert "DOCKER_HOST" in finished.record["error"]["hint"]
    assert "Traceback" not in finished.stderr


def test_a_bug_of_ours_keeps_its_traceback(
    run_main: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", break_down)

    with pytest.raises(ZeroDivisionError):
        run_main("ps")


def test_an_error_ends_the_program_with_its_exit_code(
    run_main: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(InferError):
        exit_code = 7

    def fail(*_: object, **__: object) -> None:
        raise Odd("odd")

    monkeypatch.setattr(cli, "app", fail)

    assert run_main("ps") == (7, "", "error: odd\n")


def test_the_module_is_the_program() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "infer_cli", "--version"], capture_output=True, text=True, check=True
    )

    assert finished.stdout == f"infer {__version__}\n"
