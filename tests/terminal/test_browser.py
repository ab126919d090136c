from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from infer_cli.terminal import browser

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("is_terminal", "variables", "expected"),
    [
        pytest.param(True, {"DISPLAY": ":0"}, True, id="a desktop"),
        pytest.param(True, {"WAYLAND_DISPLAY": "wayland-0"}, True, id="a desktop with Wayland"),
        pytest.param(True, {}, False, id="a machine without a display"),
        pytest.param(False, {"DISPLAY": ":0"}, False, id="a pipe"),
    ],
)
def test_a_page_is_opened_for_a_person_with_a_display(
    monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool, variables: dict[str, str], expected: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)

    assert browser.can_open_pages() is expected


def test_the_browser_that_the_user_names_gets_the_url(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/url\n')
    script.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{script} %s")

    assert browser.open_page("http://localhost:5000")
    assert (tmp_path / "url").read_text() == "http://localhost:5000\n"
