from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.base_images import load_base
from infer_cli.engine.events import Layer
from infer_cli.engine.images import (
    find_image,
    pull_image,
    registry_knows,
    remove_image,
    require_image,
    service_image_tags,
)
from infer_cli.errors import EngineError, ImageNotFound
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import SERVICE

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.events import Event
    from tests.engine.fake_engine import FakeEngine

DIGEST = "sha256:" + 32 * "ab"
# At a registry that does not answer, so that the image cannot be pulled.
NOWHERE = "127.0.0.1:1/iris:v1"


def test_a_missing_image_is_none(engine: Engine, repository: str) -> None:
    assert find_image(engine, f"{repository}:v1") is None


def test_an_image_that_infer_made_is_listed(engine: Engine, repository: str, root_archive: Path) -> None:
    name = f"{repository}:v1"

    made = load_base(engine, root_archive, name=name, architecture="amd64", labels={SERVICE: "1.2.3"})

    assert made.is_service
    assert name in service_image_tags(engine)


def test_a_required_image_is_returned(engine: Engine, repository: str, root_archive: Path) -> None:
    made = load_base(
        engine, root_archive, name=f"{repository}:v1", architecture="amd64", labels={SERVICE: "1.2.3"}
    )

    assert require_image(engine, ImageName.parse(f"{repository}:v1")) == made


def test_the_error_of_a_missing_image_lists_the_existing_ones(
    engine: Engine, repository: str, root_archive: Path
) -> None:
    load_base(engine, root_archive, name=f"{repository}:v1", architecture="amd64", labels={SERVICE: "1.2.3"})

    with pytest.raises(ImageNotFound, match=r"^there is no image zzz:zzz on this engine$") as raised:
        require_image(engine, ImageName.parse("zzz:zzz"))

    assert f"  {repository}:v1" in str(raised.value.detail).splitlines()
    assert raised.value.hint == "use one of the images above, or build it"


@pytest.mark.parametrize(
    ("reference", "existing", "suggestion"),
    [
        pytest.param("iris", ["iris:v1", "wine:v1"], "iris:v1", id="no tag"),
        pytest.param("iris:v3", ["iris:v1", "iris:v2"], "iris:v1 or iris:v2", id="another tag"),
        pytest.param("iris:v1", ["ada/iris:v1", "wine:v1"], "ada/iris:v1", id="no owner"),
        pytest.param(
            "ada/irsi:v1", ["ada/iris:v1", "ada/wine:v1"], "ada/iris:v1", id="two letters exchanged"
        ),
        pytest.param("irsi", ["ada/iris:v1"], "ada/iris:v1", id="two letters exchanged and no owner"),
        pytest.param(
            "model-infrence:v1", ["model-inference:v1"], "model-inference:v1", id="a letter missing"
        ),
        pytest.param("i:9", [f"i:{n}" for n in range(5)], "i:0 or i:1 or i:2, …", id="more than three"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(
    fake: Engine, fake_engine: FakeEngine, reference: str, existing: list[str], suggestion: str
) -> None:
    for name in existing:
        fake_engine.add_image(name, {SERVICE: "1.2.3"})

    with pytest.raises(ImageNotFound) as raised:
        require_image(fake, ImageName.parse(reference))

    assert (raised.value.detail, raised.value.hint) == (None, f"did you mean {suggestion}?")


def test_a_misspelt_name_that_cannot_be_pulled_gets_a_suggestion(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    fake_engine.add_image("ada/iris:v1", {SERVICE: "1.2.3"})

    with pytest.raises(ImageNotFound) as raised:
        pull_image(fake, "ada/irsi:v1", platform=None, on_event=lambda _: None)

    assert raised.value.hint == "did you mean ada/iris:v1?"


def test_a_local_image_that_cannot_be_pulled_gets_no_suggestion(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    for name in ("ada/iris:v1", "ada/iris:v2"):
        fake_engine.add_image(name, {SERVICE: "1.2.3"})

    with pytest.raises(ImageNotFound) as raised:
        pull_image(fake, "ada/iris:v1", platform=None, on_event=lambda _: None)

    assert "did you mean" not in str(raised.value.hint)


def test_a_digest_is_pulled(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.script("create", {"status": "Done"})

    with pytest.raises(ImageNotFound):
        pull_image(fake, f"ada/iris@{DIGEST}", platform=None, on_event=lambda _: None)

    [request] = fake_engine.asked("create")
    assert (request.query["fromImage"], request.query["tag"]) == ("ada/iris", DIGEST)


def test_without_any_image_the_hint_is_to_build_one(fake: Engine) -> None:
    with pytest.raises(ImageNotFound) as raised:
        require_image(fake, ImageName.parse("iris:v2"))

    assert raised.value.detail is None
    assert raised.value.hint == "build it: `infer build --tag iris:v2`"


def test_a_removed_image_is_missing(engine: Engine, repository: str, root_archive: Path) -> None:
    load_base(engine, root_archive, name=f"{repository}:v1", architecture="amd64", labels={})

    remove_image(engine, f"{repository}:v1")

    assert find_image(engine, f"{repository}:v1") is None


def test_removing_a_missing_image_is_an_error(engine: Engine, repository: str) -> None:
    with pytest.raises(EngineError, match=f"^cannot remove the image {repository}:v1: No such image"):
        remove_image(engine, f"{repository}:v1")


def test_an_image_that_cannot_be_pulled_is_an_error(engine: Engine) -> None:
    with pytest.raises(ImageNotFound, match=f"^the image {NOWHERE} cannot be pulled: ."):
        pull_image(engine, NOWHERE, platform=None, on_event=lambda _: None)


def test_an_error_event_during_a_pull_is_an_error(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.script("create", {"status": "Downloading", "id": "abc"}, {"error": "the disk is odd"})

    with pytest.raises(ImageNotFound, match=r"cannot be pulled: the disk is odd$"):
        pull_image(fake, "python:3.11-slim", platform=None, on_event=lambda _: None)


def test_a_pull_shows_its_layers(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image("python:3.11-slim", {})
    fake_engine.script("create", {"status": "Pull complete", "id": "abc"})
    seen: list[Event] = []

    found = pull_image(fake, "python:3.11-slim", platform="linux/arm64", on_event=seen.append)

    assert found.tags == ("python:3.11-slim",)
    assert seen == [Layer("abc", "Pull complete")]
    [request] = fake_engine.asked("create")
    assert request.query["platform"] == "linux/arm64"


def test_a_pull_that_gives_no_image_is_an_error(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.script("create", {"status": "Done"})

    with pytest.raises(ImageNotFound, match=r"pulled python:3.11-slim but does not have it$"):
        pull_image(fake, "python:3.11-slim", platform=None, on_event=lambda _: None)


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        pytest.param(200, {"Descriptor": {}}, True, id="the registry has it"),
        pytest.param(
            404, {"message": "/distribution is not supported"}, False, id="an engine that cannot ask"
        ),
    ],
)
def test_the_registry_is_asked_if_the_engine_can_ask(
    *, fake: Engine, fake_engine: FakeEngine, status: int, answer: dict[str, object], expected: bool
) -> None:
    fake_engine.answer("distribution/iris:v1/json", answer, status=status)

    assert registry_knows(fake, "iris:v1") is expected


def test_an_image_missing_in_the_registry_is_an_error(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.answer("distribution/iris:v1/json", {"message": "manifest unknown"}, status=404)

    with pytest.raises(EngineError, match=r"^cannot find iris:v1 in its registry: manifest unknown$"):
        registry_knows(fake, "iris:v1")


def test_a_registry_that_does_not_answer_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError, match=f"^cannot find {NOWHERE} in its registry: "):
        registry_knows(engine, NOWHERE)
