"""Whether a model is about as large where it is walked as it is in the file.

A list that holds one list twice, which holds one list twice, and so on, is small; but what walks it, as NumPy
and scikit-learn do, takes a time that doubles with each level. And what holds itself has no end. The twin
`infer_cli/inspection/facts/unfolding.py` looks at a file that is not loaded.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING

import numpy as np

from service.errors import Forbidden
from service.loading.parameters import check_parameters

if TYPE_CHECKING:
    from service.loading.policy import Policy

# How many times its own size, and how much besides, a model may have where each part counts wherever it is
# used: its objects, and the plain values that they hold, which cost less to be walked.
UNFOLDED_TIMES = 20
MORE_OBJECTS = 50_000
MORE_VALUES = 20_000_000
DEPTH_MAX = 500
# Classes whose objects know their neighbours, which know them; nothing walks them.
LINKED = frozenset(
    ("sklearn.cluster._birch._CFNode", "sklearn.cluster._birch._CFSubcluster"),
)
# What a part asks of its callers. From scikit-learn 1.9 on it knows the part, which knows it.
REQUESTS = frozenset(
    f"sklearn.utils._metadata_requests.{name}" for name in ("MetadataRequest", "MethodMetadataRequest")
)
_LEAVES = frozenset((type(None), bool, int, float, complex, str, bytes, bytearray, range, slice))
# A method that lies in an object may be of that object: gradient boosting of histograms keeps `_raw_predict`.
_PLAIN = (np.generic, np.dtype, type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
_SEQUENCES = (list, tuple, set, frozenset, deque)


# No larger size needs to be told apart, and such numbers could grow without end.
_SIZE_MAX = 10**15


class _Walk:
    """A walk that looks at each part once, and counts what a walk of all places would look at."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        # By the id of each part: how many objects and plain values it unfolds to, and how deep it is.
        self.objects: dict[int, int] = {}
        self.values: dict[int, int] = {}
        self.depths: dict[int, int] = {}
        self.all_values = 0
        self._open: set[int] = set()
        self._waiting: list[tuple[object, int, list[object] | None]] = []
        # The owners of requests: nothing walks from a request to its owner, so each is a walk of its own.
        self.owners: list[object] = []

    def go(self, held: object) -> None:
        self._waiting.append((held, 0, None))
        while self._waiting:
            part, values, inside = self._waiting.pop()
            if inside is not None:
                self._leave(part, values, inside)
            elif id(part) not in self.depths:
                self._enter(part)

    def _enter(self, part: object) -> None:
        if id(part) in self._open:
            raise Forbidden("has a part that holds itself")
        self._open.add(id(part))
        parts = self._parts_of(part)
        inside = [one for one in parts if type(one) not in _LEAVES and not _is_plain(one)]
        values = len(parts) - len(inside)
        self.all_values += values
        self._waiting.append((part, values, inside))
        self._waiting += [(one, 0, None) for one in inside if id(one) not in self.depths]

    def _leave(self, part: object, values: int, inside: list[object]) -> None:
        self._open.remove(id(part))
        depth = 1 + max((self.depths[id(one)] for one in inside), default=0)
        if depth > DEPTH_MAX:
            raise Forbidden("has parts within parts, deeper than any model's")
        self.depths[id(part)] = depth
        self.objects[id(part)] = min(_SIZE_MAX, 1 + sum(self.objects[id(one)] for one in inside))
        self.values[id(part)] = min(_SIZE_MAX, values + sum(self.values[id(one)] for one in inside))

    def _parts_of(self, value: object) -> list[object]:
        if isinstance(value, _SEQUENCES):
            parts: list[object] = list(value)
        elif isinstance(value, dict):
            parts = [*value, *value.values()]
        elif isinstance(value, np.ndarray):
            parts = value.ravel().tolist() if value.dtype.hasobject else []
        elif isinstance(value, partial):
            parts = [value.func, value.args, value.keywords]
        else:
            parts = []
        full = f"{type(value).__module__}.{type(value).__qualname__}"
        # What the user trusts may hold itself, as an object does that knows what it belongs to.
        is_trusted = self._policy.trusts(type(value).__module__) or full in self._policy.trusted
        if full not in LINKED and not is_trusted:
            attributes = getattr(value, "__dict__", {})
            check_parameters(full, attributes)
            parts += [held for name, held in attributes.items() if name != "owner" or full not in REQUESTS]
            if full in REQUESTS and "owner" in attributes:
                self.owners.append(attributes["owner"])
        return parts


def check_unfolded(held: object, policy: Policy) -> None:
    """Raise `Forbidden` for what takes far longer to be walked than to be read, or has no end."""
    walk = _Walk(policy)
    walk.owners.append(held)
    while walk.owners:
        owner = walk.owners.pop()
        walk.go(owner)
        objects, values = walk.objects[id(owner)], walk.values[id(owner)]
        if (
            objects > UNFOLDED_TIMES * len(walk.objects) + MORE_OBJECTS
            or values > UNFOLDED_TIMES * walk.all_values + MORE_VALUES
        ):
            raise Forbidden("uses its parts again and again, as if made to exhaust memory and time")


def _is_plain(value: object) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, np.ndarray) and not value.dtype.hasobject)
