"""What a schema of skops may say: which objects are made how, of what, and by which names.

skops makes each object by the loader that the schema names, and takes an object with the number of an earlier
one for that one, whatever else is said of it. What no model of known parts needs is refused here; the names
that are left are judged by the policy. The service does the same with code of its own, and writes the schema
anew: `service/loading/skops_schema.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from infer_cli.inspection.facts.policy import use_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.node_types import Global

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.inspection.facts.model import Json

    State = dict[str, Json]

# The newest that is known; what changes with a protocol is how some loader works.
PROTOCOL_MAX = 2
DEPTH_MAX = 150
# Objects, where one that is shared counts each time: skops goes through all of them.
NODES_MAX = 20_000_000

_SCALARS = frozenset(
    Global("numpy", name)
    for name in (
        *("bool", "bool_", "bytes_", "str_", "datetime64", "timedelta64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
_KEY_TYPES = _SCALARS | {Global("builtins", name) for name in ("bool", "float", "int", "str")}
# What the loaders call although the policy does not allow calls of these.
PLAIN: dict[str, frozenset[Global]] = {
    "BytearrayNode": frozenset({Global("builtins", "bytearray")}),
    "BytesNode": frozenset({Global("builtins", "bytes")}),
    "DefaultDictNode": frozenset({Global("collections", "defaultdict")}),
    "DictNode": frozenset(
        {
            Global("builtins", "dict"),
            Global("sklearn.utils", "Bunch"),
            Global("sklearn.utils._bunch", "Bunch"),
        }
    ),
    "DTypeNode": frozenset({Global("numpy", "dtype")}),
    "ListNode": frozenset({Global("builtins", "list")}),
    "MaskedArrayNode": frozenset({Global("numpy.ma", "MaskedArray"), Global("numpy.ma.core", "MaskedArray")}),
    "NdArrayNode": frozenset({Global("numpy", "ndarray"), Global("numpy", "matrix")}) | _SCALARS,
    "PartialNode": frozenset({Global("functools", "partial")}),
    "RandomGeneratorNode": frozenset({Global("numpy.random._generator", "Generator")}),
    "RandomStateNode": frozenset({Global("numpy.random.mtrand", "RandomState")}),
    "SetNode": frozenset({Global("builtins", "set")}),
    "SliceNode": frozenset({Global("builtins", "slice")}),
    "TreeNode": frozenset({Global("sklearn.tree._tree", "Tree")}),
    "TupleNode": frozenset({Global("builtins", "tuple")}),
}
# These call just what stands above.
STRICT = frozenset(PLAIN) - {"DictNode", "ListNode", "NdArrayNode", "SetNode", "TupleNode"}
# How the others use a name.
HELD = frozenset({"FunctionNode", "TypeNode"})
MADE = frozenset({"MethodNode", "ObjectNode", "SparseMatrixNode"})
CALLED = frozenset(
    {"ConstructorFromReduceNode", "LossNode", "OperatorFuncNode", "QuantileForestNode"}
    | (set(PLAIN) - STRICT)
)
# The service puts its own in place of these when it unpickles; here they would be themselves.
STAND_INS = frozenset(
    {
        Global("builtins", "getattr"),
        Global("copyreg", "_reconstructor"),
        Global("joblib.numpy_pickle", "NumpyArrayWrapper"),
        Global("numpy", "memmap"),
        Global("numpy.random._pickle", "__generator_ctor"),
        Global("numpy.random._pickle", "__randomstate_ctor"),
    }
)
_BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
_FILES = {
    "BytearrayNode": ".bin",
    "BytesNode": ".bin",
    "NdArrayNode": ".npy",
    "SparseMatrixNode": ".npz",
}


class Rules:
    """A schema that was gone through; raises `Refused` for one that is not a model of known parts.

    `names` are all that it names, `calls` those of them that would be called, and `files` the files that it
    uses.
    """

    def __init__(self, schema: State) -> None:
        self.names: set[Global] = set()
        self.calls: set[Global] = set()
        self.files: set[str] = set()
        # The objects by their numbers, and how many there are in each; None while one is looked at.
        self._numbered: dict[int, tuple[State, int] | None] = {}
        self._count = 0
        self._protocol = _protocol_of(schema)
        self._object(schema, 0)

    def _object(self, state: Json, depth: int) -> State:
        """Go through an object; give what stands for it, which is the first with its number."""
        if not isinstance(state, dict) or depth > DEPTH_MAX:
            refuse_schema()
        number = state.get("__id__")
        if type(number) is int and number in self._numbered:
            return self._earlier(self._numbered[number])
        loader = state.get("__loader__")
        if not isinstance(loader, str) or loader not in KNOWN:
            refuse(f"has a {str(loader)[:40]!r} in its schema, which infer does not know")
        if type(number) is int:
            self._numbered[number] = None
        start = self._count
        self._take(1)
        try:
            self._look_at(loader, state, depth + 1)
        except (KeyError, TypeError, AttributeError) as error:
            # A part is missing, or is of another type.
            refuse_schema(error)
        if type(number) is int:
            self._numbered[number] = (state, self._count - start)
        return state

    def _earlier(self, found: tuple[State, int] | None) -> State:
        if found is None:
            refuse("has an object that holds itself")
        state, count = found
        self._take(count)
        return state

    def _found(self, state: Json) -> State:
        """Give what stands for an object that was gone through."""
        if not isinstance(state, dict):
            refuse_schema()
        number = state.get("__id__")
        found = self._numbered.get(number) if type(number) is int else None
        return state if found is None else found[0]

    def _take(self, count: int) -> None:
        self._count += count
        if self._count > NODES_MAX:
            refuse("describes more objects than infer looks at, as if made to exhaust who reads it")

    def _look_at(self, loader: str, state: State, depth: int) -> None:
        if loader == "JsonNode":
            if not isinstance(state["content"], str):
                refuse_schema()
            return
        self._name(loader, state)
        look: Callable[[State, int], None] = getattr(self, f"_{loader.lower()}", self._content)
        look(state, depth)

    def _name(self, loader: str, state: State) -> None:
        name = _named(state)
        if loader == "FunctionNode" and self._protocol == 0:
            name = _global(state["content"], "module_path", "function")
        self._use(name, loader)

    def _use(self, name: Global, loader: str) -> None:
        self.names.add(name)
        if name in PLAIN.get(loader, ()):
            return
        if loader in STRICT or name in STAND_INS:
            refuse(f"uses {name} as no model does")
        if loader in CALLED or (loader in MADE and use_of(name) == "name"):
            self.calls.add(name)

    # Loaders, in the order in which skops reads their parts.

    def _content(self, state: State, depth: int) -> None:
        """Look at one object inside, or at a list of them."""
        content = state["content"]
        for part in content if isinstance(content, list) else [content]:
            self._object(part, depth)

    def _parts(self, state: State, depth: int, *names: str) -> list[State]:
        content = state["content"]
        if not isinstance(content, dict):
            refuse_schema()
        return [self._object(content[name], depth) for name in names]

    def _listnode(self, state: State, depth: int) -> None:
        if not isinstance(state["content"], list):
            refuse_schema()
        self._content(state, depth)

    _setnode = _tuplenode = _listnode

    def _dictnode(self, state: State, depth: int) -> None:
        types, content = self._object(state["key_types"], depth), state["content"]
        if types["__loader__"] != "ListNode" or not isinstance(content, dict):
            refuse_schema()
        for described in _listed(types["content"]):
            item = self._found(described)
            if item["__loader__"] != "TypeNode" or _named(item) not in _KEY_TYPES:
                refuse("makes keys of what is no type of keys")
        for value in content.values():
            self._object(value, depth)
        if state["__class__"] != "dict" and any(map(_is_special, content)):
            refuse("sets a special attribute")

    def _defaultdictnode(self, state: State, depth: int) -> None:
        self._parts(state, depth, "main", "default_factory")

    def _maskedarraynode(self, state: State, depth: int) -> None:
        self._parts(state, depth, "data", "mask")

    def _partialnode(self, state: State, depth: int) -> None:
        *_, namespace = self._parts(state, depth, "func", "args", "kwds", "namespace")
        self._check_attributes(namespace)

    def _ndarraynode(self, state: State, depth: int) -> None:
        if state["type"] == "numpy":
            self._file(state, depth)
        elif state["type"] == "json":
            self._listnode(state, depth)
            self._object(state["shape"], depth)
        else:
            refuse_schema()

    def _file(self, state: State, _: int) -> None:
        name = state["file"]
        if not isinstance(name, str) or not name.endswith(_FILES[str(state["__loader__"])]):
            refuse_schema()
        self.files.add(name)

    _bytesnode = _bytearraynode = _sparsematrixnode = _file

    def _slicenode(self, state: State, _: int) -> None:
        content = state["content"]
        if not isinstance(content, dict) or any(
            isinstance(content[part], list | dict) for part in ("start", "stop", "step")
        ):
            refuse_schema()

    def _functionnode(self, _: State, __: int) -> None:
        """Nothing is inside."""

    _typenode = _functionnode

    def _objectnode(self, state: State, depth: int) -> None:
        if _named(state).module.partition(".")[0] == "pandas":
            # NumPy would take some labels of a table for addresses.
            refuse("holds a table of pandas", hint="Save the model with joblib.dump(model, path).")
        if state.get("content") is not None:
            self._check_attributes(self._object(state["content"], depth))

    def _methodnode(self, state: State, depth: int) -> None:
        (owner,) = self._parts(state, depth, "obj")
        if owner["__loader__"] != "ObjectNode" or _named(owner) != _named(state):
            refuse("has a method of what is no object")
        method = _global(state["content"], "func", "func").name
        self._use(Global(_named(owner).module, f"{_named(owner).name}.{method}"), "FunctionNode")

    def _operatorfuncnode(self, state: State, depth: int) -> None:
        if state["__module__"] != "operator":
            refuse("has a function of the operator module that is none")
        self._object(state["attrs"], depth)

    def _reduced(self, state: State, depth: int) -> None:
        self._check_attributes(self._object(state["content"], depth))
        reduced = state["__reduce__"]
        self._object(reduced["args"] if isinstance(reduced, dict) else None, depth)

    _lossnode = _quantileforestnode = _treenode = _reduced

    def _randomgeneratornode(self, state: State, depth: int) -> None:
        parts = ("bit_generator", "seed_seq") if self._protocol > 1 else ("bit_generator",)
        generator, *_ = self._parts(state, depth, *parts)
        if generator["__loader__"] != "DictNode" or generator["__class__"] != "dict":
            refuse_schema()
        # skops calls what has this name.
        inside = generator["content"]
        name = self._found(inside["bit_generator"] if isinstance(inside, dict) else None)
        if name["__loader__"] != "JsonNode" or _parsed(name["content"]) not in _BIT_GENERATORS:
            refuse("has a generator of random numbers that is none")

    def _check_attributes(self, state: State) -> None:
        """Refuse special attributes in what an object will be given as its state."""
        if state["__loader__"] not in {"DictNode", "JsonNode", "TupleNode"}:
            refuse("sets attributes as no model does")
        if any(map(_is_special, self._attributes(state))):
            refuse("sets a special attribute")

    def _attributes(self, state: State) -> Iterator[Json]:
        """Go through the names in a state, which may also come as pairs of names and values."""
        loader, content = state["__loader__"], state.get("content")
        if loader == "DictNode" and isinstance(content, dict):
            yield from content
        elif loader == "JsonNode":
            yield from _texts(_parsed(content))
        elif loader in {"TupleNode", "ListNode", "SetNode"}:
            for part in _listed(content):
                yield from self._attributes(self._found(part))


KNOWN = {"JsonNode"} | HELD | MADE | CALLED | set(PLAIN)


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


def _texts(value: Json) -> Iterator[Json]:
    if isinstance(value, list | dict):
        for part in value:
            yield from _texts(part)
    else:
        yield value


def _is_special(name: Json) -> bool:
    return isinstance(name, str) and name.startswith("__") and name.endswith("__")


def refuse(
    reason: str,
    cause: Exception | None = None,
    *,
    hint: str = "Save the model again with skops.io.dump(model, path).",
) -> NoReturn:
    """Refuse an archive of skops."""
    raise Refused(reason, hint=hint) from cause


def refuse_schema(cause: Exception | None = None) -> NoReturn:
    """Refuse a schema that is not as skops writes it."""
    refuse("has a schema that infer does not understand", cause)
