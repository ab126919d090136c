from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ContainerFailed, Interrupted
from infer_cli.running import foreground
from infer_cli.running.foreground import follow_service
from tests.running.conftest import HERE, make_engine, make_service

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = make_service("127.0.0.1", 5000)
ENGINE = make_engine(HERE)


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the services that were removed; each ended with exit code 3."""
    names: list[str] = []
    monkeypatch.setattr(foreground, "remove_for_sure", lambda _, service, **__: names.append(service.name))
    monkeypatch.setattr(
        foreground, "inspect_service", lambda *_: replace(SERVICE, state="exited", exit_code=3)
    )
    return names


def write_a_log(monkeypatch: pytest.MonkeyPatch, *, interrupted: bool) -> None:
    def stream(*_: object, follow: bool) -> Iterator[bytes]:
        assert follow
        yield b"first\n"
        if interrupted:
            raise KeyboardInterrupt
        yield b"last\n"

    monkeypatch.setattr(foreground, "stream_logs", stream)


def test_a_service_that_ends_by_itself_is_an_error_after_its_log(
    monkeypatch: pytest.MonkeyPatch, removed: list[str]
) -> None:
    write_a_log(monkeypatch, interrupted=False)
    written: list[bytes] = []

    with pytest.raises(ContainerFailed, match=r"^the service iris ended by itself \(exit code 3\)$"):
        follow_service(ENGINE, SERVICE, write=written.append, note=pytest.fail)

    assert written == [b"first\n", b"last\n"]
    assert removed == ["iris"]


def test_an_interrupt_removes_the_service(monkeypatch: pytest.MonkeyPatch, removed: list[str]) -> None:
    write_a_log(monkeypatch, interrupted=True)
    notes: list[str] = []

    with pytest.raises(Interrupted, match=r"^stopped and removed iris$"):
        follow_service(ENGINE, SERVICE, write=lambda _: None, note=notes.append)

    assert notes == ["\nStopping iris"]
    assert removed == ["iris"]
