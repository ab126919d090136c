from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.containers import (
    copy_from_image,
    create_container,
    create_service,
    kill_container,
    remove_service,
    run_in_temporary_container,
)
from infer_cli.engine.services import find_service
from infer_cli.errors import ContainerFailed, EngineError, NameTaken, PortTaken
from infer_cli.plan.run import RunPlan

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine

PLAN = RunPlan(image="iris:v1", name="iris", host_port=5000)


def changes(fake_engine: FakeEngine) -> list[str]:
    """The requests that change the engine, as method and path."""
    return [f"{request.method} {request.path}" for request in fake_engine.requests if request.method != "GET"]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(
            "iris",
            "put the new service in its place with --replace, choose another --name, or remove the existing "
            "container: `infer stop iris`",
            id="a service",
        ),
        pytest.param(
            None,
            "choose another --name, or remove the existing container: `docker rm -f iris`",
            id="a container of another program",
        ),
    ],
)
def test_the_hint_for_a_taken_name_removes_its_container(
    fake: Engine, fake_engine: FakeEngine, other: str | None, expected: str
) -> None:
    if other:
        fake_engine.add_service(other)
    message = 'Conflict. The container name "/iris" is already in use by container "c0"'
    fake_engine.answer("containers/create", {"message": message}, status=409)

    with pytest.raises(NameTaken, match=r"^a container called 'iris' exists already$") as raised:
        create_container(fake, PLAN)

    assert raised.value.hint == expected


def test_an_image_removed_before_the_start_is_an_error(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.answer("containers/create", {"message": "No such image: iris:v1"}, status=404)

    with pytest.raises(EngineError, match=r"^the image iris:v1 is gone$"):
        create_container(fake, PLAN)


@pytest.mark.parametrize(
    ("message", "error", "expected"),
    [
        pytest.param(
            "driver failed: Bind for 127.0.0.1:5000 failed: port is already allocated",
            PortTaken,
            "port 5000 is taken",
            id="a taken port",
        ),
        pytest.param(
            "OCI runtime create failed: no such file",
            ContainerFailed,
            "the container iris cannot start: OCI runtime create failed: no such file",
            id="another reason",
        ),
    ],
)
def test_a_container_that_cannot_start_is_removed(
    fake: Engine, fake_engine: FakeEngine, message: str, error: type[EngineError], expected: str
) -> None:
    fake_engine.answer("containers/create", {"Id": "c1"}, status=201)
    fake_engine.answer("containers/c1/start", {"message": message}, status=500)
    fake_engine.answer("volumes", {"Volumes": None})

    with pytest.raises(error, match=f"^{expected}$"):
        create_service(fake, PLAN)

    assert changes(fake_engine)[2:] == ["POST /containers/c1/stop", "DELETE /containers/c1"]


def test_a_removed_service_is_stopped_first_and_loses_its_volumes(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    container_id = fake_engine.add_service("iris")["Id"]
    fake_engine.answer(f"containers/{container_id}/stop", "", status=204)
    fake_engine.answer(f"containers/{container_id}", "", status=204)
    fake_engine.answer("volumes", {"Volumes": [{"Name": "infer-model-iris-0"}]})
    fake_engine.answer("volumes/infer-model-iris-0", "", status=204)

    remove_service(fake, find_service(fake, "iris"))

    assert changes(fake_engine) == [
        f"POST /containers/{container_id}/stop",
        f"DELETE /containers/{container_id}",
        "DELETE /volumes/infer-model-iris-0",
    ]


def test_a_killed_container_is_not_stopped_first_and_may_be_missing(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    fake_engine.answer("volumes", {"Volumes": [{"Name": "infer-model-iris-0"}]})
    fake_engine.answer("volumes/infer-model-iris-0", "", status=204)

    kill_container(fake, "iris")

    assert changes(fake_engine) == ["DELETE /containers/iris", "DELETE /volumes/infer-model-iris-0"]


def test_a_program_that_the_image_lacks_gives_the_exit_code_of_a_shell(
    fake: Engine, fake_engine: FakeEngine
) -> None:
    message = 'exec: "python3": executable file not found in $PATH'
    fake_engine.answer("containers/create", {"Id": "c1"}, status=201)
    fake_engine.answer("containers/c1/start", {"message": message}, status=400)
    fake_engine.answer("containers/c1", "", status=204)

    assert run_in_temporary_container(fake, "base", ["python3"]) == (127, message)
    assert changes(fake_engine)[-1] == "DELETE /containers/c1"


def test_a_missing_file_in_an_image_is_an_error(
    fake: Engine, fake_engine: FakeEngine, tmp_path: Path
) -> None:
    fake_engine.answer("containers/create", {"Id": "c1"}, status=201)
    fake_engine.answer("containers/c1/archive", {"message": "Could not find the file"}, status=404)
    fake_engine.answer("containers/c1", "", status=204)

    with pytest.raises(
        EngineError, match=r"^cannot copy /model\.pkl out of iris:v1: Could not find the file$"
    ):
        copy_from_image(fake, "iris:v1", PurePosixPath("/model.pkl"), tmp_path / "model.pkl")

    assert not (tmp_path / "model.pkl").exists()
    assert changes(fake_engine)[-1] == "DELETE /containers/c1"
