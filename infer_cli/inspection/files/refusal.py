"""How the parts of an inspection say that they do not understand a file."""

from __future__ import annotations


class Refused(Exception):
    """The file is not understood.

    The reason completes a sentence that starts with the file's name: "model.pkl ends too early".
    `inspect_model` makes a `ModelUnreadable` of it.
    """

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class EndOfFile(Refused):
    """The bytes end before the model does."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"is cut short: it ends at byte {position}, before the model does",
            hint="Copy or download the file again, or save the model again.",
        )
