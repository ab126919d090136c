"""Compiles a model: `MODEL_FILE=model.joblib python3 -m service.compile > result`.

Standard input holds the user's rows, as `{"rows": […]}`, or is empty. Standard output gets one line of JSON
and then the bytes of the compiled model. The line has `size_bytes` and `digest` of the compiled model, and in
`generated` and `given` how far its answers are from the answers of the model. If the model was not compiled,
the line is `{"error": {"kind": "no_path", "reason": "…", "details": […]}}`. The exit code is 0 if the model
was compiled.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from service import stages
from service.compiler.archive import read_saved, write_saved
from service.compiler.parity import Trial, compare, compare_rows
from service.compiler.program import program_input, try_program
from service.compiler.saved import Origin, Parity, Saved
from service.errors import (
    InvalidInput,
    ModelUnloadable,
    NotCompilable,
    NotCompiled,
    UnreadableArchive,
    WrongSettings,
)
from service.loading.configured import load_configured
from service.logs import configure_logs
from service.models.fitted_model import FittedModel, as_in_trial
from service.protocols.description import loaded_packages
from service.protocols.payload import parse_json
from service.protocols.row_checks import RowChecks
from service.settings import Settings
from service.workers.watch import run_watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Ask, Outcome
    from service.loading.model_file import LoadedModel
    from service.native.row_program import RowProgram
    from service.schema.features import Feature, Value

# An error names at most this many rows.
DETAILS_MAX = 5
# Before anything was compared.
UNKNOWN = Parity(0, 0, 0.0, 0.0)


def compile_model(loaded: LoadedModel, body: bytes = b"") -> tuple[Saved, bytes]:
    """Compile a model; give the compiled model, and the bytes of its file. Raises `NotCompiled`.

    `body` holds the user's rows in JSON, and may be empty. The compiled model is written and read again
    before its answers are compared with the answers of the model.
    """
    model = loaded.model
    if not isinstance(model, FittedModel):
        raise NotCompiled("compiled", "it is compiled already")
    if model.program is None:
        raise NotCompiled("no_path", model.not_compiled)
    saved = Saved(
        kind=model.kind,
        features=list(model.features),
        classes=model.classes,
        path=model.program.ask,
        trial=model.program.trial,
        origin=_origin(loaded, model),
        generated=UNKNOWN,
        given=None,
    )
    read = read_saved(io.BytesIO(_written(saved)))
    with as_in_trial():
        generated = _measure(read.path, None, saved.trial, saved.classes)
        rows = _given_rows(body, model.features)
        given = None
        if rows:
            # A service makes the same row program of the file.
            row_program = try_program(read.path, read.trial).row_program
            given = _measure(read.path, row_program, _trial_of(model, read.path, rows), saved.classes)
    saved = replace(saved, generated=generated, given=given)
    return saved, _written(saved)


def _written(saved: Saved) -> bytes:
    file = io.BytesIO()
    write_saved(file, saved)
    return file.getvalue()


def _origin(loaded: LoadedModel, model: FittedModel) -> Origin:
    packages = [(package, str(version)) for package, version in loaded_packages()]
    return Origin(loaded.file.name, loaded.size_bytes, loaded.digest, model.name, packages)


def _given_rows(body: bytes, features: Sequence[Feature]) -> list[list[Value]]:
    """Read the user's rows; columns that the model does not take, such as an id, are left out."""
    if not body.strip():
        return []
    names = {feature.name for feature in features}
    rows = [{name: value for name, value in row.items() if name in names} for row in json.loads(body)["rows"]]
    try:
        return parse_json(json.dumps({"rows": rows}).encode(), RowChecks.of(features))
    except InvalidInput as error:
        raise NotCompiled("invalid_rows", error.message) from error


def _trial_of(model: FittedModel, ask: Ask, rows: list[list[Value]]) -> Trial:
    """Give the user's rows with the answers of the model; raise `NotCompiled` if `ask` gives none."""
    taken = program_input(rows, model.features)
    if ask(taken) is None:
        unanswered = [number for number in range(len(rows)) if ask(taken[number : number + 1]) is None]
        reason = f"the compiled model cannot answer {len(unanswered)} of {len(rows)} given rows"
        raise NotCompiled(
            "left_to_model", reason, [f"row {number + 1}" for number in unanswered[:DETAILS_MAX]]
        )
    try:
        return Trial(taken, model.outcome(rows))
    except Exception as error:  # A model may raise any error for a row.
        raise NotCompiled("refused", f"the model itself refuses the given rows: {error}") from error


def _measure(
    ask: Ask, row_program: RowProgram | None, trial: Trial, classes: Sequence[object] | None
) -> Parity:
    """Measure how far the compiled model is from the model; raise `NotCompiled` if it is too far.

    It is too far if a label differs, or if a number differs by more than the trial allows. The row program
    is measured alike. A service does without a row program that differs on the generated rows, so this
    function is given a row program with the user's rows only.
    """
    found = ask(trial.rows)
    if found is None:
        raise NotCompiled("different", "the compiled model cannot answer some rows")
    difference = compare(found, trial.wanted)
    if difference.labels:
        count = len(trial.rows)
        raise NotCompiled(
            "different",
            f"{difference.labels} of {count} rows get another label than the model gives",
            _other_labels(found, trial.wanted, classes or ()),
        )
    try:
        difference = trial.measure(ask)
        by_row = compare_rows(row_program, trial) if row_program else None
        if by_row is not None:
            by_row.check()
            difference = difference.or_larger(by_row)
    except NotCompilable as error:
        raise NotCompiled("different", str(error)) from error
    return Parity(len(trial.rows), difference.labels, difference.values, difference.probabilities)


def _other_labels(found: Outcome, wanted: Outcome, classes: Sequence[object]) -> list[str]:
    labels = [label.item() if isinstance(label, np.generic) else label for label in classes]
    pairs = zip(found.values.tolist(), np.asarray(wanted.values).tolist())
    return [
        f"row {number}: {labels[here]!r} instead of {labels[there]!r}"
        for number, (here, there) in enumerate(pairs, 1)
        if here != there
    ][:DETAILS_MAX]


def _compiled(settings: Settings, body: bytes) -> tuple[dict[str, object], bytes]:
    """Compile the model of the settings; give the line of JSON, and the bytes that follow the line."""
    try:
        loaded = load_configured(settings, versions_must_match=True)
        stages.done()
        saved, content = compile_model(loaded, body)
    except NotCompiled as error:
        return _error(error.kind, error.reason, error.details), b""
    except ModelUnloadable as error:
        return _error("unloadable", str(error)), b""
    except (TypeError, UnreadableArchive) as error:  # From writing the archive, or from reading it again.
        return _error("no_path", f"it cannot be saved: {error}"), b""
    line: dict[str, object] = {
        "size_bytes": len(content),
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "generated": asdict(saved.generated),
        "given": asdict(saved.given) if saved.given else None,
    }
    return line, content


def _error(kind: str, reason: str, details: Sequence[str] = ()) -> dict[str, object]:
    return {"error": {"kind": kind, "reason": reason, "details": list(details)}}


def _own_output() -> BinaryIO:
    """Give standard output for the result; what a model prints while it is loaded goes to standard error."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def _write(settings: Settings, body: bytes, output: BinaryIO) -> int:
    line, content = _compiled(settings, body)
    output.write(json.dumps(line).encode() + b"\n" + content)
    return 1 if "error" in line else 0


def main() -> int:
    """Compile the model, write the result, and give the exit code."""
    configure_logs(log_format="text", log_level="warning")
    with _own_output() as output:
        try:
            settings = Settings.from_environment(os.environ)
            return run_watched(partial(_write, settings, sys.stdin.buffer.read(), output), settings)
        except (ModelUnloadable, WrongSettings) as error:
            output.write(json.dumps(_error("unloadable", str(error))).encode() + b"\n")
            return 1


if __name__ == "__main__":
    sys.exit(main())
