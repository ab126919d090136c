from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import find_assets
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.inspection import declared_by_options, inspect_model, schema_text
from infer_cli.packages.lock import Lock
from infer_cli.plan.build import BuildPlan, plan_build

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection

GOLDEN = Path(__file__).parents[1] / "golden"
VERSION = "1.2.3"
LOCK = Lock("numpy==2.3.4 --hash=sha256:00\nscikit-learn==1.7.2 --hash=sha256:11\n")
BASE = BaseImage("python:3.11-slim", "3.11", "amd64", image_id=f"sha256:{64 * 'f'}")
OTHER_BASE = BaseImage("localhost:5000/our/base:3.13", "3.13", "arm64", glibc=(2, 41))
DIGEST = 32 * "ab"
ODD_NAME = 'the "best" $1.pkl'


@pytest.fixture(autouse=True)
def _version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed version, so that a release changes no golden file."""
    monkeypatch.setattr("infer_cli.plan.build.__version__", VERSION)


@pytest.fixture
def model(iris_folder: Path) -> Inspection:
    return replace(inspect_model(iris_folder / "model.pkl"), sha256=DIGEST)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    archive = tmp_path / "some-key.tar"
    archive.write_bytes(b"packages")
    return archive


@pytest.fixture
def make_plan(packages: Path) -> Callable[..., BuildPlan]:
    def make(
        name: str = "iris:v1",
        *,
        base: BaseImage = BASE,
        model: Inspection | None = None,
        baked: bool = False,
    ) -> BuildPlan:
        return plan_build(
            ImageName.parse(name),
            base=base,
            lock=LOCK,
            packages=packages,
            assets=find_assets(),
            model=model,
            baked=baked,
        )

    return make


def test_the_dockerfile_without_a_model(make_plan: Callable[..., BuildPlan]) -> None:
    assert make_plan().dockerfile == (GOLDEN / "no-model.Dockerfile").read_text()


def test_the_dockerfile_for_a_model_that_is_mounted(
    make_plan: Callable[..., BuildPlan], model: Inspection
) -> None:
    assert make_plan(model=model).dockerfile == (GOLDEN / "mounted.Dockerfile").read_text()


def test_the_dockerfile_with_a_model_inside(make_plan: Callable[..., BuildPlan], model: Inspection) -> None:
    odd = replace(model, path=model.path.with_name(ODD_NAME))

    plan = make_plan("ghcr.io/ada/iris-baked", base=OTHER_BASE, model=odd, baked=True)

    assert plan.dockerfile == (GOLDEN / "baked.Dockerfile").read_text()


def test_no_placeholder_is_left_in_the_dockerfile(make_plan: Callable[..., BuildPlan]) -> None:
    dockerfile = make_plan().dockerfile

    assert "{{" not in dockerfile
    assert "}}" not in dockerfile


def test_the_dockerfile_holds_neither_the_id_of_the_base_image_nor_a_time(
    make_plan: Callable[..., BuildPlan],
) -> None:
    dockerfile = make_plan().dockerfile

    assert str(BASE.image_id) not in dockerfile
    assert not re.search(r"\d{4}-\d{2}-\d{2}|\d{2}:\d{2}:\d{2}", dockerfile)


def test_the_same_input_gives_the_same_plan(make_plan: Callable[..., BuildPlan], model: Inspection) -> None:
    assert make_plan(model=model, baked=True) == make_plan(model=model, baked=True)


def test_the_context_holds_every_file_that_the_dockerfile_copies(
    make_plan: Callable[..., BuildPlan], packages: Path
) -> None:
    context = make_plan().context

    sources = {str(file.path): file.source for file in context.files}
    assets = find_assets()
    assert sources["Dockerfile"] == make_plan().dockerfile
    assert sources["requirements.lock"] == LOCK.text
    assert sources["packages.tar"] == packages
    assert sources["finish/opt/infer/finish_image.py"] == assets.finish
    assert sources["service/opt/infer/service/web/app.py"] == assets.service / "web" / "app.py"
    assert "exec python3 -m service serve" in str(sources["service/usr/local/bin/serve"])
    assert len(sources) == 6 + len(assets.service_files("x86_64"))


def test_a_mounted_model_is_not_in_the_context(
    make_plan: Callable[..., BuildPlan], model: Inspection
) -> None:
    context = make_plan(model=model).context

    assert not [file for file in context.files if file.path.is_relative_to("model")]
    assert PurePosixPath("model/opt/infer/model") in context.folders


def test_a_baked_model_has_the_path_of_the_setting_model_file(
    make_plan: Callable[..., BuildPlan], model: Inspection
) -> None:
    plan = make_plan(model=model, baked=True)

    [baked] = [file for file in plan.context.files if file.path.is_relative_to("model")]
    assert baked.source == model.path
    assert f'ENV MODEL_FILE="/{baked.path.relative_to("model")}"' in plan.dockerfile


def test_the_labels_describe_the_image(make_plan: Callable[..., BuildPlan], model: Inspection) -> None:
    assert make_plan("localhost:5000/ada/iris:v1", model=model).labels == {
        "infer.lock.digest": LOCK.digest,
        "infer.model.digest": f"sha256:{DIGEST}",
        "infer.model.file": "model.pkl",
        "infer.requirements": "numpy==2.3.4 scikit-learn==1.7.2",
        "infer.service": VERSION,
        "org.opencontainers.image.base.name": "python:3.11-slim",
        "org.opencontainers.image.description": "A prediction service made by infer",
        "org.opencontainers.image.title": "iris",
        "org.opencontainers.image.version": "v1",
    }


def test_what_is_declared_of_a_model_lies_in_the_image(
    make_plan: Callable[..., BuildPlan], model: Inspection
) -> None:
    declared = declared_by_options(optional="pwidth", member="model")

    plan = make_plan(model=replace(model, declared=declared))

    [schema] = [file for file in plan.context.files if file.path.is_relative_to("model")]
    assert schema.path == PurePosixPath("model/opt/infer/schema.json")
    assert schema.source == schema_text(declared)
    assert plan.labels["infer.schema.digest"] == f"sha256:{hashlib.sha256(schema.open().read()).hexdigest()}"
    assert plan.labels["infer.schema.member"] == "model"
    assert plan.dockerfile == (GOLDEN / "declared.Dockerfile").read_text()
    # A service may get a newer model while its image stays.
    assert plan == make_plan(model=replace(model, declared=replace(declared, digest="sha256:00")))
