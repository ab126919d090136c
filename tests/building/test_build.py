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
    eject_plan,
    make_image,
    require_empty_folder,
    write_sbom,
)
from infer_cli.building.verify import Verified
from infer_cli.engine.builder import BuiltImage
from infer_cli.engine.registry import Pushed
from infer_cli.errors import InferError, VerificationFailed
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.packages.lock import Lock
from infer_cli.plan.build import BuildPlan
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.run import ModelMount
from infer_cli.terminal.progress import PlainProgress
from tests.running.conftest import HERE, make_engine

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine

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


@dataclass
class Images:
    """Stands for the engine's images: what was done to the one that is built, in order."""

    done: list[str] = field(default_factory=list)
    verified: list[dict[str, object]] = field(default_factory=list)
    failure: Exception | None = None

    def build(self, _: Engine, plan: BuildPlan, **__: object) -> BuiltImage:
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


def make(proof: ProofRequest, *, can_run: bool = True, push: bool = False) -> MadeImage:
    plan = replace(PLAN, can_run=can_run)
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
