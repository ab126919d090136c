"""`infer base`: makes a base image of Debian packages."""

from __future__ import annotations

from typing import Annotated

import typer

from infer_cli.image.base import BASE_IMAGE_VARIABLE, DEFAULT_PYTHON, LOCAL_BASE_NAME
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

    For use where no image registry can be reached; needs mmdebstrap.
    """
    from infer_cli.building.base import make_base  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.connection import connect  # noqa: PLC0415

    engine = connect()
    with show_progress() as progress:
        made = make_base(engine, python=python, tag=tag, platform=platform, mirror=mirror, progress=progress)
    text = (
        f"Made {made.name} ({size_text(made.size_bytes)})\n"
        f"Use it: infer build --base-image {made.name} …, or export {BASE_IMAGE_VARIABLE}={made.name}"
    )
    record = {
        "tag": made.name,
        "id": made.image_id,
        "size_bytes": made.size_bytes,
        "python": made.python,
    }
    output.show(text, record, as_json=as_json)
