"""What each part of an image weighs, as a program inside it and the engine tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.containers import run_throwaway
from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine

# A package weighs what its own list of files names, and the bytecode made of them.
_WEIGH = """
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


# The folders that the template copies, in its order.
_COPIED = ("finish/", "service/", "code/", "model/")


@dataclass(frozen=True)
class Part:
    """A part of an image and its weight."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class Weight:
    """The weight of an image by package (the heaviest first) and by layer (the first first)."""

    packages: tuple[Part, ...]
    layers: tuple[Part, ...]


def weigh_image(engine: Engine, image: str) -> Weight:
    """Weigh an image that infer made; raises `EngineError` for another."""
    status, output = run_throwaway(engine, image, ["python3", "-c", _WEIGH])
    if status != 0:
        raise EngineError(f"the image {image} cannot be weighed: {output.strip()}")
    found = json.loads(output)
    parts = [Part(f"{name} {version}", size) for name, (version, size) in found["packages"].items()]
    parts += [Part(name, found[name]) for name in ("service", "code", "model") if found[name]]
    with translated(f"list the layers of {image}"):
        history = engine.api.history(image)  # type: ignore[no-untyped-call]
    layers = layers_of(
        [(str(entry.get("CreatedBy") or ""), int(entry.get("Size") or 0)) for entry in history]
    )
    parts.sort(key=lambda part: (-part.size_bytes, part.name))
    return Weight(tuple(parts), layers)


def layers_of(history: list[tuple[str, int]]) -> tuple[Part, ...]:
    """The layers that weigh anything, the first one first; a history of instructions has the last one first.

    The classic builder calls what was copied by its digest; the template has a fixed order of such lines.
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
