"""The tree of estimators in a model: what each is made of, and what it was told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.model import Estimator, Parameter
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.described import parameter_of
from infer_cli.inspection.nodes.node_types import Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

# Real trees are a few estimators deep and have some dozens; a hostile file may say that one holds itself.
DEPTH_MAX = 20
ESTIMATORS_MAX = 1000

# Attributes with one estimator, the fitted one first: it is shown instead of the one that it was made from.
_INNER = (
    ("best_estimator_", "estimator_", "estimator", "base_estimator"),
    ("classifier_", "classifier"),
    ("regressor_", "regressor"),
    ("transformer_", "transformer"),
)
_FINAL = ("final_estimator_", "final_estimator")
# Attributes with a list of (name, estimator) or (name, estimator, columns), the fitted one first.
_NAMED = ("steps", "transformers_", "transformers", "transformer_list", "estimators")
# `estimator` of these is the kind of tree that they are made of, which nobody chose.
_OF_TREES = ("sklearn.ensemble._forest", "sklearn.ensemble.forest", "sklearn.ensemble._iforest")
_NOT_PARAMETERS = {"estimator_params", *_FINAL, *_NAMED, *(name for names in _INNER for name in names)}


def estimator_of(node: Instance) -> Estimator | None:
    """Describe an estimator and those inside it; None if it is not an object of a named class."""
    return _Describer().describe(node, None, 0)


def inner_of(node: Instance) -> Instance | None:
    """Give the estimator that a pipeline or a meta-estimator predicts with, if it has just one."""
    state = node.state()
    steps = list(_named_items(state.get("steps")))
    if steps:
        last = steps[-1][1]
        return last if isinstance(last, Instance) else None
    found = (state[name] for names in _INNER for name in names if name in state)
    return next((inner for inner in found if isinstance(inner, Instance)), None)


def first_of(node: Instance) -> Instance | None:
    """Give an estimator inside that sees the input as it comes."""
    state = node.state()
    for attribute in ("steps", "transformer_list"):
        for _, step, _ in _named_items(state.get(attribute)):
            if isinstance(step, Instance):
                return step
    estimators = state.get("estimators_")
    for estimator in estimators.items[:1] if isinstance(estimators, ListNode) else ():
        if isinstance(estimator, Instance):
            return estimator
    return inner_of(node)


class _Describer:
    """Describes one model, up to the limits."""

    def __init__(self) -> None:
        self._left = ESTIMATORS_MAX

    def describe(self, node: Node, name: str | None, depth: int) -> Estimator | None:
        if not isinstance(node, Instance) or node.made_by is None or depth > DEPTH_MAX or not self._left:
            return None
        self._left -= 1
        steps = tuple(step for step in self._steps(node, depth + 1) if step is not None)
        parameters = tuple(
            Parameter(key, parameter_of(value))
            for key, value in node.state().items()
            if not key.startswith("_") and not key.endswith("_") and key not in _NOT_PARAMETERS
        )
        return Estimator(str(node.made_by), name, parameters, steps)

    def _steps(self, node: Instance, depth: int) -> Iterator[Estimator | None]:
        state = node.state()
        named = next((items for name in _NAMED if (items := list(_named_items(state.get(name))))), [])
        for (name, step, columns), fitted in zip(named, _fitted(state, named), strict=True):
            yield self._branch(step if fitted is None else fitted, name, columns, depth)
        groups = (_FINAL,) if str(node.made_by).startswith(_OF_TREES) else (*_INNER, _FINAL)
        for names in groups:
            found = next((name for name in names if isinstance(state.get(name), Instance)), None)
            if found is not None:
                yield self.describe(state[found], found.rstrip("_"), depth)

    def _branch(self, step: Node, name: str, columns: Node, depth: int) -> Estimator | None:
        # "drop" and "passthrough" stand for themselves.
        found = Estimator(step, name, (), ()) if isinstance(step, str) else self.describe(step, name, depth)
        return found and replace(found, columns=values_of(columns))


def _named_items(node: Node) -> Iterator[tuple[str, Node, Node]]:
    """Go through a list of (name, estimator) or (name, estimator, columns)."""
    for item in node.items if isinstance(node, ListNode) else ():
        match item:
            case (str(name), step):
                yield name, step, None
            case (str(name), step, columns):
                yield name, step, columns


def _fitted(state: dict[str, Node], named: list[tuple[str, Node, Node]]) -> list[Node]:
    """Give the fitted ones of an ensemble's named estimators, which it keeps apart from their names."""
    fitted = state.get("estimators_")
    if isinstance(fitted, ListNode) and len(fitted.items) == len(named):
        return fitted.items
    return [None] * len(named)
