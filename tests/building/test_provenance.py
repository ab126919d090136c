from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest

from infer_cli import __version__
from infer_cli.building.build import MadeImage, ProofSkipped
from infer_cli.building.provenance import BuildRun, make_provenance, write_provenance
from infer_cli.building.request import BuildRequest
from infer_cli.engine.registry import Pushed
from infer_cli.errors import InferError
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.inspection import inspect_model
from infer_cli.packages.lock import Lock
from infer_cli.plan.build import BuildPlan
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.own_code import OwnCode

if TYPE_CHECKING:
    from infer_cli.inspection import Inspection

NAME = ImageName.parse("registry.example:5001/team/iris:v1")
LOCK = Lock("numpy==2.4.6 --hash=sha256:00\nPyYAML==6.0.3 --hash=sha256:01\n")
RUN = BuildRun("28.0.1", datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC), "one of its kind")
DONE = datetime(2026, 11, 28, 0, 0, 30, tzinfo=UTC)
IMAGE = MadeImage(NAME, f"sha256:{'1' * 64}", 1000, "amd64", ProofSkipped.NOT_WANTED)


@pytest.fixture
def model(iris_folder: Path) -> Inspection:
    return inspect_model(iris_folder / "model.pkl")


def plan(*files: ContextFile, base: str = "python:3.11-slim") -> BuildPlan:
    return BuildPlan(
        name=NAME,
        base=BaseImage(base, "3.11", "amd64", image_id=f"sha256:{'2' * 64}"),
        lock=LOCK,
        dockerfile="FROM python:3.11-slim\n",
        context=Context((ContextFile(PurePosixPath("service/opt/infer/service/__main__.py"), "1"), *files)),
        labels={},
        sbom="{}",
    )


def provenance(request: BuildRequest, planned: BuildPlan, image: MadeImage = IMAGE) -> Any:
    return make_provenance(image, request, planned, RUN, finished_at=DONE)


def dependencies(request: BuildRequest, planned: BuildPlan) -> Any:
    return provenance(request, planned)["predicate"]["buildDefinition"]["resolvedDependencies"]


def sha256(text: str) -> dict[str, str]:
    return {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def test_the_statement_has_the_form_of_slsa(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INFER_BUILDER_ID", raising=False)

    assert provenance(BuildRequest(NAME), plan()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": str(NAME), "digest": {"sha256": "1" * 64}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:infer:build:v1",
                "externalParameters": {"tag": str(NAME)},
                "internalParameters": {"imagePlatform": "linux/amd64", "imagePython": "3.11"},
                "resolvedDependencies": [
                    {
                        "name": "python:3.11-slim",
                        "uri": "pkg:docker/python@3.11-slim",
                        "digest": {"sha256": "2" * 64},
                    },
                    {"name": "requirements.lock", "digest": sha256(LOCK.text), "mediaType": "text/plain"},
                    {"name": "PyYAML", "uri": "pkg:pypi/pyyaml@6.0.3"},
                    {"name": "numpy", "uri": "pkg:pypi/numpy@2.4.6"},
                ],
            },
            "runDetails": {
                "builder": {
                    "id": "urn:infer:builder:unnamed",
                    "version": {"infer": __version__, "engine": "28.0.1"},
                },
                "metadata": {
                    "invocationId": "one of its kind",
                    "startedOn": "2026-11-27T23:59:59Z",
                    "finishedOn": "2026-11-28T00:00:30Z",
                },
                "byproducts": [
                    {
                        "name": "Dockerfile",
                        "digest": sha256("FROM python:3.11-slim\n"),
                        "mediaType": "text/plain",
                    },
                    {
                        "name": "sbom.cdx.json",
                        "digest": sha256("{}"),
                        "mediaType": "application/vnd.cyclonedx+json",
                    },
                ],
            },
        },
    }


def test_a_pushed_image_is_named_as_its_registry_knows_it() -> None:
    image = replace(IMAGE, pushed=Pushed(str(NAME), f"sha256:{'3' * 64}"))

    assert provenance(BuildRequest(NAME), plan(), image)["subject"] == [
        {"name": "registry.example:5001/team/iris", "digest": {"sha256": "3" * 64}},
        {"name": str(NAME), "digest": {"sha256": "1" * 64}},
    ]


@pytest.mark.parametrize("bake", [False, True])
def test_the_model_is_named_with_its_digest(model: Inspection, *, bake: bool) -> None:
    """It is named once, also if it lies in the context."""
    baked = [ContextFile(PurePosixPath("model/opt/infer/model/model.pkl"), model.path)] if bake else []

    found = dependencies(BuildRequest(NAME, model=model, bake=bake), plan(*baked))

    assert [one for one in found if one["name"].endswith("model.pkl")] == [
        {
            "name": "model.pkl",
            "digest": {"sha256": hashlib.sha256(model.path.read_bytes()).hexdigest()},
            "annotations": {"place": "inside the image" if bake else "mounted when the service runs"},
        }
    ]


def test_files_of_the_user_are_named_with_their_digests(tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("x = 1")

    found = dependencies(
        BuildRequest(NAME),
        plan(
            ContextFile(PurePosixPath("code/opt/infer/code/mine.py"), own),
            ContextFile(PurePosixPath("model/opt/infer/schema.json"), "{}"),
        ),
    )

    assert found[1:3] == [
        {"name": "/opt/infer/code/mine.py", "digest": sha256("x = 1")},
        {"name": "/opt/infer/schema.json", "digest": sha256("{}")},
    ]


def test_what_was_asked_for_is_told_without_the_folders_of_this_machine(model: Inspection) -> None:
    request = BuildRequest(
        NAME,
        model=model,
        bake=True,
        base_image="python:3.12-slim",
        python="3.12",
        platform="linux/arm64",
        added_requirements=("pandas>=2",),
        tracing=True,
        code=OwnCode(modules=frozenset({"mine", "also"})),
        trusted=("mine",),
        lock_file=Path("/home/ada/requirements.lock"),
    )

    assert provenance(request, plan())["predicate"]["buildDefinition"]["externalParameters"] == {
        "tag": str(NAME),
        "model": "model.pkl",
        "bake": True,
        "baseImage": "python:3.12-slim",
        "python": "3.12",
        "platform": "linux/arm64",
        "require": ["pandas>=2"],
        "tracing": True,
        "code": ["also", "mine"],
        "trust": ["mine"],
        "lock": "requirements.lock",
    }


@pytest.mark.parametrize(
    ("base", "url"),
    [
        pytest.param(
            "registry.example/mirror/python:3.11",
            "pkg:docker/mirror/python@3.11?repository_url=registry.example",
            id="registry",
        ),
        pytest.param(f"python@sha256:{'a' * 64}", f"pkg:docker/python@sha256:{'a' * 64}", id="digest"),
    ],
)
def test_the_base_image_has_a_package_url(base: str, url: str) -> None:
    assert dependencies(BuildRequest(NAME), plan(base=base))[0]["uri"] == url


def test_the_builder_has_the_name_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFER_BUILDER_ID", "https://ci.example/runners/7")

    found = provenance(BuildRequest(NAME), plan())

    assert found["predicate"]["runDetails"]["builder"]["id"] == "https://ci.example/runners/7"


def test_the_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "provenance.json"
    path.write_text("the old one")

    write_provenance(path, IMAGE, BuildRequest(NAME), plan(), RUN)
    assert json.loads(path.read_text())["subject"][0]["digest"] == {"sha256": "1" * 64}
    assert list(tmp_path.iterdir()) == [path]

    with pytest.raises(InferError, match="cannot write") as failed:
        write_provenance(tmp_path / "none" / "p.json", IMAGE, BuildRequest(NAME), plan(), RUN)
    assert failed.value.hint == f"the image {NAME} is built all the same"
