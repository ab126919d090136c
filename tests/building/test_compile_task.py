"""The output of the container is checked, as the code of a model may have written it."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.linear_model import LinearRegression

from infer_cli.building import compile_task
from infer_cli.building.compile_task import Parity, compile_in
from infer_cli.engine.streams import STDERR_STREAM, STDOUT_STREAM
from infer_cli.engine.tasks import TaskResult
from infer_cli.errors import NotCompiled
from infer_cli.inspection import inspect_model
from infer_cli.plan.run import ModelMount, RunPlan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"\x00a model\n" * 1000
PARITY = {"rows": 192, "different_labels": 0, "value_difference": 0.0, "probability_difference": 1e-16}
LINE = {
    "size_bytes": len(CONTENT),
    "digest": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}",
    "generated": PARITY,
    "given": None,
}
GOOD = json.dumps(LINE).encode() + b"\n" + CONTENT


class Task:
    """Stands for the container: what it was started with, and what it writes."""

    def __init__(self, written: bytes, ended: TaskResult, said: bytes) -> None:
        self.written, self.ended, self.said = written, ended, said
        self.plan = RunPlan(image="", name="", host_port=None)
        self.stdin = b""

    def __call__(
        self, _: object, plan: RunPlan, *, stdin: bytes, on_output: Callable[[int, bytes], None]
    ) -> TaskResult:
        self.plan, self.stdin = plan, stdin
        on_output(STDERR_STREAM, self.said)
        for start in range(0, len(self.written), 7):
            on_output(STDOUT_STREAM, self.written[start : start + 7])
        return self.ended


if TYPE_CHECKING:
    # Compiles in a container that writes the given bytes; gives the report, the file and the task.
    Compile = Callable[..., tuple[compile_task.Report, bytes, Task]]


@pytest.fixture
def compile_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compile:
    """Compile in a container that writes just that."""

    def run(
        written: bytes, *, code: int = 0, ending: str = "exit code 0", examples: Path | None = None
    ) -> tuple[compile_task.Report, bytes, Task]:
        task = Task(written, TaskResult(code, ending), b"first\nlast words\n")
        monkeypatch.setattr(compile_task, "run_task", task)
        target = io.BytesIO()
        report = compile_in(
            None,  # type: ignore[arg-type]  # nothing of it is used
            "sha256:0",
            model=mount_of_one_column(tmp_path),
            user="1000:1000",
            trusted=("mine",),
            examples=examples,
            target=target,
        )
        return report, target.getvalue(), task

    return run


def mount_of_one_column(folder: Path) -> ModelMount:
    joblib.dump(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), folder / "model.pkl")
    return ModelMount(folder, "model.pkl", "0", inspection=inspect_model(folder / "model.pkl"))


def test_the_report_and_the_file_are_separated(compile_with: Compile) -> None:
    report, content, task = compile_with(GOOD)

    assert report == compile_task.Report(Parity(192, 0, 0.0, 1e-16), None)
    assert content == CONTENT
    assert task.stdin == b""
    assert task.plan.host_port is None
    assert task.plan.safety.read_only
    assert (task.plan.safety.user, task.plan.trusted) == ("1000:1000", ("mine",))
    assert task.plan.command == ("python3", "-m", "service.compile")
    assert task.plan.all_environment["MODEL_FILE"] == "/data/model.pkl"


def test_examples_are_sent_without_their_expected_answers(compile_with: Compile, tmp_path: Path) -> None:
    examples = tmp_path / "rows.csv"
    examples.write_text("x0,prediction,probability_a\n1.5,a,0.5\n")

    _, _, task = compile_with(GOOD, examples=examples)

    assert json.loads(task.stdin) == {"rows": [{"x0": 1.5}]}


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("no_path", "infer build` serves the model as it is, or as an ONNX model"),
        ("different", "nothing was written; `infer build` serves the model as it is"),
        ("invalid_rows", "correct the rows of --examples"),
        ("unloadable", "serves the model as it is"),
    ],
)
def test_a_refusal_has_a_hint_for_its_kind(kind: str, hint: str, compile_with: Compile) -> None:
    error = {"kind": kind, "reason": "because", "details": ["row 2: 'a' instead of 'b'"]}

    with pytest.raises(NotCompiled, match=r"model\.pkl was not compiled: because") as caught:
        compile_with(json.dumps({"error": error}).encode() + b"\n", code=1, ending="exit code 1")

    assert caught.value.detail == "  row 2: 'a' instead of 'b'"
    assert hint in str(caught.value.hint)


ENDLESS = json.dumps({**LINE, "generated": {**PARITY, "rows": float("inf")}}).encode() + b"\n"


@pytest.mark.parametrize(
    ("written", "code", "ending"),
    [
        pytest.param(b"", 137, "it ran out of memory", id="out of memory"),
        pytest.param(GOOD[:-1], 0, "exit code 0", id="cut short"),
        pytest.param(GOOD + b"x", 0, "exit code 0", id="more than it says"),
        pytest.param(GOOD, 1, "exit code 1", id="it failed after all"),
        pytest.param(b"no line\n" + CONTENT, 0, "exit code 0", id="no JSON"),
        pytest.param(b"[]\n", 0, "exit code 0", id="a list"),
        pytest.param(b"[" * 100_000 + b"\n", 0, "exit code 0", id="a line that is nested too deeply"),
        pytest.param(b" " * 2**21 + GOOD, 0, "exit code 0", id="a line that is too long"),
        pytest.param(ENDLESS, 0, "exit code 0", id="endless rows"),
        pytest.param(b'{"error": 1}\n', 0, "exit code 0", id="an error of no kind"),
        pytest.param(json.dumps({**LINE, "generated": {}}).encode() + b"\n" + CONTENT, 0, "exit code 0"),
    ],
)
def test_output_that_is_not_complete_is_refused(
    written: bytes, code: int, ending: str, compile_with: Compile
) -> None:
    with pytest.raises(NotCompiled, match=r"compiling model\.pkl failed") as caught:
        compile_with(written, code=code, ending=ending)

    assert ending in caught.value.message
    assert caught.value.detail == "  first\n  last words"
