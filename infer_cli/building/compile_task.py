"""Compiles a model in a throwaway container of its own image: the host loads no model.

The container is locked down as in earnest and has no network. What it writes is a line of JSON and the
compiled model; as a model may have written it, only what was inspected becomes a file.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from infer_cli.building.verify import inputs_of, read_examples
from infer_cli.engine.streams import STDOUT_STREAM
from infer_cli.engine.tasks import run_task
from infer_cli.errors import NotCompiled
from infer_cli.plan.run import RunPlan, Safety
from infer_cli.terminal.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.tasks import TaskResult
    from infer_cli.plan.run import ModelMount

_COMMAND = ("python3", "-m", "service.compile")
# The line says a few numbers, or lists a few rows.
_LINE_BYTES_MAX = 1024 * 1024
# As much as an archive without extensions of its format can hold.
_FILE_BYTES_MAX = 4 * 1024**3
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 20
_AS_IT_IS = "nothing was written; `infer build` serves the model as it is"
_HINTS = {
    "no_path": f"{_AS_IT_IS}, and so it does an ONNX model that it is converted to (skl2onnx)",
    "different": _AS_IT_IS,
    "left_to_model": f"leave these rows out, if the service is never asked for such; {_AS_IT_IS}",
    "invalid_rows": "nothing was written; correct the rows of --examples",
    "refused": "nothing was written; correct the rows of --examples",
}


@dataclass(frozen=True)
class Parity:
    """How far the compiled model was from the model, on so many rows."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


@dataclass(frozen=True)
class Report:
    """How far a compiled model is from the model: on rows that were made up, and on those that were given."""

    generated: Parity
    given: Parity | None


def compile_in(  # noqa: PLR0913 (each is a part of the task)
    engine: Engine,
    image: str,
    *,
    model: ModelMount,
    user: str | None,
    trusted: tuple[str, ...],
    examples: Path | None,
    target: BinaryIO,
) -> Report:
    """Compile a model in a container of `image`, and write it to `target`.

    Raises `NotCompiled` if it has no arithmetic of its own, or if a label differs.
    """
    rows = None if examples is None else read_examples(examples)
    plan = RunPlan(
        image=image,
        name=f"infer-compile-{uuid.uuid4().hex[:12]}",
        host_port=None,
        model=model,
        safety=Safety(user=user),
        trusted=trusted,
        command=_COMMAND,
        is_temporary=True,
    )
    result = _Result(target)
    ended = run_task(engine, plan, stdin=b"" if rows is None else inputs_of(rows), on_output=result.take)
    return _report(result, ended, model.file)


class _Result:
    """What the container writes: a line, then the compiled model; and the end of what else it says."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.line = b""
        self.has_line = False
        self.size_bytes = 0
        self._said: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def take(self, kind: int, data: bytes) -> None:
        """Take a part of a stream."""
        if kind != STDOUT_STREAM:
            self._said.append(data[-_TAIL_BYTES:])
            return
        if not self.has_line:
            before, newline, data = data.partition(b"\n")
            self.line += before[: _LINE_BYTES_MAX - len(self.line)]
            self.has_line = bool(newline)
        if self.size_bytes + len(data) > _FILE_BYTES_MAX:
            raise NotCompiled(
                "the container wrote more than any compiled model has",
                hint="nothing was written; `infer build` serves the model as it is",
            )
        self._hash.update(data)
        self.size_bytes += len(data)
        self._target.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

    @property
    def tail(self) -> str | None:
        lines = b"".join(self._said).decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines) or None


def _report(result: _Result, ended: TaskResult, model: str) -> Report:
    try:
        said: dict[str, Any] = json.loads(result.line)
        if "error" in said:
            raise _refused(said["error"], model)
        is_whole = (said["size_bytes"], said["digest"]) == (result.size_bytes, result.digest)
        generated = _parity(said["generated"])
        given = _parity(said["given"]) if said["given"] else None
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        is_whole = False
    if not is_whole or ended.exit_code != 0:
        raise NotCompiled(
            f"compiling {model} failed ({ended.end_reason})",
            detail=result.tail,
            hint="nothing was written; the reason may be in what the container said, above",
        )
    return Report(generated, given)


def _parity(said: dict[str, Any]) -> Parity:
    return Parity(
        rows=int(said["rows"]),
        different_labels=int(said["different_labels"]),
        value_difference=float(said["value_difference"]),
        probability_difference=float(said["probability_difference"]),
    )


def _refused(error: dict[str, Any], model: str) -> NotCompiled:
    kind = str(error["kind"])
    details = "\n".join(f"  {printable(line)}" for line in error["details"])
    return NotCompiled(
        f"{model} was not compiled: {printable(error['reason'])}",
        detail=details or None,
        hint=_HINTS.get(kind, _AS_IT_IS),
    )
