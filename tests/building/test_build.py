from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.building import build
from infer_cli.building.build import (
    MadeImage,
    ProofRequest,
    ProofSkipped,
    audit_plan,
    eject_plan,
    make_image,
    require_empty_folder,
    write_sbom,
)
from infer_cli.building.verify import Verified
from infer_cli.engine.builder import BuiltImage
from infer_cli.engine.registry import Pushed
from infer_cli.errors import InferError, VerificationFailed, Vulnerable
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.packages.audit import begin_audit
from infer_cli.packages.lock import Lock
from infer_cli.packages.vulnerabilities import Tolerance
from infer_cli.plan.build import BuildPlan
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.run import ModelMount
from infer_cli.terminal.progress import PlainProgress
from tests.osv_server import MIDDLING, Osv, advisory, osv_server
from tests.running.conftest import HERE, make_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from infer_cli.packages.vulnerabilities import Severity

ENGINE = make_engine(HERE)
BUILT = BuiltImage("sha256:1", 1000, is_named=False)
PLAN = BuildPlan(
    name=ImageName.parse("iris:v1"),
    base=BaseImage("python:3.11-slim", "3.11", "amd64"),
    lock=Lock(""),
    dockerfile="FROM scratch\n",
    context=Context((ContextFile(PurePosixPath("Dockerfile"), "FROM scratch\n"),)),
    labels={},
    sbom="{}",
)
LOCKED = replace(PLAN, lock=Lock("werkzeug==2.2.2 --hash=sha256:00\n"))
VULNERABLE = "werkzeug 2.2.2  GHSA-1, medium, fixed in 2.2.3"
LONG_S = 60.0


@dataclass
class Images:
    """Stands for the engine's images: what was done to the one that is built, in order."""

    done: list[str] = field(default_factory=list)
    verified: list[dict[str, object]] = field(default_factory=list)
    failure: Exception | None = None
    while_building: Callable[[], object] = list

    def build(self, _: Engine, plan: BuildPlan, **__: object) -> BuiltImage:
        self.while_building()
        self.done.append(f"built {plan.name}")
        return BUILT

    def verify(self, _: Engine, image: str, **options: object) -> Verified:
        assert image == BUILT.image_id
        self.done.append("verified")
        self.verified.append(options)
        if self.failure is not None:
            raise self.failure
        return Verified(rows=5, compared=0)

    def name(self, _: Engine, __: BuiltImage, name: ImageName) -> None:
        self.done.append(f"named {name}")

    def discard(self, *_: object) -> None:
        self.done.append("discarded")

    def push(self, _: Engine, name: ImageName, **__: object) -> Pushed:
        self.done.append(f"pushed {name}")
        return Pushed(str(name), "sha256:2")


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Images:
    found = Images()
    monkeypatch.setenv("INFER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "build_image", found.build)
    monkeypatch.setattr(build, "verify_image", found.verify)
    monkeypatch.setattr(build, "name_image", found.name)
    monkeypatch.setattr(build, "discard_image", found.discard)
    monkeypatch.setattr(build, "push_image", found.push)
    return found


@pytest.fixture
def mount(iris_folder: Path) -> ModelMount:
    return ModelMount(iris_folder, "model.pkl", "0")


def make(
    proof: ProofRequest,
    *,
    can_run: bool = True,
    push: bool = False,
    plan: BuildPlan = PLAN,
    fail_on: Severity | None = None,
) -> MadeImage:
    plan = replace(plan, can_run=can_run, tolerance=Tolerance(fail_on))
    return make_image(ENGINE, plan, proof, PlainProgress(verbose=False), push=push)


def test_an_image_is_named_and_pushed_only_after_its_proof(images: Images, mount: ModelMount) -> None:
    made = make(ProofRequest(mount), push=True)

    assert images.done == ["built iris:v1", "verified", "named iris:v1", "pushed iris:v1"]
    assert (made.proof, made.size_bytes) == (Verified(5, 0), 1000)
    assert made.pushed == Pushed("iris:v1", "sha256:2")


def test_an_image_that_does_not_answer_is_discarded(images: Images, mount: ModelMount) -> None:
    images.failure = VerificationFailed("it did not answer")

    with pytest.raises(VerificationFailed):
        make(ProofRequest(mount), push=True)

    assert images.done == ["built iris:v1", "verified", "discarded"]


def test_the_same_proof_is_not_made_again(images: Images, mount: ModelMount) -> None:
    make(ProofRequest(mount))

    again = make(ProofRequest(mount))
    of_another_model = make(ProofRequest(replace(mount, digest="1")))

    assert again.proof is ProofSkipped.UNCHANGED
    assert of_another_model.proof == Verified(5, 0)
    assert images.done.count("verified") == 2


@pytest.mark.parametrize(
    ("has_model", "can_run", "expected"),
    [
        pytest.param(False, False, ProofSkipped.NO_MODEL, id="no model"),
        pytest.param(True, False, ProofSkipped.OTHER_PROCESSOR, id="another processor"),
        pytest.param(True, True, ProofSkipped.NOT_WANTED, id="not wanted"),
    ],
)
def test_an_image_that_is_not_proved_says_why(
    *, images: Images, mount: ModelMount, has_model: bool, can_run: bool, expected: ProofSkipped
) -> None:
    made = make(ProofRequest(mount if has_model else None, is_wanted=False), can_run=can_run)

    assert made.proof is expected
    assert images.done == ["built iris:v1", "named iris:v1"]


@pytest.mark.parametrize("is_baked", [False, True])
def test_a_model_inside_the_image_is_not_mounted_for_the_proof(
    *, images: Images, mount: ModelMount, is_baked: bool
) -> None:
    make(ProofRequest(mount, is_baked=is_baked))

    assert images.verified[0]["model"] == (None if is_baked else mount)


def test_a_folder_that_is_missing_or_empty_can_be_written(tmp_path: Path) -> None:
    require_empty_folder(tmp_path)
    require_empty_folder(tmp_path / "new")


@pytest.mark.parametrize("exists", [False, True])
def test_a_plan_becomes_a_folder(*, tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "new"
    if exists:
        folder.mkdir()

    eject_plan(PLAN, folder)

    assert (folder / "Dockerfile").read_text() == "FROM scratch\n"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InferError, match=r"^cannot write .*file/new: Not a directory$"):
        eject_plan(PLAN, tmp_path / "file" / "new")


def test_a_bill_of_materials_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    write_sbom(PLAN, tmp_path / "sbom.json")

    assert (tmp_path / "sbom.json").read_text() == "{}"
    with pytest.raises(InferError, match=f"^cannot write {tmp_path}: Is a directory$"):
        write_sbom(PLAN, tmp_path)


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch) -> Iterator[Osv]:
    with osv_server() as server:
        record = advisory("GHSA-1", "werkzeug", {"fixed": "2.2.3"}, vector=MIDDLING)
        server.advisories["werkzeug", "2.2.2"] = [record]
        monkeypatch.setenv("INFER_OSV_URL", server.url)
        yield server


def test_an_image_with_a_severe_vulnerability_gets_no_name(osv: Osv, images: Images) -> None:
    """The service answers only when the image is being built."""
    osv.may_answer.clear()
    images.while_building = osv.may_answer.set

    with pytest.raises(Vulnerable) as refused:
        make(ProofRequest(), plan=LOCKED, fail_on="medium", push=True)

    assert images.done == ["built iris:v1", "discarded"]
    assert VULNERABLE in str(refused.value.detail)


def test_an_image_that_is_known_to_be_vulnerable_is_not_built(osv: Osv, images: Images) -> None:
    assert begin_audit(LOCKED.lock.pins).result(LONG_S).found
    asked = list(osv.asked)

    with pytest.raises(Vulnerable):
        make(ProofRequest(), plan=LOCKED, fail_on="low")

    assert (images.done, osv.asked) == ([], asked)


@pytest.mark.parametrize("fail_on", [None, "high"])
def test_an_image_without_a_severe_vulnerability_is_kept(
    osv: Osv, images: Images, fail_on: Severity | None
) -> None:
    begun = begin_audit(LOCKED.lock.pins)
    assert begun.result(LONG_S).found

    made = make(ProofRequest(), plan=LOCKED, fail_on=fail_on)

    assert osv.asked
    assert images.done == ["built iris:v1", "named iris:v1"]
    assert made.audit == begun.result()


def test_an_image_does_not_wait_for_the_audit(
    osv: Osv, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service never answers."""
    osv.may_answer.clear()

    made = make(ProofRequest(), plan=LOCKED)

    assert images.done == ["built iris:v1", "named iris:v1"]
    assert made.audit is not None
    assert made.audit.found is None
    line = f"Known vulnerabilities of the packages were not looked up: {osv.url} has not answered yet"
    assert line in capsys.readouterr().err.splitlines()


def test_a_plan_is_audited_without_a_build(osv: Osv, images: Images) -> None:
    assert begin_audit(LOCKED.lock.pins).result(LONG_S).found
    progress = PlainProgress(verbose=False)

    assert [one.id for one in audit_plan(LOCKED, progress).found or ()] == ["GHSA-1"]
    with pytest.raises(Vulnerable, match="iris:v1 was not made: 1 known vulnerability of werkzeug"):
        audit_plan(replace(LOCKED, tolerance=Tolerance("medium")), progress)
    assert osv.asked.count("/v1/querybatch") == 1
    assert images.done == []


def test_what_is_accepted_in_vain_is_told(
    osv: Osv, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    tolerant = replace(LOCKED, tolerance=Tolerance("low", ("ghsa-1", "CVE-2020-1")))
    assert begin_audit(LOCKED.lock.pins).result(LONG_S).found

    assert audit_plan(tolerant, PlainProgress(verbose=False)).found

    assert osv.asked
    assert images.done == []
    assert capsys.readouterr().err == "--accept CVE-2020-1 is not needed: no package has this vulnerability\n"


def test_a_plan_says_that_nothing_is_known(
    osv: Osv, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    osv.status = 503

    assert audit_plan(LOCKED, PlainProgress(verbose=False)).found is None
    assert images.done == []
    assert "Known vulnerabilities of the packages were not looked up: " in capsys.readouterr().err
