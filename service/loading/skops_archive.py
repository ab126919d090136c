"""Loads a model that skops wrote: a zip of arrays, with a description of each object in `schema.json`.

skops gets a new archive, which this module writes of what it has checked, and not the file itself. The schema
of the new archive comes from `skops_schema`.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import stat
import zipfile
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Callable

import numpy as np

from service.errors import Forbidden
from service.loading.calls import check_arguments
from service.loading.compression import EXPANDED_BYTES_MAX, EXPANSION_MAX
from service.loading.skops_schema import Schema
from service.loading.unfolding import check_unfolded

if TYPE_CHECKING:
    from pathlib import Path

    from service.loading.policy import Policy

    # Gives the shape, whether the order is Fortran's, and the dtype.
    ReadHeader = Callable[[IO[bytes]], "tuple[tuple[int, ...], bool, np.dtype[np.generic]]"]

SCHEMA = "schema.json"
SCHEMA_BYTES_MAX = 64 * 1024 * 1024
ARRAY = ".npy"
TREE = "sklearn.tree._tree.Tree"
# How the header of an array is read, by the version of NumPy's format.
HEADERS: dict[tuple[int, int], ReadHeader] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_skops(file: Path, policy: Policy) -> object:
    """Load the one object of the file; raise `Forbidden` before anything forbidden is imported or called."""
    with file.open("rb") as raw, zipfile.ZipFile(raw) as archive:
        expansion = _Expansion(archive)
        _check_members(archive, expansion)
        schema = Schema(_schema_of(archive), policy)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as made:
            for name, new_name in schema.files.items():
                made.writestr(new_name, _checked(name, _read(archive, name), expansion))
            made.writestr(SCHEMA, json.dumps(schema.written))
    skops: Any = importlib.import_module("skops.io")  # It ships no types.
    _look_at_trees()
    content.seek(0)
    # The policy has judged each name in the archive, so skops need not ask its own list of trusted names.
    loaded: object = skops.load(content, trusted=schema.names)
    check_unfolded(loaded, policy)
    return loaded


def _look_at_trees() -> None:
    """Let skops make a tree only with the arguments that picklers write: the tree itself trusts them."""
    nodes: Any = importlib.import_module("skops.io._sklearn")
    construct = nodes.ReduceNode._construct  # noqa: SLF001
    if getattr(construct, "looks_at_trees", False):
        return

    def construct_checked(node: Any) -> object:  # noqa: ANN401 (skops ships no types)
        # By this dictionary, which all versions of skops have; newer ones have attributes beside it.
        constructor = node.children["constructor"]
        name = f"{constructor.module_name}.{constructor.class_name}"
        if name == TREE:
            check_arguments(name, node.children["args"].construct())
        made: object = construct(node)
        return made

    construct_checked.looks_at_trees = True  # type: ignore[attr-defined]
    nodes.ReduceNode._construct = construct_checked  # noqa: SLF001


def _schema_of(archive: zipfile.ZipFile) -> object:
    try:
        if archive.getinfo(SCHEMA).file_size > SCHEMA_BYTES_MAX:
            raise Forbidden("has a schema larger than any model's")
        parsed: object = json.loads(archive.read(SCHEMA))
    except KeyError:
        raise Forbidden("is a zip without the schema that skops writes") from None
    except (ValueError, RecursionError):
        raise Forbidden("has a schema that cannot be understood") from None
    return parsed


class _Expansion:
    """What an archive and the archives in it expand to: a small table may be a bomb, too."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        packed = sum(member.compress_size for member in archive.infolist())
        self._left = max(EXPANDED_BYTES_MAX, EXPANSION_MAX * packed)

    def take(self, size: int) -> None:
        """Count so many bytes more; raise `Forbidden` for a zip bomb."""
        self._left -= size
        if self._left < 0:
            raise Forbidden("expands without end")


def _check_members(archive: zipfile.ZipFile, expansion: _Expansion) -> None:
    """Refuse paths that lead out of the archive, links, two files of one name, and a zip bomb."""
    members = archive.infolist()
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
            raise Forbidden("holds a file that would lie outside of it")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Forbidden("holds a link")
    if len({member.filename for member in members}) != len(members):
        raise Forbidden("holds two files of the same name")
    expansion.take(sum(member.file_size for member in members))


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)
    except KeyError:
        raise Forbidden("lacks a file that its schema names") from None


def _checked(name: str, data: bytes, expansion: _Expansion) -> bytes:
    """Give the bytes of a file; refuse an .npy or .npz file with anything but plain arrays in it."""
    if name.endswith(ARRAY):
        _check_array(io.BytesIO(data), len(data))
    elif name.endswith(".npz"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive, expansion)
            for member in archive.infolist():
                if not member.filename.endswith(ARRAY):
                    raise Forbidden("has a table that cannot be understood")
                with archive.open(member) as array:
                    _check_array(array, member.file_size)
    return data


def _check_array(file: IO[bytes], size: int) -> None:
    """Refuse an array of objects, which NumPy stores as a pickle, and an array larger than its file."""
    try:
        read_header = HEADERS[np.lib.format.read_magic(file)]
        shape, _, dtype = read_header(file)
    except (ValueError, KeyError):
        raise Forbidden("has an array that cannot be understood") from None
    if dtype.hasobject:
        raise Forbidden("has a pickle in place of an array")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size:
        raise EOFError("an array ended before it was whole")
