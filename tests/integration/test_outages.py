"""The engine goes away for a moment, as when it is restarted, at each kind of request of a command."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.engine_turns import left_behind
from tests.integration.proxy import Cut, engine_proxy
from tests.integration.test_interrupts import created

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

_REPEATED = {
    "images": b"GET /v1.41/images/",
    "temporary-removal": b"DELETE /v1.41/containers/",
    "inspection": b"GET /v1.41/containers/",
}
_NOT_REPEATED = {
    "volume": b"POST /v1.41/volumes/create",
    "temporary-container": b"POST /v1.41/containers/create HTTP",
    "container": b"POST /v1.41/containers/create?name=",
}


@pytest.fixture
def run_through(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> Callable[[bytes, bool], Finished]:
    """Run `infer run` by a connection that is cut once, at the first request that begins with these bytes."""

    def run(request_line: bytes, loses_answer: bool) -> Finished:  # noqa: FBT001 (as pytest gives it)
        cuts: list[bytes] = []

        def cut(data: bytes) -> None:
            if data.startswith(request_line) and not cuts:
                cuts.append(data)
                raise Cut(loses_answer=loses_answer)

        options = ("--model-dir", str(iris_folder), "-d", "--name", service_name)
        with engine_proxy(engine, cut) as port:
            finished = infer("run", iris_image, *options, DOCKER_HOST=f"tcp://127.0.0.1:{port}")
        assert cuts
        return finished

    return run


@pytest.mark.parametrize("loses_answer", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_line", _REPEATED.values(), ids=_REPEATED)
def test_a_request_that_may_be_repeated_is_repeated(
    run_through: Callable[[bytes, bool], Finished], *, request_line: bytes, loses_answer: bool
) -> None:
    started = run_through(request_line, loses_answer)

    assert started.exit_code == 0, started.stderr


@pytest.mark.parametrize("loses_answer", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("request_line", _NOT_REPEATED.values(), ids=_NOT_REPEATED)
def test_what_the_engine_created_without_an_answer_is_removed(
    engine: Engine,
    run_through: Callable[[bytes, bool], Finished],
    service_name: str,
    *,
    request_line: bytes,
    loses_answer: bool,
) -> None:
    before = created(engine, service_name)

    failed = run_through(request_line, loses_answer)

    assert failed.exit_code == 1
    assert "the engine stopped answering (it closed the connection)" in failed.stderr
    assert left_behind(partial(created, engine, service_name), before) == set()
