"""Opens a page in the user's browser, where there is one with a window of its own."""

from __future__ import annotations

import os
import sys

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


def can_open_pages() -> bool:
    """Whether stdout is a terminal of a person, and a browser has somewhere to show a page.

    On a machine without a display, Python would start a browser of text in the terminal of the command.
    """
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or any(os.environ.get(name) for name in _DISPLAYS)


def open_page(url: str) -> bool:
    """Open the page in the browser; False if there is none."""
    import webbrowser  # noqa: PLC0415 (slow to import)

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
