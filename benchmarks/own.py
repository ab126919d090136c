"""The service of infer: a container as `infer run` starts it, with its default settings."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from benchmarks.contender import Line
from benchmarks.environments import run_quietly
from benchmarks.load import Request
from benchmarks.problem import Problem
from infer_cli.engine.connection import connect
from infer_cli.engine.images import find_image, remove_image
from infer_cli.image.base import DEFAULT_PYTHON, official_base
from infer_cli.plan.layout import CONTAINER_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.columns import Case, Column
    from infer_cli.engine.connection import EngineRecord

INFER = (sys.executable, "-m", "infer_cli")
OWN = "infer"
PUBLISHED = "infer, published port"
BY_GET = "infer, GET"
_LOCAL_BASE = "infer-base:3.11"


def base_image() -> str:
    """The base image of every build: the user's choice or the default, or else the one of `infer base`."""
    base = os.environ.get("INFER_BASE_IMAGE") or official_base(DEFAULT_PYTHON)
    return base if find_image(connect(), base) else _LOCAL_BASE


@contextmanager
def own_images(models: Path, names: Iterable[str], *, compiled: bool = False) -> Iterator[dict[str, str]]:
    """Build an image for each model, with the model inside; yields the tags by model, and removes the images.

    `compiled` compiles the models first.
    """
    suffix = uuid.uuid4().hex[:8]
    tags: dict[str, str] = {}
    try:
        for name in sorted(set(names)):
            tags[name] = f"infer-bench/{name.lower()}{'-compiled' if compiled else ''}:{suffix}"
            which = ("compile", str(models / name), "--force") if compiled else ("build", "--bake")
            where = () if compiled else ("--model-dir", str(models / name))
            print(f"Building {tags[name]}", file=sys.stderr)
            run_quietly((*INFER, *which, *where, "--tag", tags[name], "--base-image", base_image()))
        yield tags
    finally:
        for tag in tags.values():
            with contextlib.suppress(Exception):
                remove_image(connect(), tag)


@contextmanager
def own_container(tag: str, *options: str) -> Iterator[EngineRecord]:
    """Start a service of the image `tag`; yields the engine's record of its container, and stops it."""
    name = f"infer-bench-{uuid.uuid4().hex[:8]}"
    # If the service does not start, `infer run` itself removes the container.
    run_quietly((*INFER, "run", tag, "-d", "--name", name, "--port", str(_free_port()), *options))
    try:
        yield connect().api.inspect_container(name)
    finally:
        run_quietly((*INFER, "stop", name))


class OwnService:
    """The service of infer as a contender, in containers of `images`, which are tags by model.

    `mounted` is a folder of models to mount, for images without a model inside. Then the service has only
    one line in the table.
    """

    name = OWN

    def __init__(self, images: Mapping[str, str], *, mounted: Path | None = None) -> None:
        self._images = images
        self._mounted = mounted

    def prepare(self) -> None:
        """Do nothing: the images exist."""

    @contextmanager
    def running(self, column: Column, cases: Sequence[Case]) -> Iterator[tuple[Line, ...]]:
        """Serve the model of `column`; raises `Problem`."""
        posts = tuple(Request.of_json("/prediction", objects(case)) for case in cases)
        where = ("--model-dir", str(self._mounted / column.model)) if self._mounted else ()
        with own_container(self._images[column.model], *where) as raw:
            lines = [Line(OWN, bridge_url(raw), posts, lambda answer: answer["predictions"])]
            if self._mounted:
                yield tuple(lines)
                return
            lines.append(Line(PUBLISHED, published_url(raw), posts, lambda answer: answer["predictions"]))
            if column.rows == 1:
                gets = tuple(Request("GET", f"/prediction?{_query(case)}") for case in cases)
                lines.append(Line(BY_GET, lines[0].url, gets, lambda answer: [answer["prediction"]]))
            yield tuple(lines)


def bridge_url(raw: EngineRecord) -> str:
    """The URL of the container itself, on the bridge network of an engine on this machine.

    Raises `Problem` if the bridge belongs to another machine, such as the virtual machine of an engine: the
    benchmark must load only the service that it started.
    """
    network = raw["NetworkSettings"]["Networks"]["bridge"]
    if network["Gateway"] not in _addresses_of_this_machine():
        raise Problem(
            f"the engine's bridge network is not on this machine: its gateway is {network['Gateway']}"
        )
    return f"http://{network['IPAddress']}:{CONTAINER_PORT}"


def published_url(raw: EngineRecord) -> str:
    """The URL of the published port on this machine."""
    published = raw["NetworkSettings"]["Ports"][f"{CONTAINER_PORT}/tcp"][0]
    return f"http://{published['HostIp']}:{published['HostPort']}"


def _addresses_of_this_machine() -> set[str]:
    return {address.address for found in psutil.net_if_addrs().values() for address in found}


def objects(case: Case) -> dict[str, list[dict[str, float]]]:
    """The rows of a case as the service's own endpoint takes them."""
    return {"rows": [{f"x{at}": value for at, value in enumerate(row)} for row in case.rows]}


def _query(case: Case) -> str:
    return "&".join(f"x{at}={value}" for at, value in enumerate(case.rows[0]))


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])
