"""Which names each loader of skops may use, besides the names of the allow-list.

The service has the same tables, with its own names: `service/loading/skops_names.py`.
"""

from __future__ import annotations

from infer_cli.inspection.nodes.node_types import Global

NUMPY_SCALARS = frozenset(
    Global("numpy", name)
    for name in (
        *("bool", "bool_", "bytes_", "str_", "datetime64", "timedelta64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
KEY_TYPES = NUMPY_SCALARS | {Global("builtins", name) for name in ("bool", "float", "int", "str")}
# The names that a loader calls although the policy has no name, or permits less than a call.
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
    "NdArrayNode": frozenset({Global("numpy", "ndarray"), Global("numpy", "matrix")}) | NUMPY_SCALARS,
    "PartialNode": frozenset({Global("functools", "partial")}),
    "RandomGeneratorNode": frozenset({Global("numpy.random._generator", "Generator")}),
    "RandomStateNode": frozenset({Global("numpy.random.mtrand", "RandomState")}),
    "SetNode": frozenset({Global("builtins", "set")}),
    "SliceNode": frozenset({Global("builtins", "slice")}),
    "TreeNode": frozenset({Global("sklearn.tree._tree", "Tree")}),
    "TupleNode": frozenset({Global("builtins", "tuple")}),
}
# The loaders that may call the names above and no others.
STRICT = frozenset(PLAIN) - {"DictNode", "ListNode", "NdArrayNode", "SetNode", "TupleNode"}
# What the other loaders do with a name: hold it, make an object of it without arguments, or call it.
HOLDERS = frozenset({"FunctionNode", "TypeNode"})
MAKERS = frozenset({"MethodNode", "ObjectNode", "SparseMatrixNode"})
CALLERS = frozenset(
    {"ConstructorFromReduceNode", "LossNode", "OperatorFuncNode", "QuantileForestNode"}
    | (set(PLAIN) - STRICT)
)
KNOWN = {"JsonNode"} | HOLDERS | MAKERS | CALLERS | set(PLAIN)
# Where the service unpickles, it replaces these functions by harmless ones. skops would call the real ones.
STAND_INS = frozenset(
    {
        Global("builtins", "getattr"),
        Global("copyreg", "_reconstructor"),
        Global("joblib._store_backends", "FileSystemStoreBackend"),
        Global("joblib.memory", "Memory"),
        Global("joblib.numpy_pickle", "NumpyArrayWrapper"),
        Global("numpy", "memmap"),
        Global("numpy.random._pickle", "__generator_ctor"),
        Global("numpy.random._pickle", "__randomstate_ctor"),
        Global("pathlib", "WindowsPath"),
        Global("pathlib._local", "PosixPath"),
        Global("pathlib._local", "PurePosixPath"),
        Global("pathlib._local", "PureWindowsPath"),
        Global("pathlib._local", "WindowsPath"),
    }
)
BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
