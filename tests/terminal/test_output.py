from __future__ import annotations

import json
import re
import sys
import textwrap
from typing import TYPE_CHECKING

import pexpect
import pytest

from infer_cli.engine.events import Layer, Line, Step
from infer_cli.errors import BuildFailed, Interrupted
from infer_cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        pytest.param(0, "0 B", id="nothing"),
        pytest.param(999, "999 B", id="bytes"),
        pytest.param(1000, "1 kB", id="a kilobyte"),
        pytest.param(1234, "1.23 kB", id="three digits"),
        pytest.param(99_950, "100 kB", id="rounded up"),
        pytest.param(999_499, "999 kB", id="just no megabyte"),
        pytest.param(999_900, "1 MB", id="rounded up to the next unit"),
        pytest.param(56_500_000, "56.5 MB", id="megabytes"),
        pytest.param(2_000_000_000, "2 GB", id="gigabytes"),
        pytest.param(1_500_000_000_000, "1500 GB", id="many gigabytes"),
    ],
)
def test_a_size_is_in_the_unit_that_reads_best(size_bytes: int, expected: str) -> None:
    assert output.size_text(size_bytes) == expected


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = output.table(("NAME", "AGE"), [("iris", "3 min"), ("a-long-name", "1 d")])

    assert text == "NAME         AGE\niris         3 min\na-long-name  1 d"


def test_a_table_without_rows_is_its_header() -> None:
    assert output.table(("NAME", "AGE"), []) == "NAME  AGE"


def test_a_result_is_text_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    output.show("Built größe", {"tag": "größe"}, as_json=False)

    assert capsys.readouterr() == ("Built größe\n", "")


def test_a_result_is_one_object_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.show("Built größe", {"tag": "größe"}, as_json=True)

    assert capsys.readouterr() == ('{"tag": "größe"}\n', "")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_is_said_and_is_no_result(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    output.report(Interrupted(), as_json=as_json)

    assert capsys.readouterr() == ("", "interrupted\n")


@pytest.mark.parametrize(
    ("detail", "hint", "expected"),
    [
        pytest.param(None, None, "error: it broke\n", id="message"),
        pytest.param("  line", None, "error: it broke\n  line\n", id="detail"),
        pytest.param(None, "mend it", "error: it broke\nhint: mend it\n", id="hint"),
        pytest.param("  line", "mend it", "error: it broke\n  line\nhint: mend it\n", id="both"),
    ],
)
def test_an_error_is_reported(
    capsys: pytest.CaptureFixture[str], detail: str | None, hint: str | None, expected: str
) -> None:
    output.report(BuildFailed("it broke", detail=detail, hint=hint), as_json=False)

    assert capsys.readouterr() == ("", expected)


def test_an_error_is_one_object_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(BuildFailed("it broke", hint="mend it"), as_json=True)

    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"message": "it broke", "detail": None, "hint": "mend it"}}
    assert err == "error: it broke\nhint: mend it\n"


@pytest.mark.parametrize("verbose", [False, True])
def test_without_a_terminal_there_are_plain_lines(*, verbose: bool) -> None:
    with output.progress(verbose=verbose) as progress:
        assert isinstance(progress, output.PlainProgress)


def test_plain_lines_tell_stages_steps_and_each_state_of_a_layer(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as progress:
        progress.stage("Building iris:v1")
        progress.on_event(Step(1, 2, "ENV A=1 \\\n    B=2"))
        progress.on_event(Step(2, 2, "LABEL " + 100 * "x"))
        progress.on_event(Line("only for --verbose"))
        progress.on_event(Layer("abc", "Waiting"))
        progress.on_event(Layer("abc", "Pushing", 10, 2_000_000))
        progress.on_event(Layer("abc", "Pushing", 20, 2_000_000))
        progress.on_event(Layer("abc", "Pushed"))

    assert capsys.readouterr().err.splitlines() == [
        "Building iris:v1",
        "Step 1/2: ENV A=1 \\ B=2",
        f"Step 2/2: LABEL {84 * 'x'}…",
        "abc: Pushing (2 MB)",
        "abc: Pushed",
    ]


def test_with_verbose_every_line_of_the_engine_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress(verbose=True) as progress:
        progress.on_event(Line(" ---> Using cache"))

    assert capsys.readouterr().err == " ---> Using cache\n"


def test_plain_lines_tell_only_the_end_of_a_count(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as progress:
        progress.advance("rows", 1000, None)
        progress.advance("rows", 1000, 2000)
        progress.advance("rows", 2000, 2000)

    assert capsys.readouterr().err == "rows: 2000\n"


@pytest.fixture
def on_terminal() -> Callable[[str], str]:
    """Run a script with `progress` on a terminal; gives what the terminal was sent, without colours."""

    def run(script: str) -> str:
        whole = (
            "import time\n"
            "from infer_cli.terminal import output\n"
            "from infer_cli.engine.events import Layer, Line, Step\n"
            "with output.progress() as progress:\n" + textwrap.indent(script, "    ")
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
