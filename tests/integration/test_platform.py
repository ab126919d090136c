"""An image for another processor, on an engine that cannot run its programs."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import find_image
from infer_cli.engine.services import container_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the other processor is arm64 here")
def test_an_image_for_arm_is_built_without_running_its_programs(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_folder: Path,
    tag: Callable[[], str],
    service_name: str,
) -> None:
    base, name = tag(), tag()
    made = infer("base", "--tag", base, "--platform", "linux/arm64")
    assert made.exit_code == 0, made.stderr

    built = infer(
        *("build", "--tag", name, "--model-dir", str(iris_folder), "--bake"),
        *("--base-image", base, "--platform", "linux/arm64"),
    )

    assert built.exit_code == 0, built.stderr
    assert "RUN" not in built.stderr
    assert "cannot run programs for arm64" in built.stdout
    image = find_image(engine, name)
    assert image is not None
    assert image.architecture == "arm64"
    started = infer("run", name, "--name", service_name, "-d")
    assert started.exit_code == 1
    assert f"the image {name} is for arm64, and this engine for amd64" in started.stderr
    assert service_name not in container_names(engine)


def test_an_unknown_platform_is_a_usage_error(infer: Callable[..., Finished]) -> None:
    refused = infer("base", "--platform", "linux/riscv64")

    assert refused.exit_code == 2
    assert "linux/arm64" in refused.stderr
