"""Every command that README and the tutorial show does what the page says, with the real engine."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import urllib.request
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.documented import (
    CTRL_C,
    PATIENCE_S,
    Failed,
    Names,
    Step,
    Terminal,
    read_docker_lines,
    read_steps,
)
from tests.integration.proxy import private_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from tests.integration.conftest import Registry

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/tutorial.md")
IMAGES = ("dwhitena/model-inference", "iris")
SERVICES = ("model-inference",)
# Commands that are shown and not run here, and why.
NOT_RUN = {
    "make demo": "it would use names of images and services that may be somebody's",
    "make test": "this test is a part of it",
    "pip install .": "the tests run the infer of this checkout",
    "pip install ~/infer": "the tests run the infer of this checkout",
    "pip install '.[parquet]'": "the tests run the infer of this checkout",
    "infer --install-completion": "it changes the start-up files of the user's shell",
}


@pytest.fixture(scope="module")
def registry(start_registry: Callable[..., Registry]) -> Registry:
    """The registry that takes what is pushed."""
    return start_registry()


@pytest.fixture
def names(engine: Engine, registry: Registry, tmp_path: Path) -> Iterator[Names]:
    """Names of one's own for images and services, of which nothing is left at the end."""
    names = Names(registry.host, uuid.uuid4().hex[:8], tmp_path, IMAGES, SERVICES)
    try:
        yield names
    finally:
        for container in engine.api.containers(all=True):
            if names.suffix in f"{container['Names']} {container['Image']}":
                engine.api.remove_container(container["Id"], force=True, v=True)
        for image in engine.api.images():
            for reference in [one for one in image["RepoTags"] or () if names.suffix in one]:
                engine.api.remove_image(reference, force=True)


@pytest.fixture
def open_terminal(engine: Engine, names: Names, base_image: str) -> Iterator[Callable[[], Terminal]]:
    """Open terminals of a user who has infer, and nothing of what models are made with."""
    with ExitStack() as stack:
        environment = {
            "DOCKER_HOST": stack.enter_context(private_engine(engine, names.suffix)),
            "INFER_BASE_IMAGE": base_image,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(names.home / ".venv"),
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
        }

        def open_() -> Terminal:
            terminal = Terminal(names.home, names, environment)
            stack.callback(terminal.close)
            return terminal

        yield open_


def _is_run(step: Step) -> bool:
    return step.command.partition("  #")[0].strip() not in NOT_RUN


@pytest.mark.parametrize("page", PAGES)
def test_commands_do_what_the_page_shows(page: str, open_terminal: Callable[[], Terminal]) -> None:
    terminals: dict[str, Terminal] = {}
    steps = [step for step in read_steps((ROOT / page).read_text()) if _is_run(step)]

    failures: list[Failed] = []
    for step in steps:
        if step.terminal not in terminals:
            terminals[step.terminal] = open_terminal()
        try:
            terminals[step.terminal].run(step)
        except Failed as failed:
            failures.append(failed)
            if not failed.is_over:
                break

    assert not failures, "\n\n".join(map(str, failures))
    assert len(steps) >= 10


_LOG = (
    "2026-01-31T12:30:00Z INFO serving model.pkl (classifier, 4 features) on 0.0.0.0:5000 "
    "with 2 workers of 1 thread"
)
_CONFINED = "2026-01-31T12:30:00Z INFO confined: it starts no program and makes no connection"
# How a plain Docker command is ended, if it does not end by itself; "…" stands for what it prints.
_ENDINGS = {
    "docker run --rm ": ("…", _LOG, _CONFINED, CTRL_C, "…"),
    "docker logs -f ": ("…", _LOG, _CONFINED, CTRL_C, "…"),
    "docker exec -it ": ("infer@000000000000:/opt/infer$ exit", "exit"),
}


@pytest.mark.skipif(shutil.which("docker") is None, reason="the Docker command is not installed")
def test_plain_docker_does_what_the_readme_says(
    engine: Engine, names: Names, open_terminal: Callable[[], Terminal], iris_folder: Path, free_port: int
) -> None:
    lines = read_docker_lines((ROOT / PAGES[0]).read_text())
    names.port = free_port
    shutil.copytree(iris_folder, names.home / "data")
    terminal = open_terminal()
    build = "infer build --tag dwhitena/model-inference:v1.0.0 --model-dir data --eject context"
    terminal.run(Step("", 0, build, ("…",)))

    for line in lines:
        shown = next((shown for start, shown in _ENDINGS.items() if line.startswith(start)), ("…",))
        # After Ctrl-C, versions of the Docker command differ.
        terminal.run(Step("", 0, line, shown), exit_codes=(0, 130) if CTRL_C in shown else ())
        if line.startswith("docker run -d "):
            assert _prediction(free_port) == "setosa"

    assert [line.split()[1] for line in lines] == ["build", "push", "run", "run", "ps", "exec", "logs", "rm"]
    assert not [one for one in engine.api.containers(all=True) if names.suffix in str(one["Names"])]


def _prediction(port: int) -> str:
    """Ask a service that may not be ready yet."""
    url = f"http://127.0.0.1:{port}/prediction?slength=1.5&swidth=0.7&plength=1.3&pwidth=0.3"
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(json.loads(answer.read())["prediction"])
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
