"""`infer base`: a base image made of Debian packages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from infer_cli.image.base import (
    BASE_IMAGE_VARIABLE,
    DEFAULT_PYTHON,
    LOCAL_BASE_NAME,
    architecture_of,
    local_base,
)
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, Platform, python_option, tag_option
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import size_text


def base(
    *,
    python: Annotated[str, python_option("The Python of the base image: 3.11 or 3.13.")] = DEFAULT_PYTHON,
    tag: Annotated[
        str | None, tag_option(f"The name of the base image.  [default: {LOCAL_BASE_NAME}:X.Y]")
    ] = None,
    platform: Platform = None,
    mirror: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The Debian mirror.  [default: Debian's own]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a base image of Debian packages.

    It is for where no image registry can be reached, and needs mmdebstrap.
    """
    from infer_cli.engine.base_images import load_base  # noqa: PLC0415
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.image.debian import DebianBase, make_root  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.image.name import ImageName  # noqa: PLC0415
    from infer_cli.plan.labels import BASE_PYTHON  # noqa: PLC0415

    engine = connect()
    architecture = architecture_of(platform) if platform else engine.architecture
    name = str(ImageName.parse(tag or local_base(python, architecture, engine.architecture)))
    wanted = DebianBase(python=python, architecture=architecture)
    with show_progress() as progress, tempfile.TemporaryDirectory() as folder:
        progress.stage(f"Making a root file system of Debian {wanted.release} with Python {python}")
        archive = Path(folder) / "root.tar"
        make_root(wanted, archive, mirror=mirror)
        progress.stage(f"Loading {name}")
        image = load_base(engine, archive, name=name, architecture=architecture, labels={BASE_PYTHON: python})
    text = (
        f"Made {name} ({size_text(image.size_bytes)})\n"
        f"Use it: infer build --base-image {name} …, or export {BASE_IMAGE_VARIABLE}={name}"
    )
    record = {"tag": name, "id": image.image_id, "size_bytes": image.size_bytes, "python": python}
    output.show(text, record, as_json=as_json)
