from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from infer_cli.building import verify
from infer_cli.building.verify import Verified, fingerprint, verify_image
from infer_cli.errors import ContainerFailed, EngineError, VerificationFailed
from infer_cli.plan.run import ModelMount
from infer_cli.running import readiness
from infer_cli.running.program import ProgramResult
from infer_cli.terminal.command_line import remember
from tests.running.conftest import HERE, make_engine, make_service

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import RunPlan

ENGINE = make_engine(HERE)
ANSWER = {"rows": 2, "judged": 2, "predictions": ["a", "b"], "probabilities": [{"a": 0.75}, {"a": 0.25}]}
DESCRIPTION = {
    "kind": "classifier",
    "features": [{"name": "x0", "type": "number", "required": True}],
    "example": "/prediction?x0=1",
}


@dataclass
class Container:
    """Stands for the temporary service: how it was started, what it was asked, and what it answers."""

    answer: bytes = json.dumps(ANSWER).encode()
    has_ended: bool = False
    plans: list[RunPlan] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    removed: int = 0

    def create(self, _: Engine, plan: RunPlan) -> Service:
        self.plans.append(plan)
        return make_service(None, None)

    def require_running(self, *_: object) -> None:
        if self.has_ended:
            raise ContainerFailed("the service ended while starting")

    def run(self, *_: object, stdin: bytes) -> ProgramResult:
        if self.has_ended:
            raise EngineError("the container is not running")
        if b"describe" in stdin:
            return ProgramResult(0, json.dumps(DESCRIPTION).encode(), b"")
        self.asked.append(stdin)
        return ProgramResult(0, self.answer, b"")

    def remove(self, *_: object) -> None:
        self.removed += 1


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Container:
    found = Container()
    monkeypatch.setattr(verify, "create_service", found.create)
    monkeypatch.setattr(verify, "require_running", found.require_running)
    monkeypatch.setattr(verify, "run_program", found.run)
    monkeypatch.setattr(verify, "kill_container", found.remove)
    monkeypatch.setattr(verify, "log_tail", lambda *_: "first\nlast")
    monkeypatch.setattr(readiness, "log_tail", lambda *_: "first\nlast")
    return found


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    path = tmp_path / "examples.csv"
    path.write_text("x0,prediction,probability_a\n1,a,0.75\n2,b,0.25\n")
    return path


def verified(
    mount: ModelMount | None = None, examples: Path | None = None, *, single: bool = False
) -> Verified:
    return verify_image(ENGINE, "sha256:1", model=mount, user="1:1", examples=examples, is_single=single)


def test_without_examples_rows_are_made_in_the_container(container: Container) -> None:
    assert verified() == Verified(rows=2, judged=2)
    assert [json.loads(asked) for asked in container.asked] == [{"timeout_s": 300}]
    assert container.removed == 1


def test_the_service_is_temporary_and_has_no_network(container: Container, tmp_path: Path) -> None:
    mount = ModelMount(tmp_path, "model.pkl", "0")

    verified(mount)

    [plan] = container.plans
    assert (plan.model, plan.host_port, plan.is_temporary) == (mount, None, True)
    assert (plan.safety.user, plan.safety.read_only) == ("1:1", True)
    assert plan.environment["VERSION_MISMATCH"] == "error"


def test_examples_are_compared_with_the_answers(container: Container, examples: Path) -> None:
    assert verified(examples=examples) == Verified(rows=2, judged=2, compared=4, examples=examples)
    assert json.loads(container.asked[0])["rows"] == [{"x0": 1}, {"x0": 2}]


def test_an_answer_that_differs_is_an_error_that_names_the_row(container: Container, examples: Path) -> None:
    container.answer = json.dumps({**ANSWER, "predictions": ["a", "c"]}).encode()

    with pytest.raises(VerificationFailed, match=f"^1 of 4 answers differ from {examples}$") as raised:
        verified(examples=examples)

    assert raised.value.detail == "  row 2: prediction is 'c', expected 'b'"
    assert container.removed == 1


@pytest.mark.parametrize(("is_single", "is_same"), [(True, True), (False, False)], ids=["32 bits", "64 bits"])
def test_a_model_of_32_bits_may_differ_more(
    *, container: Container, examples: Path, is_single: bool, is_same: bool
) -> None:
    container.answer = json.dumps({**ANSWER, "probabilities": [{"a": 0.750001}, {"a": 0.25}]}).encode()

    if is_same:
        assert verified(examples=examples, single=is_single).compared == 4
    else:
        with pytest.raises(VerificationFailed):
            verified(examples=examples, single=is_single)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(b'{"error": {"code": "x", "message": "no"}}', "no", id="an error of the service"),
        pytest.param(b'{"error": "refused"}', "refused", id="no service"),
        pytest.param(b"Traceback", "Traceback", id="no JSON"),
        pytest.param(b"", "no answer came", id="nothing"),
    ],
)
def test_a_service_that_does_not_answer_is_an_error_with_its_log(
    container: Container, answer: bytes, message: str
) -> None:
    container.answer = answer

    with pytest.raises(VerificationFailed, match=f"^the built service did not answer: {message}$") as raised:
        verified()

    assert raised.value.detail == "the end of its log:\n  first\n  last"
    assert container.removed == 1


def test_a_service_that_does_not_start_is_removed(container: Container) -> None:
    container.has_ended = True

    with pytest.raises(ContainerFailed, match="ended while starting"):
        verified()

    assert (container.asked, container.removed) == ([], 1)


def test_a_service_that_ends_while_it_is_asked_is_told_by_its_log(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object, stdin: bytes) -> ProgramResult:
        assert stdin
        container.has_ended = True
        return ProgramResult(137, b"", b"")

    monkeypatch.setattr(verify, "run_program", end)

    with pytest.raises(ContainerFailed, match="ended while starting"):
        verified()

    assert container.removed == 1


def test_a_service_that_does_not_become_ready_is_told_by_its_log(container: Container) -> None:
    container.answer = json.dumps({"kind": "not_ready", "error": "not ready after 300 s"}).encode()

    with pytest.raises(ContainerFailed, match=r"^not ready after 300 s$") as raised:
        verified()

    assert raised.value.detail == "the end of its log:\n  first\n  last"
    assert container.removed == 1


def test_many_wrong_answers_are_counted(container: Container, tmp_path: Path) -> None:
    path = tmp_path / "examples.csv"
    path.write_text("x0,prediction\n" + 8 * "1,a\n")
    container.answer = json.dumps({"rows": 8, "predictions": 8 * ["b"], "probabilities": None}).encode()

    with pytest.raises(VerificationFailed) as raised:
        verified(examples=path)

    lines = str(raised.value.detail).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "  … and 3 more"


def test_an_answer_that_is_not_the_models_own_fails(container: Container) -> None:
    details = ["row: {}", "the model itself: 1", "the service: 2"]
    container.answer = json.dumps({"kind": "different", "error": "wrong", "details": details}).encode()

    with pytest.raises(VerificationFailed, match=r"^wrong$") as raised:
        verified()

    assert raised.value.detail == "  row: {}\n  the model itself: 1\n  the service: 2"


def test_where_no_row_can_be_made_the_hint_is_a_complete_command(container: Container) -> None:
    container.answer = json.dumps({"kind": "no_rows", "error": "no row", "details": ["x"]}).encode()

    remember(["build", "--tag", "x", "--model-dir", "my models"])

    with pytest.raises(VerificationFailed, match=r"^no row$") as raised:
        verified()

    assert "`infer build --tag x --model-dir 'my models' --examples FILE`" in str(raised.value.hint)


def test_a_fingerprint_is_that_of_image_model_and_examples(examples: Path) -> None:
    first = fingerprint("image", "model", examples)

    assert fingerprint("image", "model", examples) == first
    assert len({first, fingerprint("image", "model", None), fingerprint("other", "model", examples)}) == 3
    examples.write_text("x0\n1\n")
    assert fingerprint("image", "model", examples) != first
