"""Reading a model that skops wrote: a zip with arrays, and a description of each object in `schema.json`.

The format is that of `dump` in skops' `skops/io/_persist.py`, and of the `get_state` functions beside it. The
service loads such a file with code of its own: `service/loading/skops_archive.py`.
"""

from __future__ import annotations

import json
import re
import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from infer_cli.inspection.files.budget import Budget
from infer_cli.inspection.files.compression import EXPANDED_BYTES_MAX, EXPANSION_MAX
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.pickles.strings import WANTED
from infer_cli.inspection.formats.skops_arrays import array_of, check_array, sparse_of
from infer_cli.inspection.formats.skops_schema import DEPTH_MAX, Schema, refuse, refuse_schema
from infer_cli.inspection.nodes.node_types import (
    Array,
    Blob,
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.facts.features import Json

SCHEMA = "schema.json"
SCHEMA_BYTES_MAX = 64 * 1024 * 1024
# Other formats that are a zip, by a file in it: what the file is, and a hint.
_OTHER_ZIPS = (
    (
        r"(.*/)?data\.pkl",
        "is a PyTorch model",
        "Models of other libraries are served as .onnx: see torch.onnx.",
    ),
    (
        r"model\.weights\.h5",
        "is a Keras model",
        "Models of other libraries are served as .onnx: see tf2onnx.",
    ),
    (r".*\.npy", "is a zip of NumPy arrays, not a model", "Save the model with joblib.dump(model, path)."),
    (r"(.*/)?MLmodel", "is an MLflow model in a zip", "Unpack it, and name the model file inside."),
)
# The loaders of objects that stand for a name: there is no object of the class.
_NAMES = ("FunctionNode", "TypeNode")
_SEQUENCES: dict[str, Callable[[list[Node]], Node]] = {"TupleNode": tuple, "SetNode": SetNode}


# The loaders of objects that hold several parts, by the names of these.
_PARTS = {
    "DefaultDictNode": ("main", "default_factory"),
    "MaskedArrayNode": ("data", "mask"),
    "MethodNode": ("obj", "func"),
    "PartialNode": ("func", "args", "kwds", "namespace"),
}
GETATTR = Global("builtins", "getattr")
PARTIAL = Global("functools", "partial")
MASKED_ARRAY = Global("numpy.ma", "MaskedArray")
DEFAULTDICT = Global("collections", "defaultdict")


class SkopsModel:
    """The model in an archive: `root` is its node.

    `globals` are the names that loading would import, `calls` the names among them that it would call.
    """

    def __init__(self, archive: zipfile.ZipFile, expansion: _Expansion) -> None:
        self._archive = archive
        self._budget = Budget()
        self._seen: dict[int, Node] = {}
        self._files: dict[tuple[str, bool], Node] = {}
        described = _schema_of(archive)
        schema = Schema(described)
        self.globals, self.calls = schema.names, schema.calls
        _check_files(archive, schema.files, expansion)
        version = described.get("_skops_version")
        self.version = version if isinstance(version, str) else None
        self.root = self._node(described, 0)

    def _node(self, described: Json, depth: int, *, is_wanted: bool = False) -> Node:
        """Make the node of an object; an object with the number of an earlier one is the earlier one."""
        if not isinstance(described, dict) or depth > DEPTH_MAX:
            refuse_schema()
        identity = described.get("__id__")
        key = identity if isinstance(identity, int) else 0
        earlier = self._seen.get(key)
        if earlier is not None and not (is_wanted and _lacks_values(earlier)):
            return earlier
        node = self._new_node(described, depth, is_wanted=is_wanted)
        if key:
            self._seen[key] = node
        return node

    def _new_node(self, described: dict[str, Json], depth: int, *, is_wanted: bool) -> Node:
        made_by = Global(str(described.get("__module__")), str(described.get("__class__")))
        loader, content = described.get("__loader__"), described.get("content")
        if loader in _NAMES:
            return made_by
        if loader == "JsonNode" and isinstance(content, str):
            return _literal(content)
        if isinstance(file := described.get("file"), str):
            return self._file(file, made_by, is_wanted=is_wanted)
        if isinstance(content, list):
            return _SEQUENCES.get(str(loader), ListNode)(
                [self._node(item, depth + 1, is_wanted=is_wanted) for item in content]
            )
        if isinstance(content, dict) and loader in _PARTS:
            return self._of_parts(str(loader), [content.get(part) for part in _PARTS[loader]], depth + 1)
        made = self._object(made_by, content, depth, is_dictionary=loader == "DictNode")
        reduced = described.get("__reduce__")
        if loader == "TreeNode" and isinstance(made, Instance) and isinstance(reduced, dict):
            arguments = self._node(reduced.get("args"), depth + 1)
            made.arguments = arguments if isinstance(arguments, tuple) else ()
        return made

    def _of_parts(self, loader: str, described: list[Json], depth: int) -> Node:
        """Make the node of an object that a pickle would describe as a call, or with a factory."""
        if loader == "MethodNode":
            owner, name = described
            return Instance(GETATTR, (self._node(owner, depth), str(name)))
        parts = [self._node(part, depth) for part in described]
        if loader == "PartialNode":
            return Instance(PARTIAL, (parts[0],), states=(tuple(parts),))
        if loader == "MaskedArrayNode":
            return Instance(MASKED_ARRAY, (), states=(tuple(parts),))
        main, factory = parts
        items = main.keys_and_values if isinstance(main, DictNode) else []
        return Instance(DEFAULTDICT, (factory,), content=items)

    def _object(self, made_by: Global, content: Json, depth: int, *, is_dictionary: bool) -> Node:
        match content:
            case dict() if is_dictionary:
                return self._dictionary(content, depth)
            case {"__loader__": _}:
                return Instance(made_by, (), states=(self._node(content, depth + 1),))
        return Instance(made_by, ())

    def _dictionary(self, entries: dict[str, Json], depth: int) -> DictNode:
        keys_and_values: list[Node] = []
        for key, value in entries.items():
            keys_and_values += [key, self._node(value, depth + 1, is_wanted=key in WANTED)]
        return DictNode(keys_and_values)

    def _file(self, name: str, made_by: Global, *, is_wanted: bool) -> Node:
        """Read an array or a sparse table; any other file is only counted."""
        key = (name, is_wanted)
        if key not in self._files:
            try:
                with self._archive.open(name) as file:
                    self._files[key] = self._content(name, file, made_by, is_wanted=is_wanted)
            except KeyError:
                refuse(f"lacks {name}, which its schema names")
        return self._files[key]

    def _content(self, name: str, file: IO[bytes], made_by: Global, *, is_wanted: bool) -> Node:
        if name.endswith(".npy"):
            return array_of(file, self._budget, is_wanted=is_wanted)
        if name.endswith(".npz"):
            return sparse_of(file, made_by, self._budget)
        return Blob(0)


def open_skops(file: IO[bytes]) -> SkopsModel:
    """Read a model that skops wrote; raise `Refused` for any other zip, with what it is."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if SCHEMA in names:
                expansion = _Expansion(archive)
                _check_members(archive, expansion)
                return SkopsModel(archive, expansion)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        refuse(f"is a damaged zip ({error})")
    for pattern, reason, hint in _OTHER_ZIPS:
        if any(re.fullmatch(pattern, name) for name in names):
            raise Refused(reason, hint=hint)
    reason = "is a zip archive, not a model"
    raise Refused(reason, hint="If the model is inside, unpack it and name that file.")


def _lacks_values(node: Node) -> bool:
    return isinstance(node, Blob) or (isinstance(node, Array) and isinstance(node.data, Blob))


def _schema_of(archive: zipfile.ZipFile) -> dict[str, Json]:
    if archive.getinfo(SCHEMA).file_size > SCHEMA_BYTES_MAX:
        refuse("has a schema larger than infer reads")
    with archive.open(SCHEMA) as file:
        # The size that a zip states for a file may be false.
        schema: Json = _json(file.read(SCHEMA_BYTES_MAX))
    if not isinstance(schema, dict):
        refuse_schema()
    return schema


def _json(text: str | bytes) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        refuse_schema(error)
    return value


def _literal(text: str) -> Node:
    """Give the node of a value that the schema holds as JSON, without the inner values of nested ones."""
    value = _json(text)
    if isinstance(value, list):
        return ListNode([item for item in value if not isinstance(item, list | dict)])
    return DictNode([]) if isinstance(value, dict) else value


def _check_files(archive: zipfile.ZipFile, names: set[str], expansion: _Expansion) -> None:
    """Refuse a file that is missing, and an .npy or .npz file that holds anything but plain arrays."""
    for name in sorted(names):
        try:
            with archive.open(name) as file:
                if name.endswith(".npy"):
                    check_array(file)
                elif name.endswith(".npz"):
                    with zipfile.ZipFile(file) as inner:
                        _check_members(inner, expansion)
                        arrays = {_array_name(member) for member in inner.namelist()}
                        _check_files(inner, arrays, expansion)
        except KeyError:
            refuse(f"lacks {name}, which its schema names")


def _array_name(name: str) -> str:
    if not name.endswith(".npy"):
        refuse("holds a sparse matrix that infer does not understand")
    return name


class _Expansion:
    """What an archive and the archives in it expand to: a small table may be a bomb, too."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        packed = sum(member.compress_size for member in archive.infolist())
        self._left = max(EXPANDED_BYTES_MAX, EXPANSION_MAX * packed)

    def take(self, size: int) -> None:
        """Count so many bytes more; raise `Refused` for a decompression bomb."""
        self._left -= size
        if self._left < 0:
            refuse(
                f"expands to more than {EXPANSION_MAX} times its size, as if made to exhaust memory and time"
            )


def _check_members(archive: zipfile.ZipFile, expansion: _Expansion) -> None:
    """Refuse an archive with paths outside it, links, two files of one name, or a decompression bomb."""
    members = archive.infolist()
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
            refuse(f"holds a file whose path leads outside the archive, {member.filename[:40]!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            refuse(f"holds a link, {member.filename[:40]!r}")
    if len({member.filename for member in members}) != len(members):
        refuse("holds two files of the same name")
    expansion.take(sum(member.file_size for member in members))
