"""Writes the schema of a skops archive anew, with nothing in it but what a model of known parts needs.

A schema describes each object by its class, by the loader of skops that makes it, and by what goes in.
skops judges the names in it by a list of its own, and takes an object that has the number of an earlier one
for that one, whatever else is said of it. So of each loader only what it needs is kept, each name is judged
by the policy for what the loader does with it, and the numbers are new.
After `skops/io/_general.py`, `_numpy.py`, `_scipy.py` and `_sklearn.py`.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from service.errors import Forbidden, UnusableFile
from service.loading.policy import CALL, MAKE, NAME
from service.loading.unpickling import STAND_INS, check_defining_module, is_special

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.loading.policy import Policy

    State = dict[str, Any]
    Name = tuple[str, str]

# The newest that is known; what changes with a protocol is how some loader works.
PROTOCOL_MAX = 2
DEPTH_MAX = 150
# Objects, where one that is shared counts each time: skops goes through all of them.
NODES_MAX = 20_000_000

# How a loader may use a name, by how the policy says that it may be used.
HELD = (CALL, MAKE, NAME)
MADE = (CALL, MAKE)
CALLED = (CALL,)

NUMPY_SCALARS = frozenset(
    ("numpy", name)
    for name in (
        *("bool", "bool_", "bytes_", "str_", "datetime64", "timedelta64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
KEY_TYPES = NUMPY_SCALARS | {("builtins", name) for name in ("bool", "float", "int", "str")}
# What the loaders call although the policy has no names for it, or lets them only be made or held.
PLAIN: dict[str, frozenset[Name]] = {
    "BytearrayNode": frozenset({("builtins", "bytearray")}),
    "BytesNode": frozenset({("builtins", "bytes")}),
    "DefaultDictNode": frozenset({("collections", "defaultdict")}),
    "DictNode": frozenset(
        {("builtins", "dict"), ("sklearn.utils", "Bunch"), ("sklearn.utils._bunch", "Bunch")}
    ),
    "DTypeNode": frozenset({("numpy", "dtype")}),
    "ListNode": frozenset({("builtins", "list")}),
    "MaskedArrayNode": frozenset({("numpy.ma", "MaskedArray"), ("numpy.ma.core", "MaskedArray")}),
    "NdArrayNode": frozenset({("numpy", "ndarray"), ("numpy", "matrix")}) | NUMPY_SCALARS,
    "PartialNode": frozenset({("functools", "partial")}),
    "RandomGeneratorNode": frozenset({("numpy.random._generator", "Generator")}),
    "RandomStateNode": frozenset({("numpy.random.mtrand", "RandomState")}),
    "SetNode": frozenset({("builtins", "set")}),
    "SliceNode": frozenset({("builtins", "slice")}),
    "TreeNode": frozenset({("sklearn.tree._tree", "Tree")}),
    "TupleNode": frozenset({("builtins", "tuple")}),
}
# These call just what stands above, whatever the policy says.
STRICT = frozenset(PLAIN) - {"DictNode", "ListNode", "NdArrayNode", "SetNode", "TupleNode"}
BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})


class Schema:
    """A schema that was judged; raises `Forbidden` for one that is not a model of known parts.

    `written` is the new one, `names` are all that it names, sorted, and `files` the new names of the files
    that it uses.
    """

    def __init__(self, schema: object, policy: Policy) -> None:
        self._policy = policy
        self._names: set[str] = set()
        self._trusted: set[Name] = set()
        self._made: list[State] = []
        self._sizes: list[int] = []
        # New numbers by the file's own; None while an object is still being looked at.
        self._numbers: dict[int, int | None] = {}
        self._count = 0
        self.files: dict[str, str] = {}
        self._protocol = _protocol_of(schema)
        # From 1 on there is only one way to name a function.
        self.written = {**self._object(schema, 0), "protocol": max(self._protocol, 1), "_skops_version": ""}
        self.names = sorted(self._names)
        self._check_defining_modules()

    def _object(self, state: object, depth: int) -> State:
        """Give what is to be written of an object, or that it is an earlier one."""
        if not isinstance(state, dict) or depth > DEPTH_MAX:
            raise _misunderstood()
        number = state.get("__id__")
        if type(number) is int and number in self._numbers:
            return self._earlier(self._numbers[number])
        loader = state.get("__loader__")
        write = self._loaders.get(loader) if isinstance(loader, str) else None
        if write is None:
            raise Forbidden(f"has a {str(loader)[:40]}, which is no known part of a model")
        if type(number) is int:
            self._numbers[number] = None
        start = self._count
        self._take(1)
        try:
            written: State = write(self, state, depth + 1)
        except (KeyError, TypeError, AttributeError):
            # A part is missing, or is of another type.
            raise _misunderstood() from None
        written["__id__"] = len(self._made) + 1
        self._made.append(written)
        self._sizes.append(self._count - start)
        if type(number) is int:
            self._numbers[number] = len(self._made)
        return written

    def _earlier(self, number: int | None) -> State:
        if number is None:
            raise Forbidden("has an object that holds itself")
        self._take(self._sizes[number - 1])
        return {"__class__": "", "__module__": "", "__loader__": "CachedNode", "__id__": number}

    def _take(self, count: int) -> None:
        self._count += count
        if self._count > NODES_MAX:
            raise Forbidden("describes more objects than any model has")

    def _found(self, written: State) -> State:
        """Give what was written of an object the first time."""
        found: State = self._made[written["__id__"] - 1]
        return found

    def _named(self, state: State, uses: tuple[str, ...] = CALLED) -> State:
        """Start an object of the class that it names; refuse one that may not be used so."""
        loader, module, name = state["__loader__"], state["__module__"], state["__class__"]
        if not isinstance(module, str) or not isinstance(name, str):
            raise _misunderstood()
        if (module, name) not in PLAIN.get(loader, ()):
            self._judge(module, name, () if loader in STRICT else uses)
        self._names.add(f"{module}.{name}")
        return {"__class__": name, "__module__": module, "__loader__": loader}

    def _judge(self, module: str, name: str, uses: tuple[str, ...]) -> None:
        full = f"{module}.{name}"
        judgement = self._policy.judge(module, name)
        if judgement.use is None:
            raise Forbidden(
                f"{full} is not allowed: {judgement.reason}", name=full, is_unknown=judgement.is_unknown
            )
        # The names that unpickling gives another meaning would have their own here.
        if judgement.use not in uses or (module, name) in STAND_INS:
            raise Forbidden(f"{full} is not allowed: it is used as in no model", name=full)
        if self._policy.trusts(module):
            self._trusted.add((module, name))

    def _check_defining_modules(self) -> None:
        """Import what the user trusts, and refuse what only leads elsewhere."""
        for module, name in sorted(self._trusted):
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            check_defining_module(self._policy, module, name, found)

    # Loaders: each gives what is to be written, and reads its parts in the order in which skops does.

    def _json(self, state: State, _: int) -> State:
        content = state["content"]
        if not isinstance(content, str):
            raise _misunderstood()
        return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": content}

    def _sequence(self, state: State, depth: int) -> State:
        return {**self._named(state), "content": self._objects(state["content"], depth)}

    def _objects(self, content: object, depth: int) -> list[State]:
        if not isinstance(content, list):
            raise _misunderstood()
        return [self._object(item, depth) for item in content]

    def _dictionary(self, state: State, depth: int) -> State:
        written = self._named(state)
        types = self._object(state["key_types"], depth)
        # skops calls these with the keys.
        if self._found(types)["__loader__"] != "ListNode":
            raise _misunderstood()
        for item in map(self._found, self._found(types)["content"]):
            name = (item["__module__"], item["__class__"])
            if item["__loader__"] != "TypeNode" or name not in KEY_TYPES:
                raise Forbidden("makes keys of what is no type of keys")
        content = {key: self._object(value, depth) for key, value in state["content"].items()}
        if state["__class__"] != "dict" and any(map(is_special, content)):
            # A Bunch lends its keys as attributes.
            raise Forbidden("sets a special attribute")
        return {**written, "key_types": types, "content": content}

    def _parts(self, state: State, depth: int, *names: str) -> State:
        """Write the objects that are the parts of a content."""
        content = {name: self._object(state["content"][name], depth) for name in names}
        return {**self._named(state), "content": content}

    def _default_dictionary(self, state: State, depth: int) -> State:
        return self._parts(state, depth, "main", "default_factory")

    def _masked_array(self, state: State, depth: int) -> State:
        return self._parts(state, depth, "data", "mask")

    def _partial(self, state: State, depth: int) -> State:
        written = self._parts(state, depth, "func", "args", "kwds", "namespace")
        self._check_attributes(written["content"]["namespace"])
        return written

    def _one(self, state: State, depth: int) -> State:
        return {**self._named(state), "content": self._object(state["content"], depth)}

    def _array(self, state: State, depth: int) -> State:
        written = {**self._named(state), "type": state["type"]}
        if state["type"] == "numpy":
            return {**written, "file": self._file(state, ".npy")}
        if state["type"] != "json":
            raise _misunderstood()
        content = self._objects(state["content"], depth)
        return {**written, "content": content, "shape": self._object(state["shape"], depth)}

    def _sparse(self, state: State, _: int) -> State:
        return {**self._named(state, MADE), "type": "scipy", "file": self._file(state, ".npz")}

    def _bytes(self, state: State, _: int) -> State:
        return {**self._named(state), "file": self._file(state, ".bin")}

    def _file(self, state: State, ending: str) -> str:
        name = state["file"]
        if not isinstance(name, str) or not name.endswith(ending):
            raise _misunderstood()
        return self.files.setdefault(name, f"{len(self.files)}{ending}")

    def _slice(self, state: State, _: int) -> State:
        content = {part: state["content"][part] for part in ("start", "stop", "step")}
        if not all(value is None or isinstance(value, (int, float, str)) for value in content.values()):
            raise _misunderstood()
        return {**self._named(state), "content": content}

    def _held(self, state: State, _: int) -> State:
        if self._protocol == 0 and state["__loader__"] == "FunctionNode":
            content = state["content"]
            state = {**state, "__module__": content["module_path"], "__class__": content["function"]}
        return self._named(state, HELD)

    def _instance(self, state: State, depth: int) -> State:
        written = self._named(state, MADE)
        if written["__module__"].partition(".")[0] == "pandas":
            # NumPy would take some labels of a table for addresses.
            raise Forbidden("holds a table of pandas")
        if state.get("content") is not None:
            written["content"] = self._object(state["content"], depth)
            self._check_attributes(written["content"])
        return written

    def _method(self, state: State, depth: int) -> State:
        owner, name = self._object(state["content"]["obj"], depth), state["content"]["func"]
        found = self._found(owner)
        if not isinstance(name, str):
            raise _misunderstood()
        module, cls = found["__module__"], found["__class__"]
        if found["__loader__"] != "ObjectNode" or (state["__module__"], state["__class__"]) != (module, cls):
            raise Forbidden("has a method of what is no object")
        self._judge(module, f"{cls}.{name}", HELD)
        self._names.add(f"{module}.{cls}.{name}")
        return {**self._named(state, MADE), "content": {"func": name, "obj": owner}}

    def _operator(self, state: State, depth: int) -> State:
        if state["__module__"] != "operator":
            raise Forbidden("has a function of the operator module that is none")
        return {**self._named(state), "attrs": self._object(state["attrs"], depth)}

    def _reduced(self, state: State, depth: int) -> State:
        written = {**self._named(state), "content": self._object(state["content"], depth)}
        self._check_attributes(written["content"])
        return {**written, "__reduce__": {"args": self._object(state["__reduce__"]["args"], depth)}}

    def _generator(self, state: State, depth: int) -> State:
        parts = ("bit_generator", "seed_seq") if self._protocol > 1 else ("bit_generator",)
        written = self._parts(state, depth, *parts)
        # skops calls what has this name.
        inner = self._found(written["content"]["bit_generator"])
        is_plain = (inner["__loader__"], inner["__class__"]) == ("DictNode", "dict")
        name = self._found(inner["content"]["bit_generator"])
        if not is_plain or name["__loader__"] != "JsonNode" or _parsed(name["content"]) not in BIT_GENERATORS:
            raise Forbidden("has a generator of random numbers that is none")
        return written

    def _check_attributes(self, written: State) -> None:
        """Refuse special attributes in what an object will be given as its state."""
        if self._found(written)["__loader__"] not in ("DictNode", "JsonNode", "TupleNode"):
            raise Forbidden("sets attributes as no model does")
        if any(map(is_special, self._attributes(written))):
            raise Forbidden("sets a special attribute")

    def _attributes(self, written: State) -> Iterator[object]:
        """Go through the names in a state, which may also come as pairs of names and values."""
        found = self._found(written)
        loader: str = found["__loader__"]
        content: Any = found.get("content")
        if loader == "DictNode":
            yield from content
        elif loader == "JsonNode":
            yield from _texts(_parsed(content))
        elif loader in ("TupleNode", "ListNode", "SetNode"):
            for part in content:
                yield from self._attributes(part)

    _loaders: ClassVar[dict[str, Callable[[Schema, State, int], State]]] = {
        "BytearrayNode": _bytes,
        "BytesNode": _bytes,
        "ConstructorFromReduceNode": _one,
        "DTypeNode": _one,
        "DefaultDictNode": _default_dictionary,
        "DictNode": _dictionary,
        "FunctionNode": _held,
        "JsonNode": _json,
        "ListNode": _sequence,
        "LossNode": _reduced,
        "MaskedArrayNode": _masked_array,
        "MethodNode": _method,
        "NdArrayNode": _array,
        "ObjectNode": _instance,
        "OperatorFuncNode": _operator,
        "PartialNode": _partial,
        "QuantileForestNode": _reduced,
        "RandomGeneratorNode": _generator,
        "RandomStateNode": _one,
        "SetNode": _sequence,
        "SliceNode": _slice,
        "SparseMatrixNode": _sparse,
        "TreeNode": _reduced,
        "TupleNode": _sequence,
        "TypeNode": _held,
    }


def _protocol_of(schema: object) -> int:
    protocol = schema.get("protocol") if isinstance(schema, dict) else None
    if type(protocol) is not int or protocol < 0:
        raise _misunderstood()
    if protocol > PROTOCOL_MAX:
        reason = "was written by a newer skops than this service knows"
        raise UnusableFile(reason, "Build the image again with a newer infer")
    return protocol


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        raise _misunderstood() from None
    return value


def _texts(value: object) -> Iterator[object]:
    if isinstance(value, (list, dict)):
        for part in value:
            yield from _texts(part)
    else:
        yield value


def _misunderstood() -> Forbidden:
    return Forbidden("has a schema that cannot be understood")
