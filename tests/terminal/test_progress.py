from __future__ import annotations

import re
import sys
import textwrap
from typing import TYPE_CHECKING

import pexpect
import pytest

from infer_cli.engine.events import Layer, Line, Step
from infer_cli.terminal.pace import Pace
from infer_cli.terminal.progress import PlainProgress, show_progress

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.mark.parametrize("verbose", [False, True])
def test_without_a_terminal_there_are_plain_lines(*, verbose: bool) -> None:
    with show_progress(verbose=verbose) as progress:
        assert isinstance(progress, PlainProgress)


def test_plain_lines_show_stages_and_long_states_of_layers(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as progress:
        progress.stage("Building iris:v1")
        progress.on_event(Step(1, 2, "ENV A=1 \\\n    B=2"))
        progress.on_event(Step(2, 2, "LABEL " + 100 * "x"))
        progress.on_event(Line("only for --verbose"))
        progress.on_event(Layer("context", "Sending", 10, 2_000_000))
        progress.on_event(Layer("abc", "Waiting"))
        progress.on_event(Layer("abc", "Pushing", 10, 2_000_000))
        progress.on_event(Layer("abc", "Pushing", 20, 2_000_000))
        progress.on_event(Layer("abc", "Pushed"))

    assert capsys.readouterr().err.splitlines() == [
        "Building iris:v1",
        "abc: Pushing (2 MB)",
        "abc: Pushed",
    ]


def test_in_a_pipe_each_attempt_to_push_a_layer_is_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as progress:
        for status in ("Pushing", "Retrying in 2 seconds", "Retrying in 1 second") * 2:
            progress.on_event(Layer("abc", status))
            progress.on_event(Layer("abc", status))
        progress.on_event(Layer("abc", "Pushed"))

    attempt = "abc: Pushing\nabc: Retrying in 2 seconds\n"
    assert capsys.readouterr().err == f"{attempt}{attempt}abc: Pushed\n"


def test_with_verbose_every_step_and_line_of_the_engine_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(verbose=True) as progress:
        progress.on_event(Layer("context", "Sending", 10, 2_000_000))
        progress.on_event(Step(1, 2, "ENV A=1 \\\n    B=2"))
        progress.on_event(Line(" ---> Using cache"))
        progress.on_event(Step(2, 2, "LABEL " + 100 * "x"))

    assert capsys.readouterr().err.splitlines() == [
        "context: Sending (2 MB)",
        "Step 1/2: ENV A=1 \\ B=2",
        " ---> Using cache",
        f"Step 2/2: LABEL {84 * 'x'}…",
    ]


def test_a_short_command_is_silent_in_a_pipe_but_for_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(in_pipe=False) as progress:
        progress.stage("Looking")
        progress.note("seen")

    assert capsys.readouterr().err == "seen\n"


def test_plain_lines_show_only_the_end_of_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress() as progress:
        progress.advance("rows", 1000, None)
        progress.advance("rows", 1000, 2000)
        progress.advance("rows", 2000, 2000)

    assert capsys.readouterr().err == "rows: 2000\n"


def test_in_a_pipe_rows_are_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(Pace.__init__, "__defaults__", (lambda: now[0],))

    with show_progress(in_pipe=False) as progress:
        progress.rows(0, None)
        for second in range(1, 25):
            now[0] = second
            progress.rows(1000 * second, second / 100)

    assert capsys.readouterr().err.splitlines() == [
        "10,000 rows, 1,000 rows/s, 1 min left",
        "20,000 rows, 1,000 rows/s, 1 min left",
    ]


@pytest.fixture
def on_terminal() -> Callable[[str], str]:
    """Run a script with `progress` on a terminal; gives what the terminal was sent, without colours."""

    def run(script: str) -> str:
        whole = (
            "import time\n"
            "from infer_cli.terminal.progress import show_progress\n"
            "from infer_cli.engine.events import Layer, Line, Step\n"
            "with show_progress() as progress:\n" + textwrap.indent(script, "    ")
        )
        child = pexpect.spawn(
            sys.executable, ["-c", whole], encoding="utf-8", dimensions=(40, 120), timeout=30
        )
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0, child.before
        return _ESCAPE.sub("", str(child.before))

    return run


def test_on_a_terminal_the_stage_is_shown_live(on_terminal: Callable[[str], str]) -> None:
    shown = on_terminal(
        "progress.stage('Looking')\n"
        "time.sleep(0.3)\n"
        "progress.on_event(Step(3, 14, 'COPY finish/ /'))\n"
        "progress.on_event(Line('not shown'))\n"
        "time.sleep(0.3)\n"
    )

    assert "Looking" in shown
    assert "Step 3/14: COPY finish/ /" in shown
    assert "not shown" not in shown


def test_on_a_terminal_the_first_stage_needs_no_rich_and_leaves_nothing(
    on_terminal: Callable[[str], str],
) -> None:
    shown = on_terminal("import sys\nprogress.stage('Looking')\nassert 'rich' not in sys.modules\n")

    assert shown == f"Looking\r{7 * ' '}\r"


def test_on_a_terminal_square_brackets_are_shown_as_they_are(on_terminal: Callable[[str], str]) -> None:
    shown = on_terminal(
        "progress.stage('Inspecting [/old]/model.pkl')\n"
        "progress.on_event(Step(1, 1, 'RUN [red] [/x]'))\n"
        "progress.on_event(Layer('[/abc]', 'Pushing', 1_000_000, 4_000_000))\n"
        "progress.advance('[/rows]', 1, 2)\n"
        "time.sleep(0.3)\n"
    )

    assert all(text in shown for text in ("[/old]", "RUN [red] [/x]", "[/abc]", "[/rows]"))


def test_on_a_terminal_a_layer_has_a_bar(on_terminal: Callable[[str], str]) -> None:
    shown = on_terminal(
        "progress.on_event(Layer('abc', 'Waiting'))\n"
        "progress.on_event(Layer('abc', 'Pushing', 1_000_000, 4_000_000))\n"
        "time.sleep(0.3)\n"
        "progress.on_event(Layer('abc', 'Pushing', 3_000_000, 4_000_000))\n"
        "progress.on_event(Layer('abc', 'Pushed'))\n"
        "time.sleep(0.3)\n"
    )

    assert "Waiting" not in shown
    assert "abc Pushing" in shown
    assert "1.0/4.0 MB" in shown
    assert "abc Pushed" in shown


def test_on_a_terminal_a_new_stage_clears_the_bars_and_keeps_counts(
    on_terminal: Callable[[str], str],
) -> None:
    shown = on_terminal(
        "progress.stage('Sending')\n"
        "progress.on_event(Layer('abc', 'Pushing', 1, 4_000_000))\n"
        "progress.advance('rows', 1000, None)\n"
        "time.sleep(0.3)\n"
        "progress.stage('Waiting')\n"
        "progress.advance('rows', 2000, 3000)\n"
        "time.sleep(0.3)\n"
    )

    assert "1000/?" in shown
    assert "2000/3000" in shown
    assert "abc" not in shown.rpartition("Waiting")[2]


def test_on_a_terminal_rows_are_a_bar_with_the_pace(on_terminal: Callable[[str], str]) -> None:
    shown = on_terminal(
        "progress.stage('Asking')\n"
        "progress.rows(0, None)\n"
        "time.sleep(0.3)\n"
        "progress.rows(1000, 0.25)\n"
        "time.sleep(0.3)\n"
        "progress.rows(2000, 0.5)\n"
        "time.sleep(0.3)\n"
    )

    assert re.search(r"2,000 rows, [\d,]+ rows/s, \d s left ━+", shown)
