"""How a loader says that it cannot serve a file for what it is, not for what it would do."""

from __future__ import annotations


class Unusable(Exception):
    """The file is not what its format says, or needs what is not in it; `advice` says what to do.

    The reason completes a sentence that starts with "it".
    """

    def __init__(self, reason: str, advice: str = "Save the model again") -> None:
        super().__init__(reason)
        self.advice = advice
