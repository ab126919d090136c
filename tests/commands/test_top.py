from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.engine.conftest import fake_engine
from tests.monitoring.conftest import start_told
from tests.monitoring.test_watch import add

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished
    from tests.engine.fake_engine import FakeEngine
    from tests.monitoring.conftest import Told

__all__ = ["fake_engine", "start_told"]

# A service that does not answer within half of the interval has no figures in it. These tests want figures
# while others keep all processors busy.
UNHURRIED = "4s"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--interval", "soon"), "--interval soon is no duration"),
        (("--interval", "10ms"), "--interval 10ms is too short"),
        (("--sort", "beauty"), "--sort beauty is not known"),
    ],
)
def test_wrong_options_are_told(
    infer: Callable[..., Finished], arguments: tuple[str, ...], message: str
) -> None:
    finished = infer("top", *arguments)

    assert finished.exit_code == 2
    assert finished.stderr.startswith(f"error: {message}")
    assert "hint: " in finished.stderr


@pytest.mark.parametrize("option", [(), ("--once",)], ids=["live", "once"])
def test_without_a_service_it_says_what_ps_says(
    infer: Callable[..., Finished], fake_engine: FakeEngine, option: tuple[str, ...]
) -> None:
    finished = infer("top", *option, DOCKER_HOST=fake_engine.url)

    assert finished == infer("ps", DOCKER_HOST=fake_engine.url)
    assert infer("top", *option, "--json", DOCKER_HOST=fake_engine.url).record["services"] == []


def test_an_unknown_service_is_an_error(infer: Callable[..., Finished], fake_engine: FakeEngine) -> None:
    fake_engine.add_service("iris")

    finished = infer("top", "irish", DOCKER_HOST=fake_engine.url)

    assert (finished.exit_code, finished.stdout) == (1, "")
    assert "there is no service called 'irish'" in finished.stderr


def test_one_view_is_shown_and_that_is_all(
    infer: Callable[..., Finished], fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    add(fake_engine, "iris", start_told())
    fake_engine.add_service("old", state="exited")

    finished = infer("top", "--once", "--interval", UNHURRIED, DOCKER_HOST=fake_engine.url)

    assert (finished.exit_code, finished.stderr) == (0, "")
    header, iris, old = finished.stdout.splitlines()
    assert header.split()[:3] == ["NAME", "HEALTH", "REQ/S"]
    assert iris.split()[:9] == ["iris", "healthy", "0", "0", "0", "0", "0", "-", "-"]
    assert old.split()[:6] == ["old", "exited", "-", "exit", "code", "0"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pipe_gets_a_line_for_each_interval_until_ctrl_c(
    infer_program: tuple[str, ...],
    fake_engine: FakeEngine,
    start_told: Callable[[], Told],
    number: signal.Signals,
) -> None:
    add(fake_engine, "iris", start_told())
    process = subprocess.Popen(
        [*infer_program, "top", "--interval", UNHURRIED],
        env={**os.environ, "DOCKER_HOST": fake_engine.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines = [process.stdout.readline().split() for _ in range(3)]
    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (0, "")
    assert lines[0][:3] == ["TIME", "NAME", "HEALTH"]
    assert [line[1:4] for line in lines[1:]] == 2 * [["iris", "healthy", "0"]]


def test_a_script_gets_an_object_for_each_interval(
    infer_program: tuple[str, ...], fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    add(fake_engine, "iris", start_told())
    process = subprocess.Popen(
        [*infer_program, "top", "iris", "--interval", UNHURRIED, "--json"],
        env={**os.environ, "DOCKER_HOST": fake_engine.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    records = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 0
    for record in records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["time"])
        [service] = record["services"]
        assert (service["name"], service["requests_per_s"], service["reason"]) == ("iris", 0.0, None)


@pytest.mark.parametrize("key", ["q", "\x03", "\x04"], ids=["q", "Ctrl-C", "Ctrl-D"])
def test_on_a_terminal_the_view_is_live_and_leaves_nothing(
    infer_program: tuple[str, ...], fake_engine: FakeEngine, start_told: Callable[[], Told], key: str
) -> None:
    add(fake_engine, "iris", start_told())
    child = pexpect.spawn(
        infer_program[0],
        [*infer_program[1:], "top", "--interval", "300ms"],
        env={**os.environ, "DOCKER_HOST": fake_engine.url, "TERM": "xterm-256color", "NO_COLOR": "1"},
        encoding="utf-8",
        dimensions=(24, 80),
        timeout=30,
    )
    child.expect_exact("\x1b[?1049h")
    child.expect("1 service; counts a second, over 0.3 s; q ends")
    child.expect("iris +healthy +- measuring")
    child.expect("iris +healthy +0 +0 +0 +0 +0")
    add(fake_engine, "wine", start_told())
    child.expect("2 services;")
    child.expect("wine +healthy +0")
    fake_engine.containers.clear()
    child.expect(r"No services\. q ends")

    child.send(key)
    child.expect(pexpect.EOF)
    child.close()

    # The cursor is seen again, and the former screen.
    assert str(child.before).endswith("\x1b[?25h\x1b[?1049l")
    assert child.exitstatus == 0
