"""Compiles a model in a temporary container, as this machine must not load the model itself.

The container has the same limits and rights as a service of `infer run`, and no network. It writes one line
of JSON and then the compiled model. The code of a malicious model could write the same, so the line is
checked, and the caller inspects the compiled model before it keeps the file.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypedDict, cast

from infer_cli.building.examples import features_of, inputs_text, read_examples
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
# The line holds a few numbers, or a few rows whose labels differ.
_LINE_BYTES_MAX = 1024 * 1024
# The limit of a zip archive without the ZIP64 extension, which compiled models do not use.
_FILE_BYTES_MAX = 4 * 1024**3
_TAIL_BYTES = 64 * 1024
_TAIL_LINES = 20
_AS_IT_IS = "nothing was written; `infer build` serves the model as it is"
_HINTS = {
    "no_path": f"{_AS_IT_IS}, or as an ONNX model that skl2onnx makes of it",
    "different": _AS_IT_IS,
    "left_to_model": f"leave the listed rows out, if the service never gets such rows; {_AS_IT_IS}",
    "invalid_rows": "nothing was written; correct the rows of --examples",
    "refused": "nothing was written; correct the rows of --examples",
}


@dataclass(frozen=True)
class Parity:
    """The largest differences between the answers of a compiled model and of its model, on `rows` rows."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


@dataclass(frozen=True)
class Report:
    """The parity of a compiled model with its model on generated rows, and on the rows of --examples."""

    generated: Parity
    given: Parity | None


class _ParityRecord(TypedDict):
    """The parity on one set of rows, in the line of JSON."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


class _ErrorRecord(TypedDict):
    """Why the model was not compiled, in the line of JSON; `kind` may be a key of `_HINTS`."""

    kind: str
    reason: str
    details: list[str]


class _Line(TypedDict, total=False):
    """The line of JSON, if `service.compile` wrote it: the file and its parity, or `error` alone."""

    size_bytes: int
    digest: str
    generated: _ParityRecord
    given: _ParityRecord | None
    error: _ErrorRecord


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
    """Compile a model in a container of `image`, and write the compiled model to `target`.

    `user` is the `UID:GID` that can read the model folder, `trusted` the names that the model may use besides
    the allow-list. Raises `NotCompiled` if the model has an estimator that cannot be compiled, or if a label
    of the compiled model differs.
    """
    # A model that can be compiled has no unknown parts: its inspection tells all that a service would.
    known = features_of(model.inspection) if model.inspection is not None else {}
    given = None if examples is None else read_examples(examples, known)
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
    output = _Output(target)
    ended = run_task(engine, plan, stdin=inputs_text(given), on_output=output.take)
    return _report(output, ended, model.file)


class _Output:
    """The output of the container: on stdout a line and then the compiled model, on stderr its log.

    The compiled model goes on to `target`. Of the log, the last lines are kept.
    """

    def __init__(self, target: BinaryIO) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self.line = b""
        self.has_line = False
        self.size_bytes = 0
        self._log: deque[bytes] = deque(maxlen=_TAIL_LINES)

    def take(self, stream: int, data: bytes) -> None:
        """Take a part of a stream; raises `NotCompiled` if the compiled model becomes too large."""
        if stream != STDOUT_STREAM:
            self._log.append(data[-_TAIL_BYTES:])
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
        """The digest of the compiled model."""
        return f"sha256:{self._hash.hexdigest()}"

    @property
    def log_tail(self) -> str | None:
        """The last lines of the log, or None if it is empty."""
        lines = b"".join(self._log).decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines) or None


def _report(output: _Output, ended: TaskResult, model: str) -> Report:
    """The report in the line; raises `NotCompiled` for an error, or if the line does not fit the file."""
    try:
        line = cast("_Line", json.loads(output.line))
        if "error" in line:
            raise _refused(line["error"], model)
        is_whole = (line["size_bytes"], line["digest"]) == (output.size_bytes, output.digest)
        generated = _parity(line["generated"])
        given = _parity(line["given"]) if line["given"] else None
    # The code of a model may have written any line.
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        is_whole = False
    if not is_whole or ended.exit_code != 0:
        raise NotCompiled(
            f"compiling {model} failed ({ended.end_reason})",
            detail=output.log_tail,
            hint="nothing was written; the reason may be in the log of the container, above",
        )
    return Report(generated, given)


def _parity(record: _ParityRecord) -> Parity:
    return Parity(
        rows=int(record["rows"]),
        different_labels=int(record["different_labels"]),
        value_difference=float(record["value_difference"]),
        probability_difference=float(record["probability_difference"]),
    )


def _refused(error: _ErrorRecord, model: str) -> NotCompiled:
    kind = str(error["kind"])
    details = "\n".join(f"  {printable(line)}" for line in error["details"])
    return NotCompiled(
        f"{model} was not compiled: {printable(error['reason'])}",
        detail=details or None,
        hint=_HINTS.get(kind, _AS_IT_IS),
    )
