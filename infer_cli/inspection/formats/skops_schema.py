"""The rules for the schema of a skops archive: its loaders, and the names that they import and call.

A schema describes each object by its class, by the loader of skops that makes it, and by what goes into it.
skops takes an object with the number of an earlier object for that earlier object, whatever else the schema
says of it. A schema with anything that no model of known parts needs is refused here; the policy then judges
the names. The service does the same with code of its own, and writes the schema anew:
`service/loading/skops_schema.py`.

The loaders are those of skops' `skops/io/_general.py`, `_numpy.py`, `_scipy.py` and `_sklearn.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, NoReturn

from infer_cli.inspection.facts.policy import use_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.skops_names import (
    BIT_GENERATORS,
    CALLERS,
    KEY_TYPES,
    KNOWN,
    MAKERS,
    PLAIN,
    STAND_INS,
    STRICT,
)
from infer_cli.inspection.nodes.node_types import Global, is_special

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.inspection.facts.features import Json

    State = dict[str, Json]

# The newest known protocol. A new protocol may change how a loader works.
PROTOCOL_MAX = 2
DEPTH_MAX = 150
# The number of objects. A shared object counts each time that it occurs: skops goes through it each time.
NODES_MAX = 20_000_000

# The endings of the files that loaders read.
_FILES = {
    "BytearrayNode": ".bin",
    "BytesNode": ".bin",
    "NdArrayNode": ".npy",
    "SparseMatrixNode": ".npz",
}


class Schema:
    """A checked schema; making one raises `Refused` if the schema is not that of a model of known parts.

    `names` are all names that loading would import, `calls` the names among them that it would call, and
    `files` the files of the archive that it would read.
    """

    def __init__(self, schema: State) -> None:
        self.names: set[Global] = set()
        self.calls: set[Global] = set()
        self.files: set[str] = set()
        # By number, each object with the count of objects in it; None while the object is being checked.
        self._numbered: dict[int, tuple[State, int] | None] = {}
        self._count = 0
        self._protocol = _protocol_of(schema)
        self._object(schema, 0)

    def _object(self, state: Json, depth: int) -> State:
        """Check an object; give the description that skops takes: of the first object with its number."""
        if not isinstance(state, dict) or depth > DEPTH_MAX:
            refuse_schema()
        number = state.get("__id__")
        if type(number) is int and number in self._numbered:
            return self._earlier(self._numbered[number])
        loader = state.get("__loader__")
        if not isinstance(loader, str) or loader not in KNOWN:
            refuse(f"has the loader {str(loader)[:40]!r} in its schema, which infer does not know")
        if type(number) is int:
            self._numbered[number] = None
        start = self._count
        self._count_objects(1)
        try:
            self._check(loader, state, depth + 1)
        except (KeyError, TypeError, AttributeError) as error:
            # A part is missing, or has another type than skops writes.
            refuse_schema(error)
        if type(number) is int:
            self._numbered[number] = (state, self._count - start)
        return state

    def _earlier(self, found: tuple[State, int] | None) -> State:
        """Give an object that was checked before, and count its objects once more."""
        if found is None:
            refuse("has an object that holds itself")
        state, count = found
        self._count_objects(count)
        return state

    def _found(self, state: Json) -> State:
        """Give the description that skops takes for an object that was checked before."""
        if not isinstance(state, dict):
            refuse_schema()
        number = state.get("__id__")
        found = self._numbered.get(number) if type(number) is int else None
        return state if found is None else found[0]

    def _count_objects(self, count: int) -> None:
        self._count += count
        if self._count > NODES_MAX:
            refuse("describes more objects than infer reads, as if made to exhaust its memory")

    def _check(self, loader: str, state: State, depth: int) -> None:
        if loader == "JsonNode":
            if not isinstance(state["content"], str):
                refuse_schema()
            return
        self._name(loader, state)
        self._loaders[loader](self, state, depth)

    def _name(self, loader: str, state: State) -> None:
        """Note the name that the loader of an object imports."""
        name = _named(state)
        if loader == "FunctionNode" and self._protocol == 0:
            name = _global(state["content"], "module_path", "function")
        self._use(name, loader)

    def _use(self, name: Global, loader: str) -> None:
        """Note a name, and whether the loader calls it; refuse a name that the loader may not use."""
        self.names.add(name)
        if name in PLAIN.get(loader, ()):
            return
        if loader in STRICT or name in STAND_INS:
            refuse(f"uses {name} as no model does")
        if loader in CALLERS or (loader in MAKERS and use_of(name) == "name"):
            self.calls.add(name)

    # The parts of objects, by loader. Each method checks the parts in the order in which skops reads them.

    def _one(self, state: State, depth: int) -> None:
        """Check the object inside, or a list of objects."""
        content = state["content"]
        for part in content if isinstance(content, list) else [content]:
            self._object(part, depth)

    def _parts(self, state: State, depth: int, *names: str) -> list[State]:
        """Check the named objects of a content, and give them."""
        content = state["content"]
        if not isinstance(content, dict):
            refuse_schema()
        return [self._object(content[name], depth) for name in names]

    def _sequence(self, state: State, depth: int) -> None:
        if not isinstance(state["content"], list):
            refuse_schema()
        self._one(state, depth)

    def _dictionary(self, state: State, depth: int) -> None:
        types, content = self._object(state["key_types"], depth), state["content"]
        if types["__loader__"] != "ListNode" or not isinstance(content, dict):
            refuse_schema()
        for described in _listed(types["content"]):
            item = self._found(described)
            if item["__loader__"] != "TypeNode" or _named(item) not in KEY_TYPES:
                refuse("makes keys with a class that is no type of keys")
        for value in content.values():
            self._object(value, depth)
        if state["__class__"] != "dict" and any(map(is_special, content)):
            # scikit-learn's Bunch shows its items as attributes.
            refuse("sets a special attribute")

    def _default_dictionary(self, state: State, depth: int) -> None:
        self._parts(state, depth, "main", "default_factory")

    def _masked_array(self, state: State, depth: int) -> None:
        self._parts(state, depth, "data", "mask")

    def _partial(self, state: State, depth: int) -> None:
        *_, namespace = self._parts(state, depth, "func", "args", "kwds", "namespace")
        self._check_attributes(namespace)

    def _array(self, state: State, depth: int) -> None:
        if state["type"] == "numpy":
            self._file(state, depth)
        elif state["type"] == "json":
            self._sequence(state, depth)
            self._object(state["shape"], depth)
        else:
            refuse_schema()

    def _file(self, state: State, _: int) -> None:
        name = state["file"]
        if not isinstance(name, str) or not name.endswith(_FILES[str(state["__loader__"])]):
            refuse_schema()
        self.files.add(name)

    def _slice(self, state: State, _: int) -> None:
        content = state["content"]
        if not isinstance(content, dict) or any(
            isinstance(content[part], list | dict) for part in ("start", "stop", "step")
        ):
            refuse_schema()

    def _held(self, _: State, __: int) -> None:
        """A function or class has no parts."""

    def _instance(self, state: State, depth: int) -> None:
        if _named(state).module.partition(".")[0] == "pandas":
            # NumPy would take some labels of a hostile DataFrame for addresses of objects.
            refuse("holds a table of pandas", hint="Save the model with joblib.dump(model, path).")
        if state.get("content") is not None:
            self._check_attributes(self._object(state["content"], depth))

    def _method(self, state: State, depth: int) -> None:
        (owner,) = self._parts(state, depth, "obj")
        if owner["__loader__"] != "ObjectNode" or _named(owner) != _named(state):
            refuse("has a method whose owner is no object of its class")
        method = _global(state["content"], "func", "func").name
        self._use(Global(_named(owner).module, f"{_named(owner).name}.{method}"), "FunctionNode")

    def _operator(self, state: State, depth: int) -> None:
        if state["__module__"] != "operator":
            refuse("has a function of the operator module that is of another module")
        self._object(state["attrs"], depth)

    def _reduced(self, state: State, depth: int) -> None:
        self._check_attributes(self._object(state["content"], depth))
        reduced = state["__reduce__"]
        self._object(reduced["args"] if isinstance(reduced, dict) else None, depth)

    def _generator(self, state: State, depth: int) -> None:
        parts = ("bit_generator", "seed_seq") if self._protocol > 1 else ("bit_generator",)
        generator, *_ = self._parts(state, depth, *parts)
        if generator["__loader__"] != "DictNode" or generator["__class__"] != "dict":
            refuse_schema()
        # skops gets the bit generator from `numpy.random` by this name, and calls it.
        inside = generator["content"]
        name = self._found(inside["bit_generator"] if isinstance(inside, dict) else None)
        if name["__loader__"] != "JsonNode" or _parsed(name["content"]) not in BIT_GENERATORS:
            refuse("has a generator of random numbers that NumPy does not know")

    def _check_attributes(self, state: State) -> None:
        """Refuse a state of an object that would set special attributes."""
        if state["__loader__"] not in {"DictNode", "JsonNode", "TupleNode"}:
            refuse("sets attributes as no model does")
        if any(map(is_special, self._attributes(state))):
            refuse("sets a special attribute")

    def _attributes(self, state: State) -> Iterator[Json]:
        """Go through the names in a state: the keys of a dictionary, or everything in a list of pairs."""
        loader, content = state["__loader__"], state.get("content")
        if loader == "DictNode" and isinstance(content, dict):
            yield from content
        elif loader == "JsonNode":
            yield from _strings(_parsed(content))
        elif loader in {"TupleNode", "ListNode", "SetNode"}:
            for part in _listed(content):
                yield from self._attributes(self._found(part))

    _loaders: ClassVar[dict[str, Callable[[Schema, State, int], None]]] = {
        "BytearrayNode": _file,
        "BytesNode": _file,
        "ConstructorFromReduceNode": _one,
        "DTypeNode": _one,
        "DefaultDictNode": _default_dictionary,
        "DictNode": _dictionary,
        "FunctionNode": _held,
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
        "SparseMatrixNode": _file,
        "TreeNode": _reduced,
        "TupleNode": _sequence,
        "TypeNode": _held,
    }


def _protocol_of(schema: State) -> int:
    protocol = schema.get("protocol")
    if type(protocol) is not int or protocol < 0:
        refuse_schema()
    if protocol > PROTOCOL_MAX:
        raise Refused("was written by a newer skops than infer knows", hint="Update infer.")
    return protocol


def _named(state: State) -> Global:
    return _global(state, "__module__", "__class__")


def _global(described: Json, module_key: str, name_key: str) -> Global:
    if not isinstance(described, dict):
        refuse_schema()
    module, name = described[module_key], described[name_key]
    if not isinstance(module, str) or not isinstance(name, str):
        refuse_schema()
    return Global(module, name)


def _listed(content: Json) -> list[Json]:
    if not isinstance(content, list):
        refuse_schema()
    return content


def _parsed(text: Json) -> Json:
    try:
        value: Json = json.loads(str(text))
    except (ValueError, RecursionError) as error:
        refuse_schema(error)
    return value


def _strings(value: Json) -> Iterator[Json]:
    if isinstance(value, list | dict):
        for part in value:
            yield from _strings(part)
    else:
        yield value


def refuse(
    reason: str,
    cause: Exception | None = None,
    *,
    hint: str = "Save the model again with skops.io.dump(model, path).",
) -> NoReturn:
    """Refuse an archive of skops; the hint says how to save the model again."""
    raise Refused(reason, hint=hint) from cause


def refuse_schema(cause: Exception | None = None) -> NoReturn:
    """Refuse a schema that skops would not write."""
    refuse("has a schema that infer does not understand", cause)
