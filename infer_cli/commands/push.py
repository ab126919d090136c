"""`infer push`: pushes an image to its registry."""

from __future__ import annotations

import re
import shlex
from contextlib import nullcontext
from dataclasses import replace
from typing import Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.image.name import ImageName
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, ImageTag, Verbose
from infer_cli.terminal.progress import show_progress

# A host with its port, and nothing behind it. Docker takes it for an image of docker.io with a tag of digits,
# where nobody but Docker itself can push an image without a user's name before it.
_REGISTRY = re.compile(r"((localhost|[\w-]+(\.[\w-]+)+):\d+|localhost)/?")


def push(
    tag: ImageTag,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="REGISTRY/NAME[:TAG]",
            help="Give the image this name first, and push it there.  [default: its own name]",
        ),
    ] = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Push an image to its registry, with your Docker credentials."""
    source = ImageName.parse(tag)
    if to and _REGISTRY.fullmatch(to):
        whole = f"{to.rstrip('/')}/{source.short_name}"
        hint = f"name the image there, too: `{shlex.join(['infer', 'push', tag, '--to', whole])}`"
        raise UsageError(f"--to {to} is a registry without the name of an image", hint=hint)
    name = ImageName.parse(to) if to else source
    if to and ":" not in to.rpartition("/")[2]:
        name = replace(name, tag=source.tag)
    with show_progress(verbose=verbose) as progress:
        progress.stage(f"Pushing {name} to {name.host}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (slow to import)
        from infer_cli.engine.images import named, require_image  # noqa: PLC0415
        from infer_cli.engine.registry import push_image  # noqa: PLC0415

        engine = connect()
        with named(engine, require_image(engine, source).image_id, name) if name != source else nullcontext():
            pushed = push_image(engine, name, on_event=progress.on_event)
    output.show(
        f"Pushed {name}\n{pushed.reference}",
        {"tag": pushed.tag, "digest": pushed.digest, "reference": pushed.reference},
        as_json=as_json,
    )
