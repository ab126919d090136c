"""Proves an image before it gets its name: a throwaway service of it must load the model and answer.

The container is locked down as in earnest and has no network; a scikit-learn other than the model's own is an
error there. Rows are made up from what the service says of its features, or come from a file of examples.
"""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infer_cli.client.row_files import read_rows
from infer_cli.engine.containers import create_service, remove_service
from infer_cli.engine.exec import exec_in_service
from infer_cli.engine.services import log_tail
from infer_cli.engine.streams import STDOUT_STREAM
from infer_cli.errors import VerificationFailed
from infer_cli.plan.run import RunPlan, Safety
from infer_cli.running.readiness import wait_until_ready

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount

_COMMAND = ("python3", "-m", "service.check")
_TIMEOUT_S = 300
_PREDICTION = "prediction"
_PROBABILITY = "probability_"
# Answers of the same model on another machine differ in the last digits at most.
_TOLERANCE = 1e-9
# Those of a model that computes in 32 bits differ in more of them from those of the model it was made of.
_SINGLE_TOLERANCE = 1e-5
_SHOWN_ROWS = 5
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Verified:
    """How many rows an image answered, and how many answers were compared with expected ones."""

    rows: int
    compared: int


def verify_image(
    engine: Engine,
    image: str,
    *,
    model: ModelMount | None,
    user: str | None,
    examples: Path | None,
    is_single: bool = False,
) -> Verified:
    """Start a service of `image`, ask it, and remove it; `model` is None if it is inside.

    `is_single` says that the model computes in 32 bits, as ONNX models do.
    Raises `VerificationFailed` with the end of its log if it does not start, refuses a row, or answers
    otherwise than the examples expect.
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
    """What a verification depends on, so that the same one need not be made again."""
    content = hashlib.sha256(examples.read_bytes()).hexdigest() if examples else ""
    return hashlib.sha256(f"{image} {model_digest} {content}".encode()).hexdigest()


def read_examples(examples: Path) -> list[dict[str, Any]]:
    """The rows of a file of examples; raises `VerificationFailed` if there are none."""
    rows = [row for batch in read_rows(examples, batch_rows=_BATCH_ROWS) for row in batch]
    if not rows:
        raise VerificationFailed(f"{examples} holds no examples")
    return rows


def _ask(engine: Engine, service: Service, rows: list[dict[str, Any]] | None) -> dict[str, Any]:
    written: list[bytes] = []
    given = b"" if rows is None else inputs_of(rows)

    def keep(kind: int, data: bytes) -> None:
        if kind == STDOUT_STREAM:
            written.append(data)

    exec_in_service(engine, service, _COMMAND, on_output=keep, stdin=given)
    try:
        answer: dict[str, Any] = json.loads(b"".join(written))
    except ValueError:
        answer = {"error": b"".join(written).decode(errors="replace") or "no answer came"}
    if "error" in answer:
        raise _failed(engine, service, answer["error"])
    return answer


def _failed(engine: Engine, service: Service, error: object) -> VerificationFailed:
    said = error.get("message", error) if isinstance(error, dict) else error
    log = "\n".join(f"  {line}" for line in log_tail(engine, service).splitlines())
    return VerificationFailed(
        f"the built service did not answer: {said}",
        detail=f"the end of its log:\n{log}" if log else None,
        hint="the image was not kept; --no-verify keeps one that does not answer",
    )


def inputs_of(rows: list[dict[str, Any]]) -> bytes:
    """The rows as the service's own programs read them, without the answers that are expected."""
    inputs = [{name: value for name, value in row.items() if not _is_expected(name)} for row in rows]
    return json.dumps({"rows": inputs}, default=str).encode()


def _is_expected(name: str) -> bool:
    return name == _PREDICTION or name.startswith(_PROBABILITY)


def _compare(
    rows: list[dict[str, Any]], answer: dict[str, Any], examples: Path | None, tolerance: float
) -> int:
    """Compare the answers with the columns `prediction` and `probability_CLASS` of the examples."""
    compared, wrong = 0, []
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
            f"{len(wrong)} of {compared} answers are not those of {examples}",
            detail="\n".join([*wrong[:_SHOWN_ROWS], *more]),
            hint="the image was not kept; are the examples of this very model?",
        )
    return compared


def _columns(answer: dict[str, Any], index: int) -> dict[str, Any]:
    columns = {_PREDICTION: answer["predictions"][index]}
    if answer.get("probabilities"):
        columns |= {
            f"{_PROBABILITY}{label}": value for label, value in answer["probabilities"][index].items()
        }
    return columns


def _is_same(given: object, expected: object, tolerance: float) -> bool:
    if isinstance(given, int | float) and isinstance(expected, int | float):
        return math.isclose(given, expected, rel_tol=tolerance, abs_tol=tolerance)
    return str(given) == str(expected)
