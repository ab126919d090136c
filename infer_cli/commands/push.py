"""`infer push`: pushes an image to its registry."""

from __future__ import annotations

from infer_cli.image.name import ImageName
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, ImageTag, Verbose
from infer_cli.terminal.progress import show_progress


def push(tag: ImageTag, *, verbose: Verbose = False, as_json: AsJson = False) -> None:
    """Push an image to its registry, with your Docker credentials."""
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.registry import push_image  # noqa: PLC0415

    name = ImageName.parse(tag)
    with show_progress(verbose=verbose) as progress:
        progress.stage(f"Pushing {name} to {name.host}")
        pushed = push_image(connect(), name, on_event=progress.on_event)
    output.show(
        f"Pushed {name}\n{pushed.reference}",
        {"tag": pushed.tag, "digest": pushed.digest, "reference": pushed.reference},
        as_json=as_json,
    )
