"""Proves an image before the image gets its name: a temporary service must answer as the model itself does.

The container has the same limits and rights as a service of `infer run`, and no network unless `--egress` was
given. A scikit-learn version other than the model's is an error there. The rows are made of what the model
knows, or come from a file of examples. A program in the container loads the model apart from the service,
while the service starts, and judges the answers.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from infer_cli.building.examples import check_examples, compare_examples, read_examples
from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedModel
from infer_cli.engine.containers import create_service, kill_container
from infer_cli.engine.services import log_tail
from infer_cli.errors import EngineError, VerificationFailed
from infer_cli.plan.run import RunPlan, Safety
from infer_cli.plan.settings import EGRESS
from infer_cli.running.program import run_program
from infer_cli.running.readiness import not_ready, require_running
from infer_cli.terminal.command_line import given_command
from infer_cli.terminal.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.building.examples import Examples
    from infer_cli.client.served_model import ModelRecord
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount

_COMMAND = ("python3", "-m", "service.check")
_TIMEOUT_S = 300
# How far an answer may be from the expected one, relative or absolute. The same model on another processor
# differs in the last of its 16 digits. A model that computes in 32 bits has 7 digits only.
_TOLERANCE = 1e-9
_SINGLE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verified:
    """How many rows the service answered, and with what the answers were compared.

    `judged` of the rows were compared with the answers of the model itself, `compared` values with the
    expected ones in the file `examples`, from which the rows come. Without it, infer made the rows.
    """

    rows: int
    judged: int = 0
    compared: int = 0
    examples: Path | None = None


class _Answer(TypedDict, total=False):
    """The output of `service.check`: the answers to `rows` rows, or `error`, perhaps of a `kind`."""

    rows: int
    predictions: list[object]
    probabilities: list[object] | None
    non_finite: list[dict[str, object]]
    judged: int
    tolerance: float
    kind: str
    error: object
    details: list[str]


def verify_image(  # noqa: PLR0913 (the model, how it is run, and what is asked)
    engine: Engine,
    image: str,
    *,
    model: ModelMount | None,
    user: str | None,
    examples: Path | None,
    egress: bool = False,
    is_single: bool = False,
) -> Verified:
    """Start a service of an image, compare its answers with the model's own, and remove it.

    `model` is the folder to mount, or None if the model is inside. `user` is the `UID:GID` that can read the
    folder. `is_single` says that the model computes in 32 bits, as ONNX models do.
    Raises `ContainerFailed` with the end of the log if the service does not start, and `VerificationFailed`
    if it refuses a row, answers another way than the model, or than the examples expect.
    """
    if examples is not None:
        check_examples(examples)
    plan = RunPlan(
        image=image,
        name=f"infer-verify-{uuid.uuid4().hex[:12]}",
        host_port=None,
        model=model,
        environment={"WORKERS": "1", "VERSION_MISMATCH": "error", EGRESS: "1" if egress else "0"},
        safety=Safety(user=user),
        is_temporary=True,
    )
    service = create_service(engine, plan)
    try:
        given = None if examples is None else _read(engine, service, examples)
        answer = _ask(engine, service, {} if given is None else {"rows": given.inputs})
    finally:
        # No request of anybody is left to finish.
        kill_container(engine, service.name)
    compared = 0
    if given is not None:
        tolerance = max(_SINGLE_TOLERANCE if is_single else _TOLERANCE, answer.get("tolerance") or 0)
        predictions = Predictions(
            answer["predictions"], answer.get("probabilities"), non_finite=answer.get("non_finite") or []
        )
        compared = compare_examples(given, predictions, tolerance)
    return Verified(int(answer["rows"]), int(answer.get("judged") or 0), compared, examples)


def fingerprint(image: str, model_digest: str, examples: Path | None) -> str:
    """A digest of everything that a verification depends on; the same verification need not be repeated."""
    content = hashlib.sha256(examples.read_bytes()).hexdigest() if examples else ""
    return hashlib.sha256(f"{image} {model_digest} {content}".encode()).hexdigest()


def _read(engine: Engine, service: Service, examples: Path) -> Examples:
    """The examples, read for the features that the service describes."""
    description = _ask(engine, service, {"describe": True})
    return read_examples(examples, ServedModel.of(cast("ModelRecord", description)).features)


def _ask(engine: Engine, service: Service, given: dict[str, object]) -> _Answer:
    """The output of the program in the container, which waits until the service is ready.

    Raises `ContainerFailed` if the service does not start, and `VerificationFailed` for another error.
    """
    stdin = json.dumps({**given, "timeout_s": _TIMEOUT_S}, default=str).encode()
    try:
        written = run_program(engine, service, _COMMAND, stdin=stdin).stdout
    except EngineError:
        # The engine runs no program in a container that has ended.
        require_running(engine, service)
        raise
    try:
        answer = cast("_Answer", json.loads(written))
    except ValueError:
        # The program ends with the service.
        require_running(engine, service)
        answer = {"error": written.decode(errors="replace") or "no answer came"}
    if answer.get("kind") == "not_ready":
        raise not_ready(engine, service, str(answer["error"]))
    if "error" in answer:
        raise _failed(engine, service, answer)
    return answer


def _failed(engine: Engine, service: Service, answer: _Answer) -> VerificationFailed:
    error = answer["error"]
    said = printable(str(error.get("message", error) if isinstance(error, dict) else error))
    lines = "\n".join(f"  {printable(str(line))}" for line in answer.get("details") or ())
    if answer.get("kind") == "no_rows":
        return VerificationFailed(
            said,
            detail=lines or None,
            hint="the image was not kept; give rows that the model takes, in a .csv, .json, .jsonl or "
            f".parquet: `{given_command('--examples', 'FILE')}`",
        )
    if answer.get("kind") == "different":
        return VerificationFailed(
            said,
            detail=lines or None,
            hint="the image was not kept, as its answers would be wrong; this is a fault of infer, please "
            "report it",
        )
    log = "\n".join(f"  {line}" for line in log_tail(engine, service).splitlines())
    return VerificationFailed(
        f"the built service did not answer: {said}",
        detail=f"the end of its log:\n{log}" if log else None,
        hint="the image was not kept; --no-verify keeps one that does not answer",
    )
