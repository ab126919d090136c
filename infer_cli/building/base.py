"""Makes a base image of Debian packages, where no image registry can be reached."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.engine.base_images import load_base
from infer_cli.image.base import architecture_of, local_base
from infer_cli.image.debian import DebianBase, make_root
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import BASE_PYTHON

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.terminal.progress import Progress


@dataclass(frozen=True)
class MadeBase:
    """A base image on the engine: its name, id, size, and Python version as `X.Y`."""

    name: str
    image_id: str
    size_bytes: int
    python: str


def make_base(
    engine: Engine,
    *,
    python: str,
    tag: str | None,
    platform: str | None,
    mirror: str | None,
    progress: Progress,
) -> MadeBase:
    """Make a base image with a Python version, and load it into the engine.

    Without a `tag`, the image gets the name that `infer build` proposes. Without a `platform`, the image is
    for the engine's processor. Raises `UsageError` for a Python version or a processor that Debian does not
    have, and `InferError` if the packages cannot be fetched.
    """
    architecture = architecture_of(platform) if platform else engine.architecture
    name = str(ImageName.parse(tag or local_base(python, architecture, engine.architecture)))
    base = DebianBase(python=python, architecture=architecture)
    with tempfile.TemporaryDirectory() as folder:
        progress.stage(f"Making a root file system of Debian {base.release} with Python {python}")
        archive = Path(folder) / "root.tar"
        make_root(base, archive, mirror=mirror)
        progress.stage(f"Loading {name}")
        image = load_base(engine, archive, name=name, architecture=architecture, labels={BASE_PYTHON: python})
    return MadeBase(name, image.image_id, image.size_bytes, python)
