"""Texts of others, made fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    """A text without what would change the terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "replace").decode()
        for character in text
    )
