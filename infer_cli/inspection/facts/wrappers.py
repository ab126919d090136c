"""Objects of AutoML packages around an estimator, and the scikit-learn pipeline that answers as they do.

Such an object prepares rows and names classes in code of its package. Where that code does no more than
scikit-learn's steps inside it, a line of Python puts these into a pipeline; where it does more, a new
pipeline must be fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.parts import class_name, named_parts
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import (
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
    children_of,
)

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import Json

# How many objects are looked through.
NODES_MAX = 2_000_000
# Packages whose estimators may be the last step of a pipeline of scikit-learn.
_PACKAGES = ("catboost", "lightgbm", "sklearn", "xgboost")
# Modules of scikit-learn whose transformers need no code around them.
_STEPS = ("sklearn.impute", "sklearn.preprocessing", "sklearn.decomposition")
# Classifiers that look their class up in `classes_` by its number, and use the attribute for nothing else.
_BY_NUMBER = frozenset(
    {
        *("DecisionTreeClassifier", "ExtraTreesClassifier", "GaussianNB", "GradientBoostingClassifier"),
        *("HistGradientBoostingClassifier", "KNeighborsClassifier", "LinearDiscriminantAnalysis"),
        *("LogisticRegression", "QuadraticDiscriminantAnalysis", "RandomForestClassifier", "SGDClassifier"),
    }
)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """What is around an estimator; the expressions of Python call what the file holds `model`.

    `estimator` gives the fitted estimator. `steps` are the fitted steps before it, None if they are not all
    that happens to a row. `classes` gives the names of the classes that the estimator knows as numbers, None
    if it knows them itself. `booster` says whether the estimator is LightGBM's. `takes_numbers` says whether
    the estimator can be fitted to classes that are numbers from 0 on only.
    """

    package: str
    estimator: str
    steps: tuple[str, ...] | None
    classes: str | None = None
    booster: bool = False
    takes_numbers: bool = False

    @property
    def is_misread(self) -> bool:
        """Whether the object has scikit-learn's attributes with another meaning.

        PyCaret lists the column of the labels among its features, and knows classes as numbers.
        """
        return self.package == "PyCaret"

    def as_dict(self) -> dict[str, Json]:
        """Give the wrapper as JSON values."""
        steps: Json = None if self.steps is None else list(self.steps)
        return {"package": self.package, "estimator": self.estimator, "steps": steps}


def wrapper_of(content: Node) -> Wrapper | None:
    """Tell what is around the estimator in a file; None if nothing is that this module knows."""
    if not isinstance(content, Instance) or content.made_by is None:
        return None
    module, name = content.made_by.module, class_name(content)
    package = module.partition(".")[0]
    if package == "flaml" and name == "AutoML":
        return _flaml(content)
    if package == "pycaret" and name == "Pipeline":
        return _pycaret(content)
    return _tpot(content) if module == "sklearn.pipeline" and name == "Pipeline" else None


def _flaml(automl: Instance) -> Wrapper | None:
    """Tell what FLAML's AutoML does: it fills in numbers, and turns other columns into numbers by itself."""
    state = automl.state()
    outer = state.get("_trained_estimator")
    inner = outer.state().get("_model") if isinstance(outer, Instance) else None
    if not isinstance(inner, Instance) or not _is_final(inner):
        return None
    preparation = state.get("_transformer")
    steps: tuple[str, ...] | None = ()
    if isinstance(preparation, Instance):
        columns = preparation.state()
        is_plain = all(values_of(columns.get(key)) == () for key in ("_cat_columns", "_datetime_columns"))
        fills = isinstance(columns.get("transformer"), Instance)
        # Renamed columns are FLAML's own.
        steps = None if not is_plain or columns.get("_drop") else ()
        if fills and steps is not None:
            steps = ("model._transformer.transformer",)
    labels = state.get("_label_transformer")
    named = _named_classes(labels.state().get("classes_")) if isinstance(labels, Instance) else False
    return _wrapper("FLAML", inner, "model.model.estimator", steps, "model._label_transformer", named=named)


def _pycaret(pipeline: Instance) -> Wrapper | None:
    """Tell what PyCaret's pipeline does: each step gets some of the columns, and one gets the labels."""
    state = pipeline.state()
    parts = named_parts(state.get("steps"))
    if not parts or not isinstance(parts[-1][1], Instance) or not _is_final(parts[-1][1]):
        return None
    names = values_of(state.get("_feature_names_in")) or ()
    steps: list[str] | None = []
    labels, named = "", False
    for at, (_, part, _) in enumerate(parts[:-1]):
        inner = part.state().get("transformer") if isinstance(part, Instance) else None
        if not isinstance(part, Instance) or not isinstance(inner, Instance):
            return None
        place = f"model.steps[{at}][1].transformer"
        included = values_of(part.state().get("_include"))
        if class_name(inner) == "LabelEncoder":
            labels, named = place, _named_classes(inner.state().get("classes_"))
        elif included == () or class_name(inner) == "CleanColumnNames":
            continue
        elif steps is not None and _is_step(inner) and len(included or ()) in (len(names) - 1, len(names)):
            steps.append(place)
        else:
            steps = None
    kept = None if steps is None else tuple(steps)
    return _wrapper("PyCaret", parts[-1][1], "model.steps[-1][1]", kept, labels, named=named)


def _tpot(pipeline: Instance) -> Wrapper | None:
    """Tell which steps of a pipeline are TPOT's own: its package needs one that has no wheel."""
    parts = named_parts(pipeline.state().get("steps"))
    own = [_is_of_tpot(part) for _, part, _ in parts]
    last = parts[-1][1] if parts else None
    if not any(own) or not isinstance(last, Instance) or not _is_final(last):
        return None
    is_idle = all(
        isinstance(part, Instance) and class_name(part) == "Passthrough"
        for (_, part, _), is_own in zip(parts, own, strict=True)
        if is_own
    )
    kept = tuple(f"model.steps[{at}][1]" for at, is_own in enumerate(own[:-1]) if not is_own)
    return Wrapper("TPOT", "model.steps[-1][1]", kept if is_idle else None)


def _is_of_tpot(part: Node) -> bool:
    """Say whether a step, or anything in it, is TPOT's."""
    waiting, seen = [part], {id(part)}
    while waiting and len(seen) < NODES_MAX:
        for child in children_of(waiting.pop()):
            if isinstance(child, Global) and child.module.startswith("tpot."):
                return True
            if isinstance(child, tuple | ListNode | SetNode | DictNode | Instance) and id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
    return False


def _wrapper(
    package: str,
    inner: Instance,
    estimator: str,
    steps: tuple[str, ...] | None,
    labels: str,
    *,
    named: bool,
) -> Wrapper:
    is_lightgbm = class_name(inner) == "LGBMClassifier"
    if named and not is_lightgbm and class_name(inner) not in _BY_NUMBER:
        steps = None
    classes = f"{labels}.classes_" if named else None
    numbers = class_name(inner) == "XGBClassifier"
    return Wrapper(package, estimator, steps, classes, is_lightgbm, numbers)


def _named_classes(classes: Node) -> bool:
    """Say whether classes are anything but the numbers from 0 on."""
    values = values_of(classes)
    return values is None or list(values) != list(range(len(values)))


def _is_final(part: Instance) -> bool:
    made_by = part.made_by
    return made_by is not None and made_by.module.partition(".")[0] in _PACKAGES


def _is_step(part: Instance) -> bool:
    module = "" if part.made_by is None else part.made_by.module
    return module.startswith(_STEPS)
