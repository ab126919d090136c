"""A compiled model, as a predictor needs it: the short path of a model, without the model.

The file brings rows with the answers of the model itself. They are tried again when the file is loaded, so
that another NumPy or another processor cannot change an answer without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from service.compiler.archive import read_saved
from service.compiler.parity import try_program
from service.errors import InvalidInput, NotCompilable, UnreadableArchive, UnusableFile

if TYPE_CHECKING:
    from pathlib import Path

    from service.compiler.codec import Saved
    from service.compiler.parity import Program
    from service.schema.predictions import Predictions

# How the archive starts: its first file is the description.
COMPILED_START = b"PK\x03\x04"
COMPILED_NAME = slice(30, 40), b"model.json"
COMPILE_ADVICE = "Compile the model again: infer compile MODEL"


def is_compiled(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a compiled model."""
    place, name = COMPILED_NAME
    return start.startswith(COMPILED_START) and start[place] == name


def load_compiled(file: Path) -> CompiledModel:
    """Read a compiled model and try it; raise `UnusableFile` if it cannot be read, or answers differently."""
    try:
        return CompiledModel(read_saved(file))
    except UnreadableArchive as error:
        raise UnusableFile(str(error), COMPILE_ADVICE) from error


class CompiledModel:
    """What a predictor needs of a compiled model: see `fitted` for what is what."""

    is_batched = True
    not_compiled = ""

    def __init__(self, saved: Saved) -> None:
        self.name = saved.origin.estimator
        self.origin = saved.origin
        self.kind = saved.kind
        self.features = tuple(saved.features)
        self.classes = saved.classes
        self.program = _tried(saved)

    def ask(self, _: Any) -> Predictions:  # noqa: ANN401 (rows)
        """Refuse rows that the path leaves to the model: there is none to ask."""
        message = "With these values, a step of the model makes a number that is too large"
        raise InvalidInput(message, code="not_computable")


def _tried(saved: Saved) -> Program:
    try:
        with np.errstate(all="ignore"):
            return try_program(saved.path, saved.trial)
    except NotCompilable as error:
        reason = f"does not answer here as the model that it was made of: {error}"
        raise UnusableFile(reason, f"{COMPILE_ADVICE}; or serve the model itself") from error
    except Exception as error:  # What is put together wrongly fails in as many ways.
        raise UnusableFile(f"cannot be computed ({type(error).__name__}: {error})", COMPILE_ADVICE) from error
