"""The sizes of the parts of an image.

A program inside the image measures its packages and files; the engine reports the sizes of its layers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.containers import run_in_temporary_container
from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine

# The size of a package is that of the files in its RECORD and of the bytecode compiled from them.
_MEASURE = """
import csv, json, pathlib
home = pathlib.Path("/opt/infer")
packages = home / "packages"
def size(path):
    return path.stat().st_size if path.is_file() else 0
def bytecode(path):
    return sum(size(file) for file in (path.parent / "__pycache__").glob(path.stem + ".cpython-*.pyc"))
found = {}
for record in sorted(packages.glob("*.dist-info/RECORD")):
    name, _, version = record.parent.name.removesuffix(".dist-info").rpartition("-")
    files = [packages / line[0] for line in csv.reader(record.read_text().splitlines()) if line]
    found[name] = [version, sum(size(file) + bytecode(file) for file in files if file.suffix != ".pyc")]
def tree(folder):
    return sum(size(file) for file in folder.rglob("*"))
print(json.dumps({"packages": found, "service": tree(home / "service"), "code": tree(home / "code"),
                  "model": tree(home / "model")}))
"""

# The folders that the template copies, in the order of its instructions.
_COPIED = ("finish/", "service/", "code/", "model/")


@dataclass(frozen=True)
class Part:
    """A part of an image, and its size."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class ImageSizes:
    """The sizes in an image: its packages and other parts, largest first, and its layers in build order."""

    packages: tuple[Part, ...]
    layers: tuple[Part, ...]


def measure_image(engine: Engine, image: str) -> ImageSizes:
    """The sizes of the parts of an image that infer made; raises `EngineError` for any other image."""
    status, output = run_in_temporary_container(engine, image, ["python3", "-c", _MEASURE])
    if status != 0:
        raise EngineError(f"the sizes in the image {image} cannot be read: {output.strip()}")
    found = json.loads(output)
    parts = [Part(f"{name} {version}", size) for name, (version, size) in found["packages"].items()]
    parts += [Part(name, found[name]) for name in ("service", "code", "model") if found[name]]
    with translated(f"list the layers of {image}"):
        history = engine.api.history(image)  # type: ignore[no-untyped-call]
    layers = layers_of(
        [(str(entry.get("CreatedBy") or ""), int(entry.get("Size") or 0)) for entry in history]
    )
    parts.sort(key=lambda part: (-part.size_bytes, part.name))
    return ImageSizes(tuple(parts), layers)


def layers_of(history: list[tuple[str, int]]) -> tuple[Part, ...]:
    """The layers that are not empty, in build order.

    `history` is the engine's list of instructions and layer sizes in bytes, the last instruction first. The
    classic builder names a copied folder by its digest, so the folder is taken from the fixed order of the
    template's COPY instructions.
    """
    copied = iter(_COPIED)
    layers = []
    for created_by, size in reversed(history):
        name = created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").strip()
        if name.startswith("COPY dir:"):
            name = f"COPY {next(copied, '')}"
        elif name.startswith("ADD file:"):
            name = "ADD packages.tar"
        if size:
            layers.append(Part(name or "the base image", size))
    return tuple(layers)
