"""The facts that the nodes of a model tell: estimator kind, classes, features, versions."""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from infer_cli.inspection.facts.boosters import xgboost_version
from infer_cli.inspection.facts.column_readers import dict_columns_of
from infer_cli.inspection.facts.column_types import features_of, takes_texts
from infer_cli.inspection.facts.documents import check_documents
from infer_cli.inspection.facts.entry import (
    count_of,
    names_of,
    takes_dictionaries,
    takes_named_columns,
    unknown_entry,
    unnamed,
    vectorizer_of,
)
from infer_cli.inspection.facts.estimator_kinds import is_sklearn_like, kind_by_loss, kind_by_name
from infer_cli.inspection.facts.estimators import estimator_of, inner_of
from infer_cli.inspection.facts.model import RecordedVersion
from infer_cli.inspection.facts.parts import class_name, named_parts
from infer_cli.inspection.facts.refusals import check_answers, check_count
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.arrays import shape_of, values_of
from infer_cli.inspection.nodes.described import what_is
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node, SetNode, children_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infer_cli.inspection.facts.features import Feature
    from infer_cli.inspection.facts.model import CompiledFrom, Estimator, EstimatorKind
    from infer_cli.inspection.nodes.arrays import Plain

# How deep estimators may lie within estimators. In a hostile file an estimator may hold itself.
DEPTH_MAX = 20
CLASSES_MAX = 100_000
FEATURES_MAX = 100_000
# The classes of objects without a predict method that people save by mistake.
_DATA = re.compile(
    r"builtins\.(bytearray|complex|frozenset|range|set|slice)|_codecs\.encode|datetime\..*"
    r"|collections\.(Counter|OrderedDict|defaultdict|deque)|numpy\.(_?core\.multiarray\.scalar|dtype)"
    r"|pandas\..*|scipy\.sparse\..*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a model of any format, as in `Inspection`; None if the file does not tell a fact.

    `unknown_entry` is the class that gets the rows first, if only that class knows which columns it takes.
    """

    kind: EstimatorKind
    estimator: Estimator | None = None
    feature_names: tuple[str, ...] | None = None
    feature_count: int | None = None
    classes: tuple[Plain, ...] | None = None
    versions: tuple[RecordedVersion, ...] = ()
    features: tuple[Feature, ...] | None = None
    frame_reason: str | None = None
    unknown_entry: str = ""
    compiled_from: CompiledFrom | None = None
    notes: tuple[str, ...] = ()


def facts_of(content: Node, *listed: Sequence[str], beside: Sequence[str] = ()) -> Facts:
    """Gather the facts of the object that a file holds; raise `Refused` if it cannot be a model.

    `listed` are lists of columns, such as one that lies beside the object in the file. The names of the first
    that fits are the model's, if it has as many columns without names, or does not say what it takes.
    `beside` is a list that may also be one of classes: it counts only if there are not as many of these.
    """
    model = _require_model(content)
    check_answers(model)
    check_documents(model)
    sklearn_version = _sklearn_version_of(model)
    is_single = takes_texts(model) or class_name(model) == "IsotonicRegression"
    names, count = names_of(model), 1 if is_single else count_of(model)
    check_count(count)
    vectorizer = vectorizer_of(model)
    if vectorizer is not None:
        names = tuple(one.name for one in dict_columns_of(vectorizer)[1])
        count = len(names)
    unknown = None if is_single or vectorizer is not None else unknown_entry(model)
    if names is None and (count is not None or unknown is not None):
        names = next((tuple(some) for some in listed if some and count in (None, len(some))), None)
        if names is None and len(beside) == count and len(_classes_of(model) or ()) != count:
            names = tuple(beside)
    features, frame_reason = _features_of(model, names, count, sklearn_version)
    kind = _kind_of(model)
    return Facts(
        kind=kind,
        estimator=estimator_of(model),
        feature_names=names,
        feature_count=count,
        features=features,
        frame_reason=frame_reason,
        unknown_entry=str(unknown.made_by) if unknown is not None and names is None else "",
        # A transformer may have the classes that it was trained with.
        classes=_classes_of(model) if kind == "classifier" else None,
        versions=tuple(
            RecordedVersion(package, version)
            for package, version in (
                ("scikit-learn", sklearn_version),
                ("xgboost", _xgboost_version_of(model)),
            )
            if version is not None
        ),
    )


def _require_model(node: Node) -> Instance:
    """Give the object that a file holds; raise `Refused` if it cannot be a model."""
    if _may_be_model(node):
        return node
    hint = "infer serves one fitted model: save that, with joblib.dump(model, path)."
    reason = f"holds {what_is(node)}, not a model"
    raise Refused(reason, hint=hint)


def _kind_of(model: Instance) -> EstimatorKind:
    """Tell the estimator kind: by the class, by the class of the estimator inside, or by fitted classes."""
    for found in _chain(model, inner_of):
        made_by = found.made_by
        named = None if made_by is None else kind_by_name(made_by) or kind_by_loss(made_by, found.state())
        if named is not None:
            return named
        steps = named_parts(found.state().get("steps"))
        if steps and steps[-1][1] in ("passthrough", None):
            return "transformer"
        # In scikit-learn `classes_` does not make a classifier: transformers such as LabelBinarizer have it
        # too.
        if (made_by is None or not is_sklearn_like(made_by)) and "classes_" in found.state():
            return "classifier"
    return "other"


def _classes_of(model: Instance) -> tuple[Plain, ...] | None:
    """Give the classes of a classifier, in the order of its probabilities."""
    for found in _chain(model, inner_of):
        state = found.state()
        binarizer = state.get("label_binarizer_") or state.get("_label_binarizer")
        for holder in (state, binarizer.state() if isinstance(binarizer, Instance) else {}):
            for attribute in ("classes_", "_classes"):
                if attribute in holder:
                    return _finite(values_of(holder[attribute]))
        # The classes of XGBoost are numbered from 0: it keeps only their number.
        count = state.get("n_classes_")
        if str(found.made_by).startswith("xgboost.") and isinstance(count, int) and 0 < count < CLASSES_MAX:
            return tuple(range(count))
    return None


def _features_of(
    model: Instance, names: tuple[str, ...] | None, count: int | None, sklearn_version: str | None
) -> tuple[tuple[Feature, ...] | None, str | None]:
    """Give the features with their column types, and why the model needs a DataFrame; None if it does not."""
    if names is None and (count is None or count > FEATURES_MAX):
        return None, None
    listed = unnamed(count or 0) if names is None else list(names)
    features, frame_reason = features_of(model, listed, sklearn_version)
    if takes_dictionaries(model) or not takes_named_columns(model, listed):
        return features, None
    is_unknown = names_of(model) is None
    return features, frame_reason or ("takes columns with names" if is_unknown else None)


def _sklearn_version_of(model: Instance) -> str | None:
    """Give the version of scikit-learn that saved the model: the outermost part that records one tells it."""
    for node in _everything(model):
        if isinstance(node, Instance):
            version = node.state().get("_sklearn_version")
            if isinstance(version, str):
                return version
    return None


def _xgboost_version_of(model: Instance) -> str | None:
    """Give the version of XGBoost that saved the model: the first booster that records one tells it."""
    versions = (xgboost_version(node) for node in _everything(model) if isinstance(node, Instance))
    return next(filter(None, versions), None)


def _may_be_model(node: Node) -> TypeGuard[Instance]:
    return isinstance(node, Instance) and shape_of(node) is None and not _DATA.fullmatch(str(node.made_by))


def _chain(model: Instance, inside: Callable[[Instance], Instance | None]) -> Iterator[Instance]:
    """Go from the model to the estimator inside it, and on, up to `DEPTH_MAX` estimators."""
    found: Instance | None = model
    for _ in range(DEPTH_MAX):
        if found is None:
            return
        yield found
        found = inside(found)


def _finite(values: tuple[Plain, ...] | None) -> tuple[Plain, ...] | None:
    """Give values that JSON can hold: NaN and the infinities become strings."""
    if values is None:
        return None
    return tuple(str(v) if isinstance(v, float) and not math.isfinite(v) else v for v in values)


def _everything(model: Instance) -> Iterator[Node]:
    """Go through all nodes that hold other nodes, level by level from the outside, each node once."""
    seen = {id(model)}
    waiting: deque[Node] = deque([model])
    while waiting:
        node = waiting.popleft()
        yield node
        for child in children_of(node):
            if isinstance(child, tuple | ListNode | SetNode | DictNode | Instance) and id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
