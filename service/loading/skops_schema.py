"""Writes the schema of a skops archive anew, with nothing in it but what a model of known parts needs.

A schema describes each object by its class, by the loader of skops that makes the object, and by the content
of the object. skops judges the names in a schema by a list of its own. If an object has the number (`__id__`)
of an earlier object, skops gives the earlier object, whatever else the description says. So the new schema
has only the keys that each loader needs. The policy judges each name for the use that the loader makes of it,
and each object gets a new number.

The keys of each loader are those of `skops/io/_general.py`, `_numpy.py`, `_scipy.py` and `_sklearn.py`. The
twin `infer_cli/inspection/formats/skops_schema.py` judges a schema on the host.
"""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from service.errors import Forbidden, UnusableFile
from service.loading.built_data import is_special
from service.loading.policy import CALL, MAKE, NAME
from service.loading.skops_names import BIT_GENERATORS, KEY_TYPES, PLAIN, STRICT
from service.loading.unpickling import STAND_INS, check_defining_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.loading.policy import Policy

    # The description of an object, parsed from JSON that anyone may have written: a value may be anything.
    State = dict[str, Any]

# The newest protocol that is known. Loaders read other keys in a newer protocol.
PROTOCOL_MAX = 2
DEPTH_MAX = 150
# More objects than any model has. A shared object counts each time, because skops visits it each time.
NODES_MAX = 20_000_000

# How a loader uses a name, and the uses of the policy that allow it: the loader only puts the name into an
# object, makes an object of the class without arguments, or calls the name.
HELD = (CALL, MAKE, NAME)
MADE = (CALL, MAKE)
CALLED = (CALL,)


class Schema:
    """The new schema of an archive; raises `Forbidden` for a schema that is not of a model of known parts.

    `written` is the new schema. `names` are all full names in it, sorted. `files` maps the name of each file
    that the schema uses to the new name of the file.
    """

    def __init__(self, schema: object, policy: Policy) -> None:
        self._policy = policy
        self._names: set[str] = set()
        self._trusted: set[tuple[str, str]] = set()
        self._made: list[State] = []
        self._sizes: list[int] = []
        # The new number of each object by its number in the file; None while the object is being written.
        self._numbers: dict[int, int | None] = {}
        self._count = 0
        self.files: dict[str, str] = {}
        self._protocol = _protocol_of(schema)
        # Protocol 1 has one way to name a function; `_held` rewrites the other way of protocol 0.
        self.written = {**self._object(schema, 0), "protocol": max(self._protocol, 1), "_skops_version": ""}
        self.names = sorted(self._names)
        self._check_trusted()

    def _object(self, state: object, depth: int) -> State:
        """Write an object, or a reference to an earlier object with the same number."""
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
        self._count_objects(1)
        try:
            written: State = write(self, state, depth + 1)
        except (KeyError, TypeError, AttributeError):
            # A key is missing, or its value is of another type.
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
        self._count_objects(self._sizes[number - 1])
        return {"__class__": "", "__module__": "", "__loader__": "CachedNode", "__id__": number}

    def _count_objects(self, count: int) -> None:
        self._count += count
        if self._count > NODES_MAX:
            raise Forbidden("describes more objects than any model has")

    def _found(self, written: State) -> State:
        """Give the object itself, where `written` may be a reference to it."""
        found: State = self._made[written["__id__"] - 1]
        return found

    def _named(self, state: State, uses: tuple[str, ...] = CALLED) -> State:
        """Start an object with its class and loader; refuse a name that the loader may not use so."""
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
        # Unpickling puts a stand-in in the place of these names; skops would import the names themselves.
        if judgement.use not in uses or (module, name) in STAND_INS:
            raise Forbidden(f"{full} is not allowed: it is used as in no model", name=full)
        if self._policy.trusts(module):
            self._trusted.add((module, name))

    def _check_trusted(self) -> None:
        """Import what the user trusts, and refuse what a trusted module has only imported from elsewhere."""
        for module, name in sorted(self._trusted):
            found: object = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            check_defining_module(self._policy, module, name, found)

    # Loaders: each writes one object. Each reads the parts of the object in the order in which skops does, so
    # that a number refers to the same object.

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
        # skops calls each key type with a key.
        if self._found(types)["__loader__"] != "ListNode":
            raise _misunderstood()
        for item in map(self._found, self._found(types)["content"]):
            name = (item["__module__"], item["__class__"])
            if item["__loader__"] != "TypeNode" or name not in KEY_TYPES:
                raise Forbidden("makes keys of what is no type of keys")
        content = {key: self._object(value, depth) for key, value in state["content"].items()}
        if state["__class__"] != "dict" and any(map(is_special, content)):
            # The keys of a scikit-learn `Bunch`, which is a dict, are attributes too.
            raise Forbidden("sets a special attribute")
        return {**written, "key_types": types, "content": content}

    def _parts(self, state: State, depth: int, *names: str) -> State:
        """Write an object whose content holds another object under each of these names."""
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
            # NumPy would take the values of some special labels of a table for addresses.
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
        # skops looks this name up in `numpy.random`, and calls what it finds.
        inner = self._found(written["content"]["bit_generator"])
        is_plain = (inner["__loader__"], inner["__class__"]) == ("DictNode", "dict")
        name = self._found(inner["content"]["bit_generator"])
        if not is_plain or name["__loader__"] != "JsonNode" or _parsed(name["content"]) not in BIT_GENERATORS:
            raise Forbidden("has a generator of random numbers that is none")
        return written

    def _check_attributes(self, written: State) -> None:
        """Refuse special attributes in the state that an object will be given."""
        if self._found(written)["__loader__"] not in ("DictNode", "JsonNode", "TupleNode"):
            raise Forbidden("sets attributes as no model does")
        if any(map(is_special, self._attributes(written))):
            raise Forbidden("sets a special attribute")

    def _attributes(self, written: State) -> Iterator[object]:
        """Give the names of the attributes in a state: a dict, or a sequence of pairs of name and value."""
        found = self._found(written)
        loader: str = found["__loader__"]
        content: Any = found.get("content")
        if loader == "DictNode":
            yield from content
        elif loader == "JsonNode":
            yield from _strings(_parsed(content))
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


def _strings(value: object) -> Iterator[object]:
    """Give the keys and the elements of a JSON value at any depth, but not the values of objects."""
    if isinstance(value, (list, dict)):
        for part in value:
            yield from _strings(part)
    else:
        yield value


def _misunderstood() -> Forbidden:
    return Forbidden("has a schema that cannot be understood")
