"""The exceptions by which a reader of a format refuses a file."""

from __future__ import annotations

DAMAGED = "It is damaged, or not a pickle: copy or download it again, or save the model again."


class Refused(Exception):
    """The file is not a model that infer understands.

    `reason` is the rest of a sentence that starts with the name of the file: "model.pkl is empty". `hint`
    says what to do. `inspect_model` translates this exception into `ModelUnreadable`.
    """

    def __init__(self, reason: str, *, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Unsafe(Refused):
    """Loading or using the file could run something; `inspect_model` makes `ModelUnsafe` of it."""


class EndOfFile(Refused):
    """The file ends before the model does; `position` is the number of bytes read."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"is cut short: it ends at byte {position}, before the model does",
            hint="Copy or download the file again, or save the model again.",
        )
