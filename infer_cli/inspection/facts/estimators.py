"""The tree of estimators in a model, each with its parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.model import Estimator, Parameter
from infer_cli.inspection.facts.parts import named_parts
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.described import parameter_of
from infer_cli.inspection.nodes.node_types import Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

# A real model has some dozens of estimators in a few levels. In a hostile file an estimator may hold itself.
DEPTH_MAX = 20
ESTIMATORS_MAX = 1000

# Attributes with one estimator. In each group the fitted estimator comes first: only the first found is
# shown.
_INNER = (
    ("best_estimator_", "estimator_", "estimator", "base_estimator"),
    ("classifier_", "classifier"),
    ("regressor_", "regressor"),
    ("transformer_", "transformer"),
)
_FINAL = ("final_estimator_", "final_estimator")
# Attributes with a list of (name, estimator) or (name, estimator, columns), the fitted list first.
_NAMED = ("steps", "transformers_", "transformers", "transformer_list", "estimators")
# In forests `estimator` is the class of their trees, which is not a choice of the user.
_OF_TREES = ("sklearn.ensemble._forest", "sklearn.ensemble.forest", "sklearn.ensemble._iforest")
_NOT_PARAMETERS = {"estimator_params", *_FINAL, *_NAMED, *(name for names in _INNER for name in names)}


def estimator_of(node: Instance) -> Estimator | None:
    """Describe an estimator and the estimators inside it; None if the node is no object of a named class."""
    return _Describer().describe(node, None, 0)


def inner_of(node: Instance) -> Instance | None:
    """Give the one estimator that a pipeline or meta-estimator predicts with; None if it has none."""
    state = node.state()
    steps = named_parts(state.get("steps"))
    if steps:
        last = steps[-1][1]
        return last if isinstance(last, Instance) else None
    found = (state[name] for names in _INNER for name in names if name in state)
    return next((inner for inner in found if isinstance(inner, Instance)), None)


class _Describer:
    """Describes the estimators of one model, up to `ESTIMATORS_MAX` of them."""

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
        named = next((items for name in _NAMED if (items := named_parts(state.get(name)))), [])
        for (name, step, columns), fitted in zip(named, _fitted(state, named), strict=True):
            yield self._branch(step if fitted is None else fitted, name, columns, depth)
        groups = (_FINAL,) if str(node.made_by).startswith(_OF_TREES) else (*_INNER, _FINAL)
        for names in groups:
            found = next((name for name in names if isinstance(state.get(name), Instance)), None)
            if found is not None:
                yield self.describe(state[found], found.rstrip("_"), depth)

    def _branch(self, step: Node, name: str, columns: Node, depth: int) -> Estimator | None:
        # A step may be the string "drop" or "passthrough" in place of an estimator.
        found = Estimator(step, name, (), ()) if isinstance(step, str) else self.describe(step, name, depth)
        return found and replace(found, columns=values_of(columns))


def _fitted(state: dict[str, Node], named: list[tuple[str, Node, Node]]) -> list[Node]:
    """Give the fitted estimators of an ensemble, one for each named one; None stands for each that has none.

    An ensemble keeps its fitted estimators in `estimators_`, without their names.
    """
    fitted = state.get("estimators_")
    if isinstance(fitted, ListNode) and len(fitted.items) == len(named):
        return fitted.items
    return [None] * len(named)
