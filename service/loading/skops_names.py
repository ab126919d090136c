"""Which names each loader of skops may use, besides the names of the allow-list.

The twin `infer_cli/inspection/formats/skops_names.py` has the same tables; a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # A module, and a name in it.
    Name = tuple[str, str]

NUMPY_SCALARS = frozenset(
    ("numpy", name)
    for name in (
        *("bool", "bool_", "bytes_", "str_", "datetime64", "timedelta64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    )
)
KEY_TYPES = NUMPY_SCALARS | {("builtins", name) for name in ("bool", "float", "int", "str")}
# Names that a loader calls safely, although the policy does not list them, or does not allow to call them.
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
# These loaders may use no other names than the names above, whatever the policy says.
STRICT = frozenset(PLAIN) - {"DictNode", "ListNode", "NdArrayNode", "SetNode", "TupleNode"}
BIT_GENERATORS = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
