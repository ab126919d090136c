"""Verifies an image before the image gets its name: a temporary service must load the model and answer.

The container has the same limits and rights as a service of `infer run`, and no network. A scikit-learn
version other than the model's is an error there. The rows are generated from the features of the model, or
come from a file of examples.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from infer_cli.client.row_files import read_rows
from infer_cli.engine.containers import create_service, remove_service
from infer_cli.engine.services import log_tail
from infer_cli.errors import VerificationFailed
from infer_cli.plan.run import RunPlan, Safety
from infer_cli.running.program import run_program
from infer_cli.running.readiness import wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount

_COMMAND = ("python3", "-m", "service.check")
_TIMEOUT_S = 300
_PREDICTION = "prediction"
_PROBABILITY = "probability_"
# How far an answer may be from the expected one, relative or absolute. The same model on another processor
# differs in the last of its 16 digits. A model that computes in 32 bits has 7 digits only.
_TOLERANCE = 1e-9
_SINGLE_TOLERANCE = 1e-5
_SHOWN_ROWS = 5
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Verified:
    """The number of rows that the service answered, and of values that were compared with expected ones."""

    rows: int
    compared: int


class _Answer(TypedDict, total=False):
    """The output of `service.check`: the answers to `rows` rows, or `error` alone."""

    rows: int
    predictions: list[object]
    probabilities: list[dict[str, object]] | None
    error: object


def verify_image(
    engine: Engine,
    image: str,
    *,
    model: ModelMount | None,
    user: str | None,
    examples: Path | None,
    is_single: bool = False,
) -> Verified:
    """Start a service of an image, ask the service for predictions, and remove it.

    `model` is the folder to mount, or None if the model is inside. `user` is the `UID:GID` that can read the
    folder. `is_single` says that the model computes in 32 bits, as ONNX models do.
    Raises `ContainerFailed` with the end of the log if the service does not start, and `VerificationFailed`
    if it refuses a row or gives another answer than the examples expect.
    """
    rows = None if examples is None else read_examples(examples)
    plan = RunPlan(
        image=image,
        name=f"infer-verify-{uuid.uuid4().hex[:12]}",
        host_port=None,
        model=model,
        environment={"WORKERS": "1", "VERSION_MISMATCH": "error"},
        safety=Safety(user=user),
        is_temporary=True,
    )
    service = create_service(engine, plan)
    try:
        wait_until_ready(engine, service, timeout_s=_TIMEOUT_S)
        answer = _ask(engine, service, rows)
    finally:
        remove_service(engine, service)
    if rows is None:
        return Verified(rows=int(answer["rows"]), compared=0)
    tolerance = _SINGLE_TOLERANCE if is_single else _TOLERANCE
    return Verified(rows=len(rows), compared=_compare(rows, answer, examples, tolerance))


def fingerprint(image: str, model_digest: str, examples: Path | None) -> str:
    """A digest of everything that a verification depends on; the same verification need not be repeated."""
    content = hashlib.sha256(examples.read_bytes()).hexdigest() if examples else ""
    return hashlib.sha256(f"{image} {model_digest} {content}".encode()).hexdigest()


def read_examples(examples: Path) -> list[Row]:
    """The rows of a file of examples; raises `VerificationFailed` if there are none."""
    rows = [row for batch in read_rows(examples, batch_rows=_BATCH_ROWS) for row in batch]
    if not rows:
        raise VerificationFailed(f"{examples} holds no examples")
    return rows


def _ask(engine: Engine, service: Service, rows: Sequence[Row] | None) -> _Answer:
    """The answers of the service to `rows`, or to generated rows; raises `VerificationFailed`."""
    written = run_program(engine, service, _COMMAND, stdin=b"" if rows is None else inputs_of(rows)).stdout
    try:
        answer = cast("_Answer", json.loads(written))
    except ValueError:
        answer = {"error": written.decode(errors="replace") or "no answer came"}
    if "error" in answer:
        raise _refused(engine, service, answer["error"])
    return answer


def _refused(engine: Engine, service: Service, error: object) -> VerificationFailed:
    said = error.get("message", error) if isinstance(error, dict) else error
    log = "\n".join(f"  {line}" for line in log_tail(engine, service).splitlines())
    return VerificationFailed(
        f"the built service did not answer: {said}",
        detail=f"the end of its log:\n{log}" if log else None,
        hint="the image was not kept; --no-verify keeps one that does not answer",
    )


def inputs_of(rows: Sequence[Row]) -> bytes:
    """The rows as JSON for the programs of the service, without the columns of expected answers."""
    inputs = [{name: value for name, value in row.items() if not _is_expected(name)} for row in rows]
    return json.dumps({"rows": inputs}, default=str).encode()


def _is_expected(name: str) -> bool:
    return name == _PREDICTION or name.startswith(_PROBABILITY)


def _compare(rows: Sequence[Row], answer: _Answer, examples: Path | None, tolerance: float) -> int:
    """Compare the answers with the columns `prediction` and `probability_CLASS` of the examples.

    Gives the number of compared values; raises `VerificationFailed` if one differs.
    """
    compared = 0
    wrong: list[str] = []
    for index, row in enumerate(rows):
        expected = {name: value for name, value in row.items() if _is_expected(name)}
        given = _columns(answer, index)
        compared += len(expected)
        wrong += [
            f"  row {index + 1}: {name} is {given.get(name)!r}, expected {value!r}"
            for name, value in expected.items()
            if not _is_same(given.get(name), value, tolerance)
        ]
    if wrong:
        more = [f"  … and {len(wrong) - _SHOWN_ROWS} more"] if len(wrong) > _SHOWN_ROWS else []
        raise VerificationFailed(
            f"{len(wrong)} of {compared} answers differ from {examples}",
            detail="\n".join([*wrong[:_SHOWN_ROWS], *more]),
            hint="the image was not kept; check that the examples belong to this model",
        )
    return compared


def _columns(answer: _Answer, index: int) -> Row:
    """The answer to one row, with the column names of the examples."""
    columns: Row = {_PREDICTION: answer["predictions"][index]}
    if probabilities := answer.get("probabilities"):
        columns |= {f"{_PROBABILITY}{label}": value for label, value in probabilities[index].items()}
    return columns


def _is_same(given: object, expected: object, tolerance: float) -> bool:
    if isinstance(given, int | float) and isinstance(expected, int | float):
        return math.isclose(given, expected, rel_tol=tolerance, abs_tol=tolerance)
    return str(given) == str(expected)
