"""A compiled model that is read from a file: a program, without the estimator that it was compiled from.

The file also holds rows with the answers of the estimator. When the file is loaded, the program must give the
same answers, so that another version of NumPy or another CPU cannot change an answer silently.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.archive import read_saved
from service.compiler.program import try_program
from service.compiler.usual_of_programs import usual_of_program
from service.errors import InvalidInput, NotCompilable, UnusableFile
from service.loading.signatures import ZIP_START

if TYPE_CHECKING:
    from pathlib import Path

    from service.compiler.program import Program
    from service.compiler.saved import Saved
    from service.schema.features import Rows
    from service.schema.predictions import Predictions

# The first file of the archive is the description: where its name stands in the zip, and the name.
COMPILED_NAME = slice(30, 40), b"model.json"
COMPILE_ADVICE = "Compile the model again: infer compile MODEL"


def is_compiled(start: bytes) -> bool:
    """Tell by the first bytes of a file whether it is a compiled model."""
    place, name = COMPILED_NAME
    return start.startswith(ZIP_START) and start[place] == name


def load_compiled(file: Path) -> CompiledModel:
    """Read a compiled model, and compare its answers with the answers of the estimator in the file.

    Raises `UnusableFile` if the file cannot be read, or if the answers differ.
    """
    return CompiledModel(read_saved(file))


class CompiledModel:
    """A compiled model as a `Model`; the protocol explains the attributes."""

    is_batched = True
    method = "predict"
    further_results: tuple[str, ...] = ()
    not_compiled = ""
    outputs = None

    def __init__(self, saved: Saved) -> None:
        self.name = saved.origin.estimator
        self.origin = saved.origin
        self.kind = saved.kind
        # The files of older versions call each feature that may be missing not required.
        self.features = tuple(replace(one, required=one.dtype != "unused") for one in saved.features)
        self.classes = saved.classes
        has_probabilities = saved.trial.wanted.probabilities is not None
        self.results = ("predict", "predict_proba") if has_probabilities else ("predict",)
        self.program = _tried(saved)
        self.usual = usual_of_program(saved.path, self.features)

    def ask(self, rows: Rows) -> Predictions:
        """Raise `InvalidInput`: the program cannot answer these rows, and the file holds no estimator."""
        del rows
        message = "With these values, a step of the model makes a number that is too large"
        raise InvalidInput(message, code="not_computable")

    def ask_further(self, rows: Rows, name: str) -> Predictions:
        """Raise `InvalidInput`: a compiled model has no further methods."""
        del rows
        raise InvalidInput(f"A compiled model has no {name}")


def _tried(saved: Saved) -> Program:
    """Make the program, after its answers were compared with the answers of the estimator."""
    try:
        with np.errstate(all="ignore"):
            return try_program(saved.path, saved.trial)
    except NotCompilable as error:
        reason = f"does not answer here as the model that it was made of: {error}"
        raise UnusableFile(reason, f"{COMPILE_ADVICE}; or serve the model itself") from error
    except Exception as error:  # A program put together wrongly may raise any error.
        raise UnusableFile(f"cannot be computed ({type(error).__name__}: {error})", COMPILE_ADVICE) from error
