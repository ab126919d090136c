"""The members of a file that holds a dictionary, list or tuple: which of them is the model, and its columns.

`service/loading/members.py` chooses in the same way in the file that it has loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import shape_of, values_of
from infer_cli.inspection.nodes.arrow import strings_of_arrow
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

# How deep containers may lie in containers, and how many objects a file may hold that could be the model.
DEPTH_MAX = 5
MEMBERS_MAX = 1000
# Modules whose objects are data: numbers, tables, dates; and objects that only training needs.
DATA_MODULES = (
    "_codecs",
    "builtins",
    "collections",
    "datetime",
    "decimal",
    "fractions",
    "numpy",
    "pandas",
    "pathlib",
    "pyarrow",
    "re",
    "scipy.sparse",
    "sklearn.metrics",
    "sklearn.model_selection._split",
)
# Dictionaries that are no plain `dict`.
DICTIONARIES = ("collections.OrderedDict", "sklearn.utils.Bunch", "sklearn.utils._bunch.Bunch")
# What people call the list of the model's columns in a dictionary, in lower case and without underscores.
COLUMNS_KEYS = (
    "cols",
    "colnames",
    "columnnames",
    "columnorder",
    "columns",
    "featurecolumns",
    "featurecols",
    "featurelist",
    "featurename",
    "featurenames",
    "featurenamesin",
    "featureorder",
    "features",
    "inputcolumns",
    "inputfeatures",
    "modelcolumns",
    "modelfeatures",
    "traincolumns",
    "trainingcolumns",
    "xcolumns",
)


@dataclass(frozen=True, slots=True)
class Member:
    """An object in a file that may be the model.

    `path` is the name that `--member` takes: a key or a position, with dots between those of containers in
    containers. `expression` is the same in Python, after the name of the container: `["model"]`. `names` are
    the columns that are listed beside it, or around it, under a key that says so. `beside` is the only list
    of strings beside it in a list or tuple, which does not say what it is.
    """

    path: str
    expression: str
    value: Node
    names: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def is_container(node: Node) -> bool:
    """Say whether a node is a dictionary, list or tuple, which may hold a model among other objects."""
    return isinstance(node, DictNode | ListNode | tuple) or _is_dictionary(node)


def members_of(node: Node) -> list[Member]:
    """Give the objects of a container that may be the model, in the order of the file."""
    return list(_members(node, "", "", 0, ()))[:MEMBERS_MAX]


def unused_beside(content: Node, member: Member) -> tuple[str, ...]:
    """Give the keys and positions of a file's container whose data the service does not use."""
    if not member.path:
        return ()
    unused = []
    for key, value in _entries(content):
        is_inside = member.path == str(key) or member.path.startswith(f"{key}.")
        is_used = bool(_strings(value)) and _strings(value) in (member.names, member.beside)
        if not is_inside and not is_used and value is not None:
            unused.append(str(key))
    return tuple(unused)


def _members(node: Node, path: str, expression: str, depth: int, outer: tuple[str, ...]) -> Iterator[Member]:
    if depth > DEPTH_MAX:
        return
    entries = list(_entries(node))
    names = _names_in(entries) or outer
    lists = [strings for key, value in entries if type(key) is int and (strings := _strings(value))]
    beside = lists[0] if len(lists) == 1 and isinstance(node, ListNode | tuple) else ()
    for key, value in entries:
        here = f"{path}.{key}" if path else str(key)
        place = f"{expression}[{in_python(key)}]"
        if is_container(value):
            yield from _members(value, here, place, depth + 1, names)
        elif _is_object(value):
            yield Member(here, place, value, names, beside)


def _entries(node: Node) -> Iterator[tuple[str | int, Node]]:
    """Go through the keys and values of a dictionary, or the positions and items of a list or tuple."""
    match node:
        case DictNode():
            pairs = node.pairs()
        case Instance():
            content = iter(node.content or [])
            pairs = zip(content, content, strict=False)
        case ListNode() | tuple():
            yield from enumerate(node.items if isinstance(node, ListNode) else node)
            return
        case _:
            return
    # The value of a repeated key is the last one.
    yield from {key: value for key, value in pairs if isinstance(key, str) or type(key) is int}.items()


def _names_in(entries: list[tuple[str | int, Node]]) -> tuple[str, ...]:
    """Give the columns that a dictionary lists; () if it lists none, or several that differ."""
    found = {
        names
        for key, value in entries
        if str(key).lower().replace("_", "") in COLUMNS_KEYS and (names := _strings(value))
    }
    return found.pop() if len(found) == 1 else ()


def _strings(node: Node) -> tuple[str, ...]:
    """Give the strings of a list, tuple, array or index; () if it holds anything else, or one twice."""
    values = values_of(_content_of_index(node)) or ()
    strings = tuple(value for value in values if isinstance(value, str) and value)
    return strings if len(set(strings)) == len(values) else ()


def _content_of_index(node: Node) -> Node:
    """Give the array in an Index of pandas, and any other node as it is."""
    match node:
        case Instance(callee=Global(name="_new_Index"), arguments=(_, DictNode() as parts)):
            data = parts.by_name().get("data")
            match data:
                case Instance(callee=Global(name="__pyx_unpickle_NDArrayBacked"), states=((_, array, *_),)):
                    return array
                case Instance(made_by=Global(name="ArrowStringArray")):
                    return strings_of_arrow(data.state().get("_pa_array"))
            return data
    return node


def _is_object(node: Node) -> bool:
    """Say whether a node is an object that may predict, transform or be called: no data."""
    if shape_of(node) is not None:
        return False
    if isinstance(node, Global):
        return not is_data(node.module)
    return isinstance(node, Instance) and not is_data(_module_of(node))


def _module_of(node: Instance) -> str:
    """Give the module of the class of an object, or of the class whose method it is; "" if it is computed."""
    if node.callee == Global("builtins", "getattr") and node.arguments:
        owner = node.arguments[0]
        owner = owner.made_by if isinstance(owner, Instance) else owner
        return owner.module if isinstance(owner, Global) else ""
    return "" if node.made_by is None else node.made_by.module


def is_data(module: str) -> bool:
    """Say whether the objects of a module are data."""
    return any(module == one or module.startswith(f"{one}.") for one in DATA_MODULES)


def _is_dictionary(node: Node) -> bool:
    return isinstance(node, Instance) and str(node.made_by) in DICTIONARIES


def in_python(key: str | int) -> str:
    """Give a key or position as Python writes it, with double quotes."""
    return str(key) if isinstance(key, int) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
