"""A compiled model that was read from a file: a program, without the estimator that it was compiled from.

The file brings rows with the answers of the estimator. The program must give these answers when the file is
loaded, so that another NumPy or another processor cannot change an answer silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.archive import read_saved
from service.compiler.program import try_program
from service.errors import InvalidInput, NotCompilable, UnusableFile
from service.loading.signatures import ZIP_START

if TYPE_CHECKING:
    from pathlib import Path

    from service.compiler.program import Program
    from service.compiler.saved import Saved
    from service.schema.features import Rows
    from service.schema.predictions import Predictions

# How the archive starts: its first file is the description.
COMPILED_NAME = slice(30, 40), b"model.json"
COMPILE_ADVICE = "Compile the model again: infer compile MODEL"


def is_compiled(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a compiled model."""
    place, name = COMPILED_NAME
    return start.startswith(ZIP_START) and start[place] == name


def load_compiled(file: Path) -> CompiledModel:
    """Read a compiled model and try it; raise `UnusableFile` if it cannot be read, or answers differently."""
    return CompiledModel(read_saved(file))


class CompiledModel:
    """A compiled model as a `Model`: see there for what the attributes are."""

    is_batched = True
    not_compiled = ""

    def __init__(self, saved: Saved) -> None:
        self.name = saved.origin.estimator
        self.origin = saved.origin
        self.kind = saved.kind
        self.features = tuple(saved.features)
        self.classes = saved.classes
        self.program = _tried(saved)

    def ask(self, rows: Rows) -> Predictions:
        """Refuse rows that the program leaves to the estimator: there is no estimator in the file."""
        del rows
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
