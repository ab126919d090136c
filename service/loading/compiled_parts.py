"""Whether compiled code can be given the parts of a loaded model: each value that it trusts is checked first.

A model of harmless names can hold a tree whose nodes point to themselves, a table with columns out of its
bounds, or arrays that do not fit each other: compiled code would not end, would crash the process, or would
answer with what the memory held before. So this goes through all objects of a model once, and calls none of
the model's methods.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Callable, NamedTuple

import numpy as np

from service.errors import UnsoundValue, UnusableFile
from service.loading import array_values, estimator_values, neighbor_values, tree_values
from service.loading.guarded_calls import guard_calls
from service.loading.pickled_boosters import check_lightgbm_estimator
from service.loading.soundness import attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.loading.soundness import Part

    Check = Callable[[Part], None]

ADVICE = (
    "Save the model again where it was trained. If the file is as its library wrote it, "
    "report the place that is named here"
)
# Values that hold nothing, by their exact classes: most of what a model holds.
ATOMS = frozenset((type(None), bool, int, float, complex, str, bytes, bytearray))
SEQUENCES = (list, tuple, set, frozenset, deque)
FUNCTIONS = (type, FunctionType, BuiltinFunctionType, ModuleType, np.ufunc, np.dtype, np.generic)
PANDAS_PARTS = ("_mgr", "_codes", "_dtype", "_categories", "_ndarray", "_data", "_left", "_right", "_levels")
SHOWN_CHARACTERS = 40

# What is checked of an object, by the names of its class and of its bases, without their modules.
SKLEARN: dict[str, Check] = {
    "BaseEstimator": estimator_values.check_counts,
    "Tree": tree_values.check_tree,
    "BaseDecisionTree": tree_values.check_tree_owner,
    "BaseForest": tree_values.check_forest,
    "BaseBagging": tree_values.check_bagging,
    "BaseGradientBoosting": tree_values.check_boosting,
    "TreePredictor": tree_values.check_predictor,
    "BaseHistGradientBoosting": tree_values.check_histogram_boosting,
    "NeighborsBase": neighbor_values.check_neighbors,
    "BaseLibSVM": estimator_values.check_support_vectors,
    "_BaseKMeans": estimator_values.check_centers,
    "MeanShift": estimator_values.check_centers,
    "Birch": estimator_values.check_centers,
    "AffinityPropagation": estimator_values.check_centers,
    "EmpiricalCovariance": estimator_values.check_covariance,
    "BaseMixture": estimator_values.check_mixture,
    "_BaseChain": estimator_values.check_chain,
    "_BaseNMF": estimator_values.check_factors,
    "NMF": estimator_values.check_factors,
    "LatentDirichletAllocation": estimator_values.check_factors,
    "PolynomialFeatures": estimator_values.check_polynomials,
    "CountVectorizer": estimator_values.check_vocabulary,
    "DictVectorizer": estimator_values.check_vocabulary,
    "HashingVectorizer": estimator_values.check_hashing,
    "FeatureHasher": estimator_values.check_hashing,
    "OneHotEncoder": estimator_values.check_one_hot,
    "TargetEncoder": estimator_values.check_target_encoder,
    **{
        f"{kind}{bits}": neighbor_values.check_neighbor_tree
        for kind in ("KDTree", "BallTree")
        for bits in ("", 32)
    },
}
SCIPY: dict[str, Check] = {
    "BSpline": array_values.check_spline,
    "_BSpline": array_values.check_spline,
    **{
        f"{kind}_{shape}": array_values.check_sparse
        for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        for shape in ("array", "matrix")
    },
}
PANDAS: dict[str, Check] = {
    "Categorical": array_values.check_categories,
    "MultiIndex": array_values.check_multi_index,
    "BlockManager": array_values.check_blocks,
    "SingleBlockManager": array_values.check_blocks,
}
ARROW: dict[str, Check] = {"Array": array_values.check_arrow, "ChunkedArray": array_values.check_arrow}
RANDOM: dict[str, Check] = dict.fromkeys(
    ("RandomState", "Generator", "BitGenerator"), array_values.check_random
)
LIGHTGBM: dict[str, Check] = {"LGBMModel": check_lightgbm_estimator}
CHECKS = {
    "sklearn": SKLEARN,
    "scipy": SCIPY,
    "pandas": PANDAS,
    "pyarrow": ARROW,
    "numpy": RANDOM,
    "lightgbm": LIGHTGBM,
}


# The checks of each class that was met.
_KNOWN: dict[type, tuple[Check, ...]] = {}


class Place(NamedTuple):
    """Where a part sits: the place of what holds it, and its own end of the path, as `.tree_` or `[0]`."""

    holder: Place | None
    end: str | int

    def __str__(self) -> str:
        ends: list[str] = []
        place: Place | None = self
        while place is not None:
            ends.append(f"[{place.end}]" if isinstance(place.end, int) else place.end)
            place = place.holder
        path = "".join(reversed(ends)).lstrip(".")
        return path if path.isprintable() else ascii(path)[1:-1]


def check_values(held: object) -> None:
    """Raise `UnusableFile` for the first part whose values compiled code must not be given."""
    guard_calls()
    # The references keep the ids valid: an object that is made on the way could get the id of another.
    seen: dict[int, object] = {}
    waiting: list[tuple[object, Place | None]] = [(held, None)]
    while waiting:
        part, place = waiting.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        for check in _checks_of(type(part)):
            _run(check, part, place)
        waiting += [found for found in _inside(part, place) if type(found[0]) not in ATOMS]


def _checks_of(cls: type) -> tuple[Check, ...]:
    known = _KNOWN.get(cls)
    if known is not None:
        return known
    found: dict[Check, None] = {}
    for base in cls.__mro__:
        check = CHECKS.get(base.__module__.partition(".")[0], {}).get(base.__name__)
        if check is not None:
            found[check] = None
    _KNOWN[cls] = tuple(found)
    return _KNOWN[cls]


def _run(check: Check, part: Part, place: Place | None) -> None:
    what = f"{place} ({type(part).__name__})" if place is not None else type(part).__name__
    try:
        check(part)
    except UnsoundValue as error:
        raise UnusableFile(f"holds {what}, {error}, as no trained model has", ADVICE) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        reason = f"holds {what}, which cannot be checked ({type(error).__name__}: {error})"
        raise UnusableFile(reason, ADVICE) from error


def _inside(part: Part, place: Place | None) -> Iterator[tuple[object, Place]]:
    """Give what a part holds, each with its place."""
    if isinstance(part, FUNCTIONS):
        return
    yield from _contained(part, place)
    if isinstance(part, np.ndarray):
        return
    for name, value in attributes(part).items():
        if type(value) not in ATOMS:
            yield value, Place(place, f".{name}")
    if type(part).__module__.partition(".")[0] == "pandas":
        yield from _held_by_pandas(part, place)


def _contained(part: Part, place: Place | None) -> Iterator[tuple[object, Place]]:
    if isinstance(part, dict):
        yield from _held_by_dictionary(part, place)
    elif isinstance(part, SEQUENCES):
        for at, value in enumerate(part):
            if type(value) not in ATOMS:
                yield value, Place(place, at)
    elif isinstance(part, np.ndarray) and part.dtype.hasobject:
        # As a plain array: a masked one would hide some of its elements.
        yield from _contained(np.asarray(part).ravel().tolist(), place)
    elif isinstance(part, partial):
        yield from _contained((part.func, part.args, part.keywords), place)
    elif isinstance(part, MethodType):
        yield part.__self__, Place(place, "")


def _held_by_dictionary(part: dict[object, object], place: Place | None) -> Iterator[tuple[object, Place]]:
    for key, value in part.items():
        if type(value) not in ATOMS:
            yield value, Place(place, f"[{str(key)[:SHOWN_CHARACTERS]!r}]")
        if type(key) not in ATOMS:
            yield key, Place(place, " (a key)")


def _held_by_pandas(part: Part, place: Place | None) -> Iterator[tuple[object, Place]]:
    """Give what an object of pandas keeps outside of its attributes: parts of it are compiled."""
    if type(part).__name__.endswith("BlockManager"):
        for at, block in enumerate(part.blocks):
            yield block.values, Place(place, f".blocks[{at}]")
        yield list(part.axes), Place(place, ".axes")
        return
    # The other names of what a table keeps are deprecated.
    for name in ("_mgr",) if hasattr(part, "_mgr") else PANDAS_PARTS:
        found = getattr(part, name, None)
        if found is not None:
            yield found, Place(place, f".{name}")
