"""How the commands of pages are read, run and compared: what is wrong on a page must be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.documented import Failed, Names, Terminal, is_same, read_docker_lines, read_steps
from tests.integration.test_documented_commands import IMAGES, NOT_RUN, PAGES, ROOT, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names("127.0.0.1:4321", "ab12cd34", tmp_path, IMAGES, SERVICES, port=5003)


@pytest.fixture
def terminal(names: Names) -> Iterator[Terminal]:
    """A terminal that is not patient."""
    opened = Terminal(names.home, names, {}, patience_s=5)
    yield opened
    opened.close()


def _run(terminal: Terminal, *lines: str) -> None:
    for step in read_steps("\n".join(("```console", *lines, "```"))):
        terminal.run(step)


def test_commands_are_read_with_what_they_print() -> None:
    page = """\
```console
$ one
a

b
$ two
```
```text
$ not a command
```
```console title="Second terminal"
$ three
c
```
```console
^C
d
```
"""

    steps = read_steps(page)

    assert [(step.terminal, step.line, step.command, step.shown) for step in steps] == [
        ("", 2, "one", ("a", "", "b")),
        ("", 6, "two", ()),
        ("Second terminal", 12, "three", ("c",)),
        ("", 16, "", ("^C", "d")),
    ]
    assert [step.stays for step in steps] == [False, True, False, False]


def test_output_under_no_command_is_refused() -> None:
    with pytest.raises(AssertionError, match="line 2 stands under no command"):
        read_steps("```console\nsomething\n```")


def test_docker_lines_are_read() -> None:
    page = "Log in with `docker login`.\n> Docker: `docker run -d x` and `docker ps`; nothing more in `x`.\n"

    assert read_docker_lines(page) == ["docker run -d x", "docker ps"]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        pytest.param(["a", "…", "d"], ["a", "b", "c", "d"], id="any lines"),
        pytest.param(["a", "…"], ["a"], id="no lines"),
        pytest.param(
            ["Built x (288 MB, sha256:2d299942ac7d)"], ["Built x (1.2 GB, sha256:000000000000)"], id="image"
        ),
        pytest.param(["2026-11-26T14:14:43Z INFO x"], ["2027-01-01T00:00:00Z INFO x"], id="time"),
        pytest.param(["with 2 workers of 1 thread"], ["with 1 worker of 4 threads"], id="workers"),
        pytest.param(["iris  10 s"], ["iris    2 min"], id="age, and the width of a table"),
        pytest.param(["scikit-learn==1.9.1"], ["scikit-learn==1.10.0"], id="version"),
        pytest.param(['{"a":0.8292645992600719}'], ['{"a":0.8292645992600721}'], id="last digit"),
        pytest.param(["infer@2f8fcf3184f9:/$ ls"], ["infer@000000000000:/$ ls"], id="container"),
    ],
)
def test_what_differs_from_run_to_run_is_the_same(shown: list[str], printed: list[str]) -> None:
    assert is_same(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        pytest.param(["a"], ["b"], id="another line"),
        pytest.param(["a"], [], id="no line"),
        pytest.param(["a"], ["a", "b"], id="one more"),
        pytest.param(["a", "…", "d"], ["a", "b"], id="no end"),
        pytest.param(["4 features"], ["5 features"], id="another number"),
        pytest.param(["Proof: 5 rows"], ["Proof: 6 rows"], id="rows"),
        pytest.param(['{"a":0.8292645992600719}'], ['{"a":0.8292745992600719}'], id="fifth digit"),
        pytest.param(["setosa  0.8293"], ["setosa  0.8294"], id="rounded number"),
        pytest.param(["x:v1.0.0"], ["x:v1.0.1"], id="tag"),
        pytest.param(["on 0.0.0.0:5000"], ["on 127.0.0.1:5000"], id="address"),
        pytest.param(["http://localhost:5000"], ["http://localhost:5001"], id="port"),
    ],
)
def test_what_matters_is_not_the_same(shown: list[str], printed: list[str]) -> None:
    assert not is_same(shown, printed)


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        (
            "infer build --tag dwhitena/model-inference:v1.0.0 --model-dir data",
            "infer build --tag 127.0.0.1:4321/dwhitena/model-inference-ab12cd34:v1.0.0 --model-dir data",
        ),
        ("infer run iris:v1 -d", "infer run 127.0.0.1:4321/iris-ab12cd34:v1 -d"),
        ("infer init iris && cd iris", "infer init iris && cd iris"),
        ("docker logs -f model-inference", "docker logs -f model-inference-ab12cd34"),
        ("curl 'http://localhost:5000/model'", "curl 'http://localhost:5003/model'"),
    ],
)
def test_names_are_replaced_by_ones_of_our_own_and_back(names: Names, shown: str, real: str) -> None:
    assert names.real(shown) == real
    assert names.shown(real) == shown


def test_image_without_a_name_of_its_own_is_refused(names: Names) -> None:
    with pytest.raises(AssertionError, match="no name of its own"):
        names.real("infer build --tag other:v1")


def test_port_that_was_taken_is_no_difference(names: Names) -> None:
    printed = "port 5000 is taken; using 5007\nx is ready at http://localhost:5007\n"

    names.learn_port(printed)

    assert names.shown(printed) == "x is ready at http://localhost:5000\n"


def test_shell_goes_on_from_command_to_command(terminal: Terminal, names: Names) -> None:
    _run(terminal, "$ mkdir folder && cd folder", "$ x=3", "$ pwd; echo $x", "/home/ada/folder", "3")

    assert (names.home / "folder").is_dir()


def test_errors_and_results_come_in_their_order(terminal: Terminal) -> None:
    _run(terminal, "$ echo one; echo two >&2; echo three", "one", "two", "three")


def test_wrong_output_fails_with_the_difference(terminal: Terminal) -> None:
    with pytest.raises(Failed, match=r"(?s)line 2: \$ echo one.*-two\n\+one") as failed:
        _run(terminal, "$ echo one", "two")

    assert failed.value.is_over


def test_exit_code_other_than_0_fails(terminal: Terminal) -> None:
    with pytest.raises(Failed, match="exit code 3"):
        _run(terminal, "$ (exit 3)")


def test_ctrl_c_is_pressed_when_the_lines_were_printed(terminal: Terminal) -> None:
    program = "trap 'echo stopped; exit 130' INT; echo ready; while true; do sleep 0.05; done"

    _run(terminal, f'$ bash -c "{program}"', "ready", "^C", "stopped")


def test_command_that_says_something_else_is_not_waited_for_forever(terminal: Terminal) -> None:
    with pytest.raises(Failed, match="waited in vain for the lines above"):
        _run(terminal, "$ echo other", "ready", "^C")


def test_keys_are_typed_into_a_shell_inside(terminal: Terminal) -> None:
    # As the terminal of a container does, it shows what is typed.
    shell = "stty echo; PS1='me@0123456789ab:/$ ' bash --norc --noprofile; stty -echo"

    _run(
        terminal, f"$ {shell}", "me@0123456789ab:/$ echo $((6 * 7))", "42", "me@0123456789ab:/$ exit", "exit"
    )


def test_commands_that_are_not_run_are_still_shown() -> None:
    shown = {
        step.command.partition("  #")[0].strip()
        for page in PAGES
        for step in read_steps((ROOT / page).read_text())
    }

    assert NOT_RUN.keys() <= shown
