from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.base_images import base_image, load_base
from infer_cli.engine.events import Line
from infer_cli.engine.images import find_image
from infer_cli.errors import EngineError, ImageNotFound
from infer_cli.image.base import BaseImage
from infer_cli.plan.labels import BASE_NAME, BASE_PYTHON, SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.events import Event
    from tests.engine.fake_engine import FakeEngine


def test_a_root_file_system_becomes_an_image(engine: Engine, repository: str, root_archive: Path) -> None:
    name = f"{repository}:base"

    made = load_base(engine, root_archive, name=name, architecture="amd64", labels={BASE_PYTHON: "3.11"})

    assert find_image(engine, name) == made
    assert made.tags == (name,)
    assert made.labels == {BASE_PYTHON: "3.11"}
    assert made.architecture in ("amd64", "arm64")
    assert not made.is_service


def test_a_load_that_gives_no_image_is_an_error(
    fake: Engine, fake_engine: FakeEngine, root_archive: Path
) -> None:
    fake_engine.script("load", {"stream": "Loaded image"})
    fake_engine.answer("tag", {}, status=201)

    with pytest.raises(EngineError, match=r"took the base image infer-base:3.11 but does not have it$"):
        load_base(fake, root_archive, name="infer-base:3.11", architecture="amd64", labels={})


def test_the_python_of_a_base_image_of_infer_is_in_its_label(
    engine: Engine, repository: str, root_archive: Path
) -> None:
    made = load_base(
        engine, root_archive, name=f"{repository}:base", architecture="amd64", labels={BASE_PYTHON: "3.13"}
    )

    found = base_image(engine, f"{repository}:base", platform=None, on_event=lambda _: None)

    assert found == BaseImage(f"{repository}:base", "3.13", made.architecture, image_id=made.image_id)


def test_the_python_of_an_official_base_image_is_in_its_environment(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    image_id = fake_engine.add_image("python:3.12-slim", {})
    fake_engine.images[image_id]["Config"]["Env"] = ["PATH=/bin", "PYTHON_VERSION=3.12.7"]

    found = base_image(fake, "python:3.12-slim", platform="linux/amd64", on_event=lambda _: None)

    assert found == BaseImage("python:3.12-slim", "3.12", "amd64", image_id=image_id)
    assert not fake_engine.asked("create")


def test_a_local_base_image_for_another_processor_is_named(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image("infer-base:3.11", {BASE_PYTHON: "3.11"})

    with pytest.raises(ImageNotFound) as raised:
        base_image(fake, "infer-base:3.11", platform="linux/arm64", on_event=lambda _: None)

    assert raised.value.message.startswith("infer-base:3.11 on this engine is for amd64, not linux/arm64; ")
    assert raised.value.hint == (
        "without a registry, `infer base --platform linux/arm64` makes one from Debian packages; "
        "then add `--base-image infer-base:3.11-arm64`"
    )


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        pytest.param(
            {SERVICE: "1.2.3", BASE_NAME: "python:3.11-slim"},
            "use the base image that it was built on: --base-image python:3.11-slim",
            id="with the name of its base image",
        ),
        pytest.param({SERVICE: "1.2.3"}, None, id="without a base image"),
    ],
)
def test_an_image_of_a_service_is_refused_as_a_base_image(
    fake: Engine, fake_engine: FakeEngine, labels: dict[str, str], hint: str | None
) -> None:
    fake_engine.add_image("iris:v1", labels)

    with pytest.raises(
        EngineError, match=r"^iris:v1 is an image that infer made to serve a model, "
    ) as raised:
        base_image(fake, "iris:v1", platform=None, on_event=lambda _: None)

    assert raised.value.hint == hint


def test_a_base_image_for_another_processor_is_pulled(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image("infer-base:3.11", {BASE_PYTHON: "3.11"})
    fake_engine.script("create", {"status": "Done"})
    seen: list[Event] = []

    base_image(fake, "infer-base:3.11", platform="linux/arm64", on_event=seen.append)

    assert seen == [Line("Pulling base image infer-base:3.11"), Line("Done")]


@pytest.mark.parametrize(
    ("local", "hint"),
    [
        pytest.param(
            None,
            "without a registry, `infer base` makes one from Debian packages; "
            "then add `--base-image infer-base:3.11`",
            id="none",
        ),
        pytest.param(
            "infer-base:3.11",
            "use the local base image: add `--base-image infer-base:3.11`, "
            "or set INFER_BASE_IMAGE=infer-base:3.11",
            id="one of infer",
        ),
    ],
)
def test_the_hint_for_a_failed_pull_works_without_a_registry(
    fake: Engine, fake_engine: FakeEngine, local: str | None, hint: str
) -> None:
    if local:
        fake_engine.add_image(local, {BASE_PYTHON: "3.11"})

    with pytest.raises(ImageNotFound) as raised:
        base_image(fake, "python:3.11-slim", platform=None, on_event=lambda _: None)

    assert raised.value.hint == hint
