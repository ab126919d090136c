"""Choosing the model among the objects in a file, and what to do where that cannot be known."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.estimator_kinds import kind_by_name
from infer_cli.inspection.facts.estimators import inner_of
from infer_cli.inspection.facts.members import Member, in_python, is_container, members_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.described import what_is
from infer_cli.inspection.nodes.node_types import Instance, Node

if TYPE_CHECKING:
    from pathlib import Path

# How deep the last step of a Pipeline is looked for, and how many objects an error lists.
DEPTH_MAX = 20
_SHOWN = 20
# Classes that turn labels into numbers: no step of a Pipeline, which gets no labels.
_LABELS = ("LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer")
_TRANSFORMERS = (
    "category_encoders",
    "sklearn.compose",
    "sklearn.decomposition",
    "sklearn.feature_extraction",
    "sklearn.feature_selection",
    "sklearn.impute",
    "sklearn.kernel_approximation",
    "sklearn.preprocessing",
    "sklearn.random_projection",
)


def choose_member(content: Node, name: str | None, path: Path) -> Member:
    """Give the one model in what a file holds, or the member of this name.

    What is no container is the model itself. Raises `Refused` if no member has the name, and without a name
    if several members may be the model.
    """
    if not is_container(content):
        if name is not None:
            raise Refused("holds one object, and no member to choose", hint="Leave out --member.")
        return Member("", "", content)
    members = members_of(content)
    found = [member for member in members if name is None or member.path == name]
    if len(found) == 1:
        return found[0]
    if not members:
        # The caller says of what is no model that it is none.
        return Member("", "", content)
    if name is not None:
        reason = f"holds no member {name!r}, but {_listed(members)}"
        raise Refused(reason, hint=_choices(members))
    raise _several(content, members, path)


def _several(content: Node, members: list[Member], path: Path) -> Refused:
    reason = f"holds {what_is(content)} with several objects: {_listed(members)}"
    predictors = [member for member in members if _predicts(member.value)]
    transformers = [member for member in members if _transforms(member.value)]
    labels = [member for member in members if _class_name(member.value) in _LABELS]
    if transformers and len(predictors) == 1:
        return Refused(reason, hint=_pipeline_lines(transformers, predictors[0], path, labels))
    if len(predictors) == 1 and len(labels) == len(members) - 1:
        hint = (
            f"--member {_word(predictors[0].path)} serves the model, which answers with the numbers that "
            f"{labels[0].path} ({_class_name(labels[0].value)}) made of the labels."
        )
        return Refused(reason, hint=hint)
    hint = _choices(predictors or members)
    if len(predictors) < len(members):
        hint += " A member is served alone: if it needs another one before it, save a Pipeline of them."
    return Refused(reason, hint=hint)


def _pipeline_lines(transformers: list[Member], predictor: Member, path: Path, labels: list[Member]) -> str:
    """Give the two lines of Python that save a Pipeline of the members."""
    steps = ", ".join(f"saved{member.expression}" for member in (*transformers, predictor))
    target = path.with_name("pipeline.joblib")
    left_out = " and ".join(member.path for member in transformers)
    loading = f"saved = joblib.load({in_python(str(path))})"
    lines = [
        "Save one Pipeline of them, with two lines of Python, and build with that file:",
        f"  import joblib; from sklearn.pipeline import make_pipeline; {loading}",
        f"  joblib.dump(make_pipeline({steps}), {in_python(str(target))})",
        f"--member {_word(predictor.path)} would leave {left_out} out, and give other answers.",
    ]
    if len(transformers) > 1:
        lines.insert(3, "with the steps in the order in which the rows went through them in training.")
    if labels:
        named = f"{labels[0].path} ({_class_name(labels[0].value)})"
        lines.append(f"{named} is no step: the service answers with the numbers that it made of the labels.")
    return "\n".join(lines)


def _choices(members: list[Member]) -> str:
    options = " or ".join(f"--member {_word(member.path)}" for member in members[:_SHOWN])
    return f"Choose the model: {options}."


def _word(path: str) -> str:
    """Give a name as a shell takes it."""
    return shlex.quote(path)


def _listed(members: list[Member]) -> str:
    shown = [f"{member.path} ({_class_name(member.value)})" for member in members[:_SHOWN]]
    return ", ".join(shown + ["…"] * (len(members) > _SHOWN))


def _class_name(node: Node) -> str:
    if isinstance(node, Instance):
        return "?" if node.made_by is None else node.made_by.name
    return str(node)


def _predicts(node: Node) -> bool:
    found: Instance | None = node if isinstance(node, Instance) else None
    for _ in range(DEPTH_MAX):
        if found is None:
            return False
        kind = None if found.made_by is None else kind_by_name(found.made_by)
        if kind is not None:
            return kind != "transformer"
        found = inner_of(found)
    return False


def _transforms(node: Node) -> bool:
    if not isinstance(node, Instance) or node.made_by is None or node.made_by.name in _LABELS:
        return False
    return f"{node.made_by.module}.".startswith(tuple(f"{one}." for one in _TRANSFORMERS))
