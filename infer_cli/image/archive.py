"""An archive of an image with one layer, for an engine to load.

The format is the one of `docker save`: image specification v1.2 of the Moby project. The same root file
system gives the same archive.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, BinaryIO

from infer_cli.reproducible_tar import fixed_entry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A fixed time instead of the clock, so that the same input gives the same image id.
_CREATED = "1980-01-01T00:00:00Z"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def write_image_archive(
    root: Path, target: BinaryIO, *, name: str, architecture: str, labels: Mapping[str, str]
) -> str:
    """Write an image of the root file system `root`, a tar archive, to `target`; returns the image's id.

    `architecture` is the engine's name of the processor, such as amd64.
    """
    with root.open("rb") as file:
        layer = hashlib.file_digest(file, "sha256").hexdigest()
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": _CREATED,
            "config": {"Env": [f"PATH={_PATH}", "LANG=C.UTF-8"], "Cmd": ["bash"], "Labels": dict(labels)},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
            "history": [{"created": _CREATED, "created_by": "infer base"}],
        }
    )
    image_id = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{image_id}.json", "RepoTags": [name], "Layers": [f"{layer}/layer.tar"]}]
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in ((f"{image_id}.json", config), ("manifest.json", _json(manifest))):
            tar.addfile(fixed_entry(path, size=len(content)), io.BytesIO(content))
        with root.open("rb") as file:
            tar.addfile(fixed_entry(f"{layer}/layer.tar", size=root.stat().st_size), file)
    return f"sha256:{image_id}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
