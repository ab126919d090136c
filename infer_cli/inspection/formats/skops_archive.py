"""Reading a model that skops wrote: a zip with arrays, and a description of each object in `schema.json`.

The format is that of `dump` in skops' `skops/io/_persist.py`, and of the `get_state` functions beside it. The
service loads such a file with code of its own: `service/loading/skops_archive.py`.
"""

from __future__ import annotations

import ast
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
from infer_cli.inspection.formats.skops_schema import DEPTH_MAX, Schema, refuse, refuse_schema
from infer_cli.inspection.nodes.arrays import DTYPE
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
# An array in a file of at most this size is always read; a larger one only if it is a wanted attribute.
SMALL_BYTES = 1024
ARRAY_BYTES_MAX = 1024 * 1024
HEADER_BYTES_MAX = 10_000
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
# The bytes that hold the length of the header of an .npy file, by the magic string and version before them.
_HEADER_SIZES = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
# The header of a one-dimensional array whose elements are no structure.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<order>[<>|])(?P<code>\w+)(\[(?P<unit>\w+)\])?', "
    rb"'fortran_order': (True|False), 'shape': \((?P<count>\d+),\), \} *\n",
    re.DOTALL,
)
# The loaders of objects that stand for a name: there is no object of the class.
_NAMES = ("FunctionNode", "TypeNode")
_SEQUENCES: dict[str, Callable[[list[Node]], Node]] = {"TupleNode": tuple, "SetNode": SetNode}


class SkopsModel:
    """The model in an archive: `root` is its node.

    `globals` are the names that loading would import, `calls` the names among them that it would call.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._budget = Budget()
        self._seen: dict[int, Node] = {}
        described = _schema_of(archive)
        schema = Schema(described)
        self.globals, self.calls = schema.names, schema.calls
        _check_files(archive, schema.files)
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
        if earlier is not None and not isinstance(earlier, Blob):
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
            return self._array(file) if is_wanted or self._is_small(file) else Blob(0)
        if isinstance(content, list):
            return _SEQUENCES.get(str(loader), ListNode)(
                [self._node(item, depth + 1, is_wanted=is_wanted) for item in content]
            )
        return self._object(made_by, content, depth, is_dictionary=loader == "DictNode")

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

    def _is_small(self, name: str) -> bool:
        size = self._archive.getinfo(name).file_size if name in self._archive.NameToInfo else 0
        return size <= SMALL_BYTES

    def _array(self, name: str) -> Node:
        """Read a one-dimensional array of at most `ARRAY_BYTES_MAX`; any other file is only counted."""
        try:
            with self._archive.open(name) as file:
                data = file.read(ARRAY_BYTES_MAX)
        except KeyError:
            refuse(f"lacks {name}, which its schema names")
        self._budget.take_bytes(len(data))
        header = _NPY.match(data)
        if header is None:
            return Blob(len(data))
        order, code, count = header["order"].decode(), header["code"].decode(), int(header["count"])
        state: tuple[Node, ...] = (3, order, None, None, None, -1, -1, 0)
        if header["unit"]:
            # The unit of a date, as metadata of the dtype.
            state = (*state, (None, (header["unit"], 1, 1, 1)))
        dtype = Instance(DTYPE, (code, False, True), states=(state,))
        return Array(dtype, (count,), data[header.end() :])


def open_skops(file: IO[bytes]) -> SkopsModel:
    """Read a model that skops wrote; raise `Refused` for any other zip, with what it is."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if SCHEMA in names:
                _check_members(archive)
                return SkopsModel(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        refuse(f"is a damaged zip ({error})")
    for pattern, reason, hint in _OTHER_ZIPS:
        if any(re.fullmatch(pattern, name) for name in names):
            raise Refused(reason, hint=hint)
    reason = "is a zip archive, not a model"
    raise Refused(reason, hint="If the model is inside, unpack it and name that file.")


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


def _check_files(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Refuse a file that is missing, and an .npy or .npz file that holds anything but plain arrays."""
    for name in sorted(names):
        try:
            with archive.open(name) as file:
                if name.endswith(".npy"):
                    _check_array(file)
                elif name.endswith(".npz"):
                    with zipfile.ZipFile(file) as inner:
                        _check_members(inner)
                        _check_files(inner, {_array_name(member) for member in inner.namelist()})
        except KeyError:
            refuse(f"lacks {name}, which its schema names")


def _array_name(name: str) -> str:
    if not name.endswith(".npy"):
        refuse("holds a sparse matrix that infer does not understand")
    return name


def _check_array(file: IO[bytes]) -> None:
    """Refuse an array of objects: its elements are a pickle."""
    width = _HEADER_SIZES.get(file.read(8))
    size = 0 if width is None else int.from_bytes(file.read(width), "little")
    if width is None or size > HEADER_BYTES_MAX:
        refuse("holds an array that infer does not understand")
    try:
        described = ast.literal_eval(file.read(size).decode("latin-1").strip())
        has_objects = _has_objects(described["descr"])
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        refuse("holds an array that infer does not understand", error)
    if has_objects:
        refuse("holds a pickle in place of an array")


def _has_objects(described: object) -> bool:
    """Say whether a dtype of an .npy header, or a dtype inside it, is that of objects."""
    if isinstance(described, str):
        return "O" in described
    return isinstance(described, list | tuple) and any(map(_has_objects, described))


def _check_members(archive: zipfile.ZipFile) -> None:
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
    packed = sum(member.compress_size for member in members)
    if sum(member.file_size for member in members) > max(EXPANDED_BYTES_MAX, EXPANSION_MAX * packed):
        refuse(f"expands to more than {EXPANSION_MAX} times its size, as if made to exhaust memory and time")
