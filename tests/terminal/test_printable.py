"""Texts of others, made fit to be shown."""

from __future__ import annotations

import pytest

from infer_cli.terminal.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe (cm)", "Größe (cm)"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb", "a\\nb"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
