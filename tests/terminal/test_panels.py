from __future__ import annotations

import re

import pytest

from infer_cli.terminal.panels import panel, panel_width, usage_prefix

ROWS = [("-t, --tag NAME", "The name of the image."), ("--a-very-long-option NAME", "A text of some words.")]


def test_a_panel_frames_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert panel("Options", [("--one", "First of all."), ("two  ", "[default: 2]")], 26) == (
        "╭─ Options ──────────────╮\n"
        "│ --one  First of all.   │\n"
        "│ two    [default: 2]    │\n"
        "╰────────────────────────╯\n"
    )


def test_a_long_name_stands_above_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert panel("O", ROWS, 44).splitlines()[1:-1] == [
        "│ -t, --tag NAME    The name of the image. │",
        "│ --a-very-long-option NAME                │",
        "│                   A text of some words.  │",
    ]


@pytest.mark.parametrize("width", range(40, 101))
def test_every_line_has_the_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert {len(line) for line in panel("Options", ROWS, width).splitlines()} == {width}


def test_names_and_frames_are_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    coloured = panel("Options", ROWS, 60)
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b[1;36m-t, --tag NAME\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == panel("Options", ROWS, 60)
    assert usage_prefix() == "Usage: "


@pytest.mark.parametrize(("columns", "expected"), [("20", 40), ("60", 60), ("300", 100)])
def test_a_panel_is_as_wide_as_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch, columns: str, expected: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    assert panel_width() == expected
