from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.services import container_names, find_service, inspect_service, list_services
from infer_cli.errors import ServiceNotFound

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine


def test_services_are_listed_by_name(fake: Engine, fake_engine: FakeEngine) -> None:
    for name in ("wine", "iris"):
        fake_engine.add_service(name)

    assert [service.name for service in list_services(fake)] == ["iris", "wine"]
    assert container_names(fake) == {"iris", "wine"}


def test_a_temporary_container_is_no_service(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_service("iris")
    temporary = fake_engine.add_service("infer-verify-1")
    temporary["Config"]["Labels"]["infer.temporary"] = ""

    assert find_service(fake, None).name == "iris"
    assert container_names(fake) == {"infer-verify-1", "iris"}


def test_a_service_removed_during_the_listing_is_left_out(fake: Engine, fake_engine: FakeEngine) -> None:
    gone = fake_engine.add_service("gone")
    fake_engine.add_service("iris")
    fake_engine.answer(f"containers/{gone['Id']}/json", {"message": "No such container"}, status=404)

    assert [service.name for service in list_services(fake)] == ["iris"]


def test_the_only_running_service_needs_no_name(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_service("iris")
    fake_engine.add_service("old", state="exited")

    assert find_service(fake, None).name == "iris"


@pytest.mark.parametrize("name", ["iris", "old"])
def test_a_service_is_found_by_name_running_or_not(fake: Engine, fake_engine: FakeEngine, name: str) -> None:
    fake_engine.add_service("iris")
    fake_engine.add_service("old", state="exited")

    assert find_service(fake, name).name == name


def test_a_service_is_found_by_its_id(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_service("iris")
    container = fake_engine.add_service("wine")

    assert find_service(fake, container["Id"][:12]).name == "wine"


@pytest.mark.parametrize(
    ("states", "name", "message", "detail"),
    [
        pytest.param({}, None, "no service is running", None, id="none"),
        pytest.param(
            {"old": "exited"}, None, "no service is running", "services:\n  old (exited)", id="none runs"
        ),
        pytest.param(
            {"wine": "running", "iris": "running", "old": "exited"},
            None,
            "several services are running",
            "services:\n  iris (running)\n  wine (running)",
            id="several run",
        ),
        pytest.param(
            {"iris": "running"},
            "irish",
            "there is no service called 'irish'",
            "services:\n  iris (running)",
            id="another name",
        ),
    ],
)
def test_an_unknown_or_ambiguous_service_lists_the_existing_ones(
    fake: Engine,
    fake_engine: FakeEngine,
    states: dict[str, str],
    name: str | None,
    message: str,
    detail: str | None,
) -> None:
    for service, state in states.items():
        fake_engine.add_service(service, state=state)

    with pytest.raises(ServiceNotFound) as raised:
        find_service(fake, name)

    assert (raised.value.message, raised.value.detail) == (message, detail)
    assert raised.value.hint


def test_a_removed_container_is_an_error(fake: Engine) -> None:
    with pytest.raises(ServiceNotFound, match=r"something else removed it$"):
        inspect_service(fake, "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2026-01-31T12:00:00.123456789Z", datetime(2026, 1, 31, 12, 0, 0, 123456, UTC), id="nanoseconds"
        ),
        pytest.param("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC), id="whole seconds"),
        pytest.param(
            "2026-01-31T13:00:00.5+01:00", datetime(2026, 1, 31, 12, 0, 0, 500000, UTC), id="a zone"
        ),
        pytest.param("0001-01-01T00:00:00Z", None, id="never"),
        pytest.param("", None, id="no time"),
    ],
)
def test_the_start_time_is_parsed(
    fake: Engine, fake_engine: FakeEngine, text: str, expected: datetime | None
) -> None:
    container = fake_engine.add_service("iris")
    container["State"]["StartedAt"] = text

    assert find_service(fake, "iris").started_at == expected


@pytest.mark.parametrize(
    ("bindings", "expected"),
    [
        pytest.param(
            {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5001"}]}, ("127.0.0.1", 5001), id="published"
        ),
        pytest.param({"5000/tcp": [{"HostIp": "", "HostPort": "5001"}]}, (None, 5001), id="on any address"),
        pytest.param({"5000/tcp": None}, (None, None), id="not published"),
        pytest.param({"80/tcp": [{"HostIp": "", "HostPort": "80"}]}, (None, None), id="another port"),
        pytest.param(None, (None, None), id="no bindings"),
    ],
)
def test_the_published_port_is_found(
    fake: Engine, fake_engine: FakeEngine, bindings: object, expected: tuple[str | None, int | None]
) -> None:
    fake_engine.add_service("iris", HostConfig={"PortBindings": bindings})

    service = find_service(fake, "iris")

    assert (service.host_ip, service.host_port) == expected


PATH_DIGEST = "sha256:71280a20e294ae7014baf076f00b4a99c5e655f3139a0d768825841031968c0b"


@pytest.mark.parametrize(
    ("binds", "found", "expected"),
    [
        pytest.param(["/home/ada/data:/data:ro"], {}, ("/home/ada/data", PATH_DIGEST), id="Docker"),
        pytest.param(
            ["/home/ada/data:/data:ro,rprivate,rbind"], {}, ("/home/ada/data", PATH_DIGEST), id="Podman"
        ),
        pytest.param(
            ["infer-model-iris-0:/data:ro"],
            {"infer.model.origin": "sha256:1"},
            (None, "sha256:1"),
            id="a copy",
        ),
        pytest.param(["/home/ada:/home:ro"], {}, (None, None), id="another folder of the user"),
        pytest.param(None, {}, (None, None), id="inside the image"),
    ],
)
def test_the_folder_of_the_model_is_the_one_that_is_mounted(
    fake: Engine,
    fake_engine: FakeEngine,
    binds: object,
    found: dict[str, str],
    expected: tuple[str | None, str | None],
) -> None:
    container = fake_engine.add_service("iris", HostConfig={"Binds": binds})
    container["Config"]["Labels"] |= {"infer.model.file": "sub/model.pkl", **found}

    service = find_service(fake, "iris")

    assert (service.model_folder, service.model_origin) == expected
