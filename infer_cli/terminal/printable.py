"""Makes strings from model files and containers safe to print on a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The string with each unprintable character escaped, such as the start of a control sequence."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in text
    )
