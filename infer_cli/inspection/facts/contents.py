"""Whether each part of a model sits where such a part may sit: by the lists of `service/attributes.txt`.

`service/loading/contents.py` does the same with a model that is loaded; a test compares the two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from infer_cli.inspection.facts.attributes import (
    ANY,
    ARRAY,
    DATA,
    DATA_KINDS,
    FORBIDDEN_ARGUMENTS,
    OBJECTS,
    PLAIN,
    STR,
    TEXT,
    known,
    named_alike,
)
from infer_cli.inspection.facts.policy import title_of, use_of
from infer_cli.inspection.files.refusal import Unsafe
from infer_cli.inspection.nodes.arrays import has_objects, objects_of, shape_of
from infer_cli.inspection.nodes.node_types import (
    CONSTRUCTORS,
    Array,
    Blob,
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
    children_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.facts.attributes import KnownClass

    Kinds = frozenset[str]

ANYTHING: Kinds = frozenset((ANY,))
ONLY_DATA: Kinds = frozenset((DATA,))
PASSED: Kinds = frozenset((DATA, "type"))
FACTORIES: Kinds = frozenset((PLAIN, "type", "function"))
# What scikit-learn gives to `str.format`: a width there would make names of any length.
NAME_FORMAT = "verbose_feature_names_out"
FORMAT = re.compile(r"(?:[^{}]|\{\{|\}\}|\{(?:transformer_name|feature_name)\})*")
# Arguments of the function of a FunctionTransformer.
ARGUMENTS = ("kw_args", "inv_kw_args")
SHOWN_CHARACTERS = 40
# How many sequences and dictionaries a value may lie in so that their number counts.
DEPTH_MAX = 9
# What makes a number, date, path or pattern, and joblib's cache, which the service replaces.
PLAIN_MODULES = frozenset(
    {
        *("_codecs", "datetime", "decimal", "fractions", "pathlib", "pathlib._local", "re", "uuid"),
        *("joblib.memory", "joblib._store_backends"),
    }
)
PLAIN_NAMES = frozenset({"bytearray", "bytes", "complex", "range", "slice", "scalar", "dtype", "DType"})
CONTAINERS = frozenset(
    {
        *("builtins.set", "builtins.frozenset", "builtins.list", "builtins.dict", "builtins.tuple"),
        *("collections.OrderedDict", "collections.defaultdict", "collections.deque", "collections.Counter"),
        *("sklearn.utils.Bunch", "sklearn.utils._bunch.Bunch", "sklearn.impute._iterative._ImputerTriplet"),
        "sklearn.covariance._graph_lasso._DictWithDeprecatedKeys",
    }
)
DICTIONARIES = frozenset(
    {"Bunch", "Counter", "OrderedDict", "_DictWithDeprecatedKeys", "defaultdict", "dict"}
)
# What pandas' names make, if it is no array or index.
PANDAS = {"DataFrame": "table", "Series": "table"} | dict.fromkeys(
    (
        *(
            "_unpickle_timestamp",
            "_timedelta_unpickle",
            "_nat_unpickle",
            "__nat_unpickle",
            "Interval",
            "Period",
        ),
        *("CategoricalDtype", "StringDtype", "PeriodDtype"),
    ),
    PLAIN,
)
TYPE_MODULES = ("builtins", "collections")
# The types of NumPy that are no types of numbers or texts.
ARRAYS = frozenset({"matrix", "memmap", "ndarray", "recarray"})
PARTIAL = Global("functools", "partial")
GETATTR = Global("builtins", "getattr")
HINT = (
    "If you made this file, take that value out, save the model again, and report the refusal with what "
    "infer inspect MODEL --json prints (CONTRIBUTING.md says where); if you did not make it, do not use it."
)
CHOICE_HINT = "If you made the file, give the model one of these before you save it."


class _Place(NamedTuple):
    holder: _Place | None
    part: str


class _Task(NamedTuple):
    """A node, the kinds that its place takes, the strings if they are limited, the depth, and the place."""

    node: Node
    kinds: Kinds
    choices: Kinds | None = None
    depth: int = 0
    place: _Place | None = None

    def within(self, node: Node, part: str) -> _Task:
        """Give the task of a node that lies in this one's node, a sequence or dictionary."""
        depth = min(self.depth + 1, DEPTH_MAX)
        return _Task(node, self.kinds, self.choices, depth, _Place(self.place, part))

    @property
    def takes_data(self) -> bool:
        """Whether any plain value and string may be here."""
        return self.choices is None and not self.kinds.isdisjoint((DATA, ANY))


def _shown(place: _Place | None) -> str:
    parts: list[str] = []
    while place is not None and len(parts) < SHOWN_CHARACTERS:
        parts.append(place.part)
        place = place.holder
    path = "".join(reversed(parts)).lstrip(".") or "the model"
    return path if path.isprintable() else ascii(path)[1:-1]


def check_contents(content: Node) -> None:
    """Raise `Unsafe` for the first value that sits where no known model has such a value.

    Objects whose names are not on the allow-list may sit anywhere: a file with such names is refused unless
    the user trusts them.
    """
    seen: set[tuple[int, Kinds, int]] = set()
    waiting = [_Task(content, ANYTHING)]
    while waiting:
        task = waiting.pop()
        if task.node is None:
            continue
        kind = kind_of(task.node)
        if kind is not None and not _may_hold(task, kind):
            reason = f"holds {named_alike(kind)} as {_shown(task.place)}, where no known model has one"
            raise Unsafe(reason, hint=HINT)
        if task.choices is not None and isinstance(task.node, str | Blob):
            _check_choice(task.node, task.choices, task.place)
        if isinstance(task.node, tuple | ListNode | SetNode | DictNode | Instance):
            key = (id(task.node), task.kinds, task.depth)
            if key not in seen:
                seen.add(key)
                waiting += _inside(task)


def _check_choice(node: str | Blob, choices: Kinds, place: _Place | None) -> None:
    if isinstance(node, str) and node in choices:
        return
    if isinstance(node, str) or node.is_string:
        shown = ascii(node[:SHOWN_CHARACTERS]) if isinstance(node, str) else "a long string"
        listed = ", ".join(sorted(choices))
        raise Unsafe(f"holds {shown} as {_shown(place)}, where only {listed} may be", hint=CHOICE_HINT)


def _may_hold(task: _Task, kind: str) -> bool:
    at = f"{kind}/{task.depth}"
    if not task.kinds.isdisjoint((kind, ANY, at, at + (task.place.part if task.place else ""))):
        return True
    if kind in DATA_KINDS:
        return DATA in task.kinds
    name = _home_of(task.node)
    return name is not None and use_of(name) is None


def _home_of(node: Node) -> Global | None:
    """Give the name that a node is, or is made by; of a partial object, the name of its function."""
    if isinstance(node, Global):
        return node
    if not isinstance(node, Instance):
        return None
    return _home_of(_partial(node)[0]) if node.callee == PARTIAL else class_of(node)


def kind_of(node: Node) -> str | None:  # noqa: PLR0911 (one return for each kind)
    """Tell the kind of a node, as `attributes.txt` names it; None for a container, whose values count."""
    match node:
        case str():
            return TEXT
        case Blob():
            return TEXT if node.is_string else PLAIN
        case Array():
            return OBJECTS if has_objects(node) else ARRAY
        case Global():
            return _global_kind(node)
        case Instance():
            return _instance_kind(node)
        case tuple() | ListNode() | SetNode() | DictNode():
            return None
    return PLAIN


def _global_kind(name: Global) -> str:
    if name == GETATTR:
        return f"function {name}"
    if name.module in TYPE_MODULES:
        return STR if name.name.startswith("str.") else "type"
    if name.name == "NA":
        return PLAIN
    if title_of(name).startswith("types"):
        return "type" if name.module == "numpy" and name.name not in ARRAYS else "class"
    if use_of(name) == "name":
        return "method" if "." in name.name else "function"
    return "class"


def _instance_kind(node: Instance) -> str | None:  # noqa: PLR0911 (one return for each kind)
    made_by = class_of(node)
    if made_by is None or node.callee == GETATTR:
        return STR if node.arguments and node.arguments[0] == Global("builtins", "str") else "method"
    if node.callee == PARTIAL:
        function = _partial(node)[0]
        return PLAIN if function is None else kind_of(function)
    full, package = str(made_by), made_by.module.partition(".")[0]
    listed = known(full)
    if listed is not None:
        return listed.group
    if full in CONTAINERS:
        return None
    if made_by.module in PLAIN_MODULES or (package in ("builtins", "numpy") and made_by.name in PLAIN_NAMES):
        return PLAIN
    if package == "pandas":
        return PANDAS.get(made_by.name, ARRAY)
    if made_by.module.startswith("numpy.random"):
        return "random"
    if package == "numpy" or shape_of(node) is not None:
        return OBJECTS if has_objects(node) else ARRAY
    return full


def _partial(node: Instance) -> tuple[Node, ...]:
    """Give the function of a partial object, and its arguments; the state wins, as in Python."""
    match node.states:
        case (*_, (function, arguments, keywords, _)):
            return (function, arguments, keywords)
    return (*node.arguments, node.keywords) if node.arguments else (None,)


def class_of(node: Instance) -> Global | None:
    """Give the class of an object; a function that makes objects of compiled code gets the class first."""
    made_by = node.made_by
    if made_by is None:
        return None
    first = node.arguments[0] if node.arguments else None
    is_maker = made_by.name == "newObj" or made_by.name.startswith("__pyx_unpickle_")
    return first if is_maker and isinstance(first, Global) else made_by


def _inside(task: _Task) -> Iterator[_Task]:
    """Give the nodes in a node, each with what its own place takes."""
    match task.node:
        case tuple() as items:
            yield from _items(list(items), task)
        case ListNode(items) | SetNode(items):
            yield from _items(items, task)
        case DictNode(keys_and_values):
            yield from _entries(keys_and_values, task)
        case Instance() as node:
            yield from _inside_object(node, task)


def _is_simple(node: Node) -> bool:
    return node is None or isinstance(node, bool | int | float | str | bytes)


def _items(items: list[Node], task: _Task) -> Iterator[_Task]:
    skips = task.takes_data
    for at, item in enumerate(items):
        if not skips or not _is_simple(item):
            yield task.within(item, f"[{at}]")


def _entries(keys_and_values: list[Node], task: _Task) -> Iterator[_Task]:
    skips = task.takes_data
    keys = _Task(None, task.kinds if ANY in task.kinds else ONLY_DATA, depth=task.depth, place=task.place)
    values = iter(keys_and_values)
    for key, value in zip(values, values, strict=False):
        if not isinstance(key, str):
            yield keys.within(key, "[…]")
        if not skips or not _is_simple(value):
            part = f'["{key[:SHOWN_CHARACTERS]}"]' if isinstance(key, str) else "[…]"
            yield task.within(value, part)


def _check_use(name: str, held: Node, place: _Place) -> None:
    """Refuse values that a library would do more with than the model needs."""
    if name == NAME_FORMAT and isinstance(held, str) and not FORMAT.fullmatch(held):
        raise Unsafe(f"holds a format with more than the two names as {_shown(place)}", hint=HINT)
    given = held if name in ARGUMENTS else None
    if isinstance(held, Instance) and held.callee == PARTIAL:
        given = _partial(held)[-1]
    for argument, reason in FORBIDDEN_ARGUMENTS.items():
        if isinstance(given, DictNode) and given.by_name().get(argument) is not None:
            raise Unsafe(f"gives a function {reason.format(_shown(place))}", hint=HINT)


def _check_pandas(node: Instance, place: _Place | None) -> None:
    """Refuse a table or column with a call among its attributes."""
    made_by = class_of(node)
    if made_by is not None and made_by.module.partition(".")[0] == "pandas":
        for name, held in node.state().items():
            is_call = isinstance(held, Global) or (isinstance(held, Instance) and held.callee == PARTIAL)
            if is_call and name != "_typ":
                here = _Place(place, f".{name[:SHOWN_CHARACTERS]}")
                raise Unsafe(f"sets {_shown(here)}, which would hide a method of its class", hint=HINT)


def _held_by(attributes: dict[str, Node], listed: KnownClass, place: _Place | None) -> Iterator[_Task]:
    """Give the attributes of an object of a known class, each with what it may hold."""
    for name, held in attributes.items():
        here = _Place(place, f".{name[:SHOWN_CHARACTERS]}")
        if listed.forbids(name):
            home = _home_of(held)
            if home is None or use_of(home) is not None:
                raise Unsafe(f"sets {_shown(here)}, which would hide a method of its class", hint=HINT)
            yield _Task(held, ANYTHING, place=here)
            continue
        _check_use(name, held, here)
        yield _Task(held, listed.kinds_of(name), listed.choices.get(name), place=here)


def _inside_object(node: Instance, task: _Task) -> Iterator[_Task]:
    listed = known(str(class_of(node)))
    kind = kind_of(node)
    if listed is not None:
        attributes = node.state()
        yield from _held_by(attributes, listed, task.place)
        if not attributes:
            yield from (_Task(state, ANYTHING, place=task.place) for state in node.states)
        yield from (_Task(one, ANYTHING, place=task.place) for one in node.arguments)
        yield from _entries(node.content or [], _Task(None, ANYTHING, place=task.place))
    elif kind is None:
        yield from _inside_container(node, task)
    elif node.callee == PARTIAL:
        function, *rest = _partial(node)
        if isinstance(function, Instance) and function.callee == PARTIAL:
            # Python makes one of both, so that only a file can say this.
            raise Unsafe(f"holds a partial object of another one as {_shown(task.place)}", hint=HINT)
        for held in rest:
            yield _Task(held, task.kinds | PASSED, place=task.place)
    elif kind == OBJECTS:
        yield from _items(_flat(objects_of(node), len(shape_of(node) or ())), task)
    elif kind != ARRAY or class_of(node) is None or shape_of(node) is None:
        _check_pandas(node, task.place)
        yield from (
            _Task(one, ANYTHING, place=task.place) for one in children_of(node) if one is not node.callee
        )


def _flat(items: list[Node], dimensions: int) -> list[Node]:
    """Give the elements of an array, which a schema of skops holds as lists of lists."""
    for _ in range(1, min(dimensions, DEPTH_MAX)):
        if not all(isinstance(item, ListNode) for item in items):
            break
        items = [one for item in items if isinstance(item, ListNode) for one in item.items]
    return items


def _inside_container(node: Instance, task: _Task) -> Iterator[_Task]:
    """Give what a container holds that a call makes, such as an OrderedDict, or a set in old protocols."""
    is_dictionary = node.made_by is not None and node.made_by.name in DICTIONARIES
    if is_dictionary:
        yield from _entries(node.content or [], task)
    else:
        yield from _items(node.content or [], task)
    if node.made_by is not None and node.made_by.name == "_ImputerTriplet":
        # Protocols 0 and 1 give the class, its base, and the items as one tuple.
        last = node.arguments[-1] if node.arguments else None
        is_old = node.callee in CONSTRUCTORS and isinstance(last, tuple)
        yield from _items(list(last if isinstance(last, tuple) and is_old else node.arguments), task)
        return
    for state in node.states:
        yield _Task(state, ONLY_DATA, place=task.place)
    is_factory = node.made_by is not None and node.made_by.name == "defaultdict"
    for argument in node.arguments:
        if isinstance(argument, Global):
            # The function that makes the missing values of a defaultdict.
            yield _Task(argument, FACTORIES if is_factory else ANYTHING, place=task.place)
        elif not isinstance(argument, tuple | ListNode | SetNode | DictNode):
            yield _Task(argument, task.kinds, task.choices, task.depth, task.place)
        else:
            yield task._replace(node=argument)
