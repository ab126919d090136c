"""The running service, with a model that tries what a service must not do."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Callable, NamedTuple

import pytest

from service.confinement import kernel, landlock
from service.confinement.confine import Confinement
from tests.service.confinement import probes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.service.conftest import Service

    Try = Callable[..., Mapping[str, tuple[str, str]]]

REFUSED = ("PermissionError: ", "OSError: Function not implemented")
needs_filters = pytest.mark.skipif(
    not kernel.machine(), reason="the numbers of the system calls are not known"
)
needs_landlock = pytest.mark.skipif(kernel.landlock_version() == 0, reason="this kernel has no Landlock")


class Outside(NamedTuple):
    """What the model tries to reach: a folder like a home, and a port that answers."""

    home: Path
    port: int


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    home = tmp_path_factory.mktemp("home")
    (home / "secret").write_text("a secret")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(home / "socket"))
        local.listen()
        yield Outside(home, server.getsockname()[1])


@pytest.fixture
def attempt(
    save: Callable[..., Path],
    make_instance: Callable[[str, str], object],
    start_service: Callable[..., Service],
    outside: Outside,
    monkeypatch: pytest.MonkeyPatch,
) -> Try:
    """Give what came of each attempt: while the model was loaded, and in a prediction."""
    probed = {
        "PROBE_HOME": str(outside.home),
        "PROBE_PORT": str(outside.port),
        "PROBE_PARENT": str(os.getpid()),
    }
    for name, value in probed.items():
        monkeypatch.setenv(name, value)

    def run(names: tuple[str, ...], **settings: str) -> Mapping[str, tuple[str, str]]:
        file = save(make_instance("Prober", probes.module(names)))
        service = start_service(file, WORKERS="1", **probed, **settings)
        found = {}
        for number, name in enumerate(names):
            status, answer = service.request("POST", "/prediction", {"rows": [{"x0": number}]})
            assert status == 200, answer
            at_load, _, later = answer["predictions"][0].partition(" | ")
            found[name] = (at_load, later)
        return found

    return run


def allowed_in(found: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {
        name: outcomes
        for name, outcomes in found.items()
        if not all(outcome.startswith(REFUSED) for outcome in outcomes)
    }


@needs_filters
def test_a_service_starts_no_program_and_makes_no_connection(attempt: Try, outside: Outside) -> None:
    names = (*probes.ALWAYS, *probes.PROGRAMS, *(name for name in probes.CONNECTIONS if name != "name"))

    assert allowed_in(attempt(names)) == {}
    assert not (outside.home / "system").exists()


@needs_filters
@needs_landlock
def test_a_service_with_its_own_files_reads_no_other_and_writes_none(attempt: Try, outside: Outside) -> None:
    before = outside.home.stat(), (outside.home / "secret").stat()
    has_scopes = kernel.landlock_version() >= landlock.SCOPES_VERSION
    names = tuple(name for name in probes.FILES if has_scopes or name != "stop_parent")

    assert allowed_in(attempt((*names, *probes.ALWAYS, *probes.PROGRAMS), FILES="own")) == {}
    assert (outside.home.stat(), (outside.home / "secret").stat()) == before
    assert (outside.home / "secret").read_text() == "a secret"


@pytest.mark.parametrize("files", ["own", "any"])
def test_a_confined_service_does_what_services_do(attempt: Try, files: str) -> None:
    assert set(attempt(probes.ALLOWED, FILES=files).values()) == {("done", "done")}


def test_the_settings_give_rights_back(attempt: Try) -> None:
    names = ("tcp", "unix", "subprocess", "spawn", "exec")

    found = attempt(names, EGRESS="1", PROGRAMS="1")

    assert set(found.values()) == {("done", "done")}


@needs_filters
def test_only_connections_are_given_back(attempt: Try) -> None:
    found = attempt(("tcp", "subprocess"), EGRESS="1")

    assert found["tcp"] == ("done", "done")
    assert list(allowed_in(found)) == ["tcp"]


@needs_landlock
def test_named_folders_may_be_read(attempt: Try, outside: Outside) -> None:
    found = attempt(("read", "list", "write"), FILES="own", READS=str(outside.home))

    assert list(allowed_in(found)) == ["read", "list"]


@needs_filters
@needs_landlock
def test_only_the_temporary_folder_can_be_written_to(
    attempt: Try, outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    names = (
        "scratch",
        "write",
        "make",
        "folder",
        "link",
        "hard_link",
        "remove",
        "rename",
        "rights",
        "shorten",
    )

    found = attempt((*names, "temporary", "system"), FILES="own", SCRATCH=str(scratch), TMPDIR=str(scratch))

    assert found["scratch"] == ("done", "done")
    assert set(allowed_in(found)) == {"scratch"}
    assert list(scratch.iterdir()) == []
    assert (outside.home / "secret").read_text() == "a secret"


@needs_filters
def test_workers_that_died_are_replaced(
    save: Callable[..., Path], classifier: object, start_service: Callable[..., Service], tmp_path: Path
) -> None:
    # Old versions of SciPy write a temporary file when they are imported.
    folders = dict.fromkeys(("SCRATCH", "TMPDIR"), str(tmp_path))
    service = start_service(save(classifier), WORKERS="1", FILES="own", **folders)
    (worker,) = service.workers()

    os.kill(worker, 9)

    service.wait_until_ready()
    assert service.workers() != [worker]


@needs_filters
@needs_landlock
def test_the_log_says_what_holds(
    save: Callable[..., Path], classifier: object, start_service: Callable[..., Service], tmp_path: Path
) -> None:
    folders = dict.fromkeys(("SCRATCH", "TMPDIR"), str(tmp_path))

    _, log = start_service(save(classifier), WORKERS="1", FILES="own", **folders).stop()

    assert "INFO confined: it starts no program, makes no connection, writes only to its" in log
    assert "reads only the model, its packages and the system's files\n" in log


@pytest.mark.parametrize(
    ("holds", "lacks", "line"),
    [
        ((), (), "not confined: the settings allow everything"),
        (("starts no program",), (), "confined: it starts no program"),
        ((), ("start programs", "write files"), "not confined: it can start programs or write files"),
        (("a", "b", "c"), ("d",), "confined: it a, b and c; not confined: it can d"),
    ],
)
def test_the_line_of_a_confinement(holds: tuple[str, ...], lacks: tuple[str, ...], line: str) -> None:
    assert str(Confinement(holds, lacks)) == line


def test_every_thread_of_a_service_is_confined(
    save: Callable[..., Path], classifier: object, start_service: Callable[..., Service]
) -> None:
    if not kernel.machine():
        pytest.skip("the numbers of the system calls are not known")
    service = start_service(save(classifier), WORKERS="1", THREADS="2")
    (worker,) = service.workers()

    for pid in (*service.servers(), worker):
        for task in Path(f"/proc/{pid}/task").iterdir():
            status = (task / "status").read_text()
            assert "Seccomp:\t2\n" in status
            assert "NoNewPrivs:\t1\n" in status
