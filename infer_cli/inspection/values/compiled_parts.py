"""Whether compiled code can be given the parts that a file describes: each value that it trusts is checked.

`service/loading/compiled_parts.py` says what such values could do, and does the same with a model that is
loaded; the service alone sees what a file describes by calls, and by classes that are on no list here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from infer_cli.inspection.facts.contents import DICTIONARIES, PARTIAL, class_of
from infer_cli.inspection.files.refusal import Unsafe
from infer_cli.inspection.nodes.arrays import content_of, objects_of
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, ListNode, SetNode
from infer_cli.inspection.values import array_values, estimator_values, neighbor_values, tree_values
from infer_cli.inspection.values.soundness import Unseen, UnsoundValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from infer_cli.inspection.nodes.node_types import Node

    Check = Callable[[Instance], None]

ADVICE = (
    "Save the model again where it was trained. If the file is as its library wrote it, "
    "report the place that is named here."
)
SHOWN_CHARACTERS = 40
# What makes an object of the class that is the first argument.
MAKERS_OF_FIRST = frozenset({"_new_Index", "__bit_generator_ctor"})
RANDOM_MAKERS = {"__randomstate_ctor": "RandomState", "__generator_ctor": "Generator"}
# What makes a masked array: the objects in it stand among other parts of its state.
MASKED_MAKERS = frozenset({"_mareconstruct", "MaskedArray"})
# The nodes that hold others.
_HOLDERS = (tuple, ListNode, SetNode, DictNode, Instance)


def _each(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.split(), check)


# What is checked of an object, by the name of its class without the module, which differs between versions.
# The classes of scikit-learn that the service knows by a base class are listed.
SKLEARN: tuple[dict[str, Check], ...] = (
    _each(tree_values.check_tree, "Tree"),
    _each(
        tree_values.check_tree_owner,
        "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    ),
    _each(
        tree_values.check_forest,
        "RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor "
        "RandomTreesEmbedding BalancedRandomForestClassifier",
    ),
    _each(
        tree_values.check_bagging,
        "BaggingClassifier BaggingRegressor IsolationForest BalancedBaggingClassifier",
    ),
    _each(tree_values.check_boosting, "GradientBoostingClassifier GradientBoostingRegressor"),
    _each(tree_values.check_predictor, "TreePredictor"),
    _each(
        tree_values.check_histogram_boosting, "HistGradientBoostingClassifier HistGradientBoostingRegressor"
    ),
    _each(
        neighbor_values.check_neighbors,
        "KNeighborsClassifier KNeighborsRegressor KNeighborsTransformer NearestNeighbors "
        "LocalOutlierFactor RadiusNeighborsClassifier RadiusNeighborsRegressor RadiusNeighborsTransformer",
    ),
    _each(neighbor_values.check_neighbor_tree, " ".join(neighbor_values.TREES)),
    _each(estimator_values.check_support_vectors, "SVC NuSVC SVR NuSVR OneClassSVM"),
    _each(
        estimator_values.check_centers,
        "KMeans MiniBatchKMeans BisectingKMeans MeanShift Birch AffinityPropagation",
    ),
    _each(
        estimator_values.check_covariance,
        "EmpiricalCovariance ShrunkCovariance LedoitWolf OAS MinCovDet EllipticEnvelope GraphicalLasso "
        "GraphicalLassoCV",
    ),
    _each(estimator_values.check_mixture, "GaussianMixture BayesianGaussianMixture"),
    _each(estimator_values.check_chain, "ClassifierChain RegressorChain"),
    _each(estimator_values.check_factors, "NMF MiniBatchNMF LatentDirichletAllocation"),
    _each(estimator_values.check_polynomials, "PolynomialFeatures"),
    _each(estimator_values.check_vocabulary, "CountVectorizer TfidfVectorizer DictVectorizer"),
    _each(estimator_values.check_hashing, "HashingVectorizer FeatureHasher"),
    _each(estimator_values.check_one_hot, "OneHotEncoder"),
    _each(estimator_values.check_target_encoder, "TargetEncoder"),
)
SPARSE = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
SCIPY: dict[str, Check] = {
    "BSpline": array_values.check_spline,
    "_BSpline": array_values.check_spline,
    **{f"{kind}_{shape}": array_values.check_sparse for kind in SPARSE for shape in ("array", "matrix")},
}
PANDAS: dict[str, Check] = {
    "Categorical": array_values.check_categories,
    "MultiIndex": array_values.check_multi_index,
}
RANDOM = _each(array_values.check_random, "RandomState Generator MT19937 PCG64 PCG64DXSM Philox SFC64")
BY_PACKAGE: dict[str, tuple[dict[str, Check], ...]] = {
    "sklearn": SKLEARN,
    "imblearn": SKLEARN,
    "scipy": (SCIPY,),
    "pandas": (PANDAS,),
    "numpy": (RANDOM,),
}
# Objects of compiled code: what is in them is checked with them.
OPAQUE = frozenset({"Tree", *neighbor_values.TREES})


class _Place(NamedTuple):
    holder: _Place | None
    end: str | int

    def __str__(self) -> str:
        ends: list[str] = []
        place: _Place | None = self
        while place is not None:
            ends.append(f"[{place.end}]" if isinstance(place.end, int) else place.end)
            place = place.holder
        path = "".join(reversed(ends)).lstrip(".")
        return path if path.isprintable() else ascii(path)[1:-1]


def check_values(content: Node) -> None:
    """Raise `Unsafe` for the first part whose values compiled code must not be given."""
    seen: set[int] = set()
    waiting: list[tuple[Node, _Place | None]] = [(content, None)]
    while waiting:
        part, place = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Instance):
            _check(part, place)
        waiting += [found for found in _inside(part, place) if isinstance(found[0], _HOLDERS)]


def _check(part: Instance, place: _Place | None) -> None:
    package, name = _class_of(part)
    what = f"{place} ({name})" if place is not None else name
    try:
        if package in ("sklearn", "imblearn"):
            estimator_values.check_counts(part)
        for checks in BY_PACKAGE.get(package, ()):
            if name in checks:
                with suppress(Unseen):
                    checks[name](part)
    except UnsoundValue as error:
        raise Unsafe(f"holds {what}, {error}, as no trained model has", hint=ADVICE) from error


def _class_of(part: Instance) -> tuple[str, str]:
    """Give the package and the name of the class of an object, as it will be made."""
    made_by = class_of(part)
    if made_by is None:
        return "", ""
    name = made_by.name.rpartition(".")[2]
    match part.arguments:
        case (Global(module, inner), *_) if name in MAKERS_OF_FIRST:
            return module.partition(".")[0], inner
    return made_by.module.partition(".")[0], RANDOM_MAKERS.get(name, name)


def _inside(part: Node, place: _Place | None) -> Iterator[tuple[Node, _Place]]:
    """Give what a part holds, each with its place."""
    match part:
        case tuple():
            yield from _items(part, place)
        case ListNode(items) | SetNode(items):
            yield from _items(items, place)
        case DictNode(keys_and_values):
            yield from _entries(keys_and_values, place)
        case Instance() if content_of(part) is not None:
            yield from _items(objects_of(part), place)
        case Instance():
            yield from _of_object(part, place)


def _items(items: Iterable[Node], place: _Place | None) -> Iterator[tuple[Node, _Place]]:
    for at, item in enumerate(items):
        yield item, _Place(place, at)


def _entries(keys_and_values: list[Node], place: _Place | None) -> Iterator[tuple[Node, _Place]]:
    values = iter(keys_and_values)
    for key, value in zip(values, values, strict=False):
        if isinstance(value, _HOLDERS):
            yield value, _Place(place, f"[{str(key)[:SHOWN_CHARACTERS]!r}]")
        if isinstance(key, _HOLDERS):
            yield key, _Place(place, " (a key)")


def _of_object(part: Instance, place: _Place | None) -> Iterator[tuple[Node, _Place]]:
    made_by = class_of(part)
    if made_by is not None and made_by.name in OPAQUE:
        return
    if part.callee == PARTIAL:
        state = part.states[-1] if part.states else None
        yield from _items(state if isinstance(state, tuple) else part.arguments, place)
        return
    if made_by is not None and made_by.name in MASKED_MAKERS:
        for held in part.states[0] if part.states and isinstance(part.states[0], tuple) else ():
            yield held, place or _Place(None, "")
        return
    yield from _items(part.arguments, place)
    if made_by is not None and made_by.name in DICTIONARIES:
        yield from _entries(part.content or [], place)
    else:
        yield from _items(part.content or [], place)
    attributes = part.state()
    for name, held in attributes.items():
        if isinstance(held, _HOLDERS):
            yield held, _Place(place, f".{name}")
    if not attributes:
        yield from ((state, _Place(place, "")) for state in part.states)
