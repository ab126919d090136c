"""Which names each loader of skops may use."""

from __future__ import annotations

from infer_cli.inspection.nodes.node_types import Global

_SCALARS = frozenset(
    Global("numpy", name)
    for name in (
        *("bool", "bool_", "bytes_", "str_", "datetime64", "timedelta64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
KEY_TYPES = _SCALARS | {Global("builtins", name) for name in ("bool", "float", "int", "str")}
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
KNOWN = {"JsonNode"} | HELD | MADE | CALLED | set(PLAIN)
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
BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
