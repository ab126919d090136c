from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/engine.sock"}


def test_each_piece_of_advice_has_a_line_of_its_own(infer: Callable[..., Finished]) -> None:
    found = infer("doctor", **NO_ENGINE)

    assert found.exit_code == 1
    assert found.stdout.splitlines()[:4] == [
        "FAIL  engine: no Docker engine answers",
        "      tried:",
        "        unix:///nowhere/engine.sock (DOCKER_HOST): no such socket",
        "      start that engine, or choose another one: DOCKER_HOST names the address",
    ]


def test_a_cache_that_cannot_be_written_is_found(infer: Callable[..., Finished], tmp_path: Path) -> None:
    """Root may write anywhere but beneath a file."""
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"

    checks = infer("doctor", "--json", INFER_CACHE_DIR=str(cache), **NO_ENGINE).record["checks"]

    [found] = [check for check in checks if check["check"] == "package cache"]
    assert not found["is_well"]
    assert found["message"] == f"cannot write into {cache}: Not a directory"
    assert "INFER_CACHE_DIR" in found["advice"]


def test_a_cache_is_made_where_there_is_none(infer: Callable[..., Finished], tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"

    checks = infer("doctor", "--json", INFER_CACHE_DIR=str(cache), **NO_ENGINE).record["checks"]

    [found] = [check for check in checks if check["check"] == "package cache"]
    assert found["is_well"]
    assert found["message"].endswith(f" free at {cache}")
