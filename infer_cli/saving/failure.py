"""The error of saving a model."""

from __future__ import annotations

from infer_cli.errors import InferError


class SaveFailed(InferError):
    """A model could not be saved, and nothing was written. The text says what to do next."""

    def __str__(self) -> str:
        parts = (self.message, self.detail, self.hint and f"hint: {self.hint}")
        return "\n".join(part for part in parts if part)
