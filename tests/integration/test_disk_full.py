"""`infer build` with a second engine, whose disk is too small for the image."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.connection import Engine, connect
from infer_cli.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Finished

_CAN_START = platform.system() == "Linux" and os.getuid() == 0 and shutil.which("dockerd") is not None
_DISK = "size=250M"


@pytest.fixture
def small_engine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A second engine, on a disk with room for a base image and little more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    # The path of a Unix socket is at most about 100 characters long; the engine makes some below `exec`.
    short = tmp_path_factory.getbasetemp().parent / f"small-{os.getpid()}"
    short.mkdir()
    socket = short / "engine.sock"
    subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(disk)], check=True)
    command = [
        # A network namespace of its own: an engine with --bridge=none removes the bridge of the other engine.
        "unshare",
        "--net",
        "dockerd",
        f"--host=unix://{socket}",
        f"--data-root={disk}/data",
        f"--exec-root={short}/exec",
        f"--pidfile={tmp_path}/pid",
        "--bridge=none",
        "--iptables=false",
        "--ip-forward=false",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        engine = _wait_for(f"unix://{socket}")
        yield engine
        engine.api.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _wait_for(url: str) -> Engine:
    deadline = time.monotonic() + 30
    while True:
        try:
            return connect({"DOCKER_HOST": url})
        except EngineUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@pytest.mark.skipif(not _CAN_START, reason="needs root and dockerd, to start an engine on a small disk")
def test_a_full_disk_is_named_and_no_partial_image_is_left(
    engine: Engine, small_engine: Engine, infer: Callable[..., Finished], base_image: str
) -> None:
    saved = b"".join(engine.api.get_image(base_image))
    list(small_engine.api.load_image(saved))  # type: ignore[no-untyped-call]
    images = small_engine.api.images(quiet=True, all=True)

    failed = infer("build", "--tag", "x", "--base-image", base_image, DOCKER_HOST=small_engine.endpoint.url)

    assert failed.exit_code == 1
    assert "no space left on device" in failed.stderr
    assert "docker system df" in failed.stderr
    assert small_engine.api.images(quiet=True, all=True) == images
    assert small_engine.api.containers(all=True) == []
