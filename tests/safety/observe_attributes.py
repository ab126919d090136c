"""Observes what the attributes of fitted estimators hold, over the parameters of each class.

`python -m tests.safety.observe_attributes OUT [defaults]` runs in an environment with any version of
scikit-learn, from the root of the checkout, and writes JSON: for each class its group, and for each attribute
the kinds of its values. With `defaults` it does not change the parameters of the classes one by one.
`merge_attributes` makes `service/attributes.txt` of the results of several versions.
"""

from __future__ import annotations

import json
import pickle
import signal
import sys
import warnings
from collections import defaultdict, deque
from contextlib import suppress
from copy import deepcopy
from functools import partial
from inspect import signature
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.gaussian_process.kernels import Kernel
from sklearn.utils import all_estimators

from service.loading import attributes, contents
from service.loading.attributes import DATA_KINDS
from service.loading.policy import Policy

# scikit-learn has no types.
Estimator = Any
CPU_SECONDS_A_FIT = 2
POLICY = Policy()
ROWS = 40
SIMPLE_PACKAGES = frozenset(("builtins", "collections", "functools", "numpy", "pandas", "re", "datetime"))
RANDOM = np.random.default_rng(0)
CLASSES = np.tile([0, 1, 2, 1], ROWS // 4)
NUMBERS = RANDOM.random((ROWS, 4)) + CLASSES[:, None] + 0.1
AMOUNTS = NUMBERS[:, 0] * 2 + RANDOM.random(ROWS) + 0.5
NAMED = pd.DataFrame(NUMBERS, columns=list("abcd"))
WORDS = np.array(["red", "green", "blue", "red"])[np.arange(ROWS) % 4]
HOLES = np.where(RANDOM.random(NUMBERS.shape) < 0.2, np.nan, NUMBERS)
TEXTS = [f"{word} rose {at % 5}" for at, word in enumerate(WORDS)]
MIXED = pd.DataFrame(
    {"n": HOLES[:, 0], "w": WORDS.astype(object), "c": pd.Categorical(WORDS), "b": CLASSES == 1}
)
# Tables with targets: an estimator is fitted with each that it takes.
TRAINING: tuple[tuple[object, ...], ...] = (
    (NUMBERS, CLASSES),
    (NAMED, WORDS),
    (NAMED, pd.Series(CLASSES == 1)),
    (NUMBERS.astype(np.float32), CLASSES == 1),
    (NUMBERS, AMOUNTS),
    (NAMED, pd.Series(AMOUNTS)),
    (NUMBERS, np.c_[AMOUNTS, AMOUNTS]),
    (NUMBERS, np.c_[CLASSES == 1, CLASSES == 2].astype(int)),
    (NUMBERS, np.c_[WORDS, WORDS]),
    (NUMBERS[:, :1], AMOUNTS),
    (scipy.sparse.csr_matrix(NUMBERS), CLASSES),
    (scipy.sparse.csr_matrix(NUMBERS), AMOUNTS),
    (HOLES, CLASSES),
    (HOLES, AMOUNTS),
    (MIXED, CLASSES),
    (MIXED[["w", "c"]], CLASSES),
    (MIXED[["n", "c"]], CLASSES),
    (MIXED[["n", "c"]], AMOUNTS),
    (np.round(NUMBERS * 3).astype(int), CLASSES),
    (NUMBERS @ NUMBERS.T, CLASSES),
    (NUMBERS @ NUMBERS.T, AMOUNTS),
    (np.where(np.arange(ROWS) % 5 == 0, -1, CLASSES > 0),),
    (TEXTS, CLASSES),
    (pd.Series(TEXTS), CLASSES),
    ([{"a": 1, "b": word} for word in WORDS], CLASSES),
    ([["a", word] for word in WORDS],),
    (WORDS,),
    (CLASSES,),
    (RANDOM.random((6, 8, 8)),),
)


class Observed:
    """What was observed: the group of each class, and the kinds of values by class and attribute."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}
        self.methods: dict[str, set[str]] = defaultdict(set)
        self.kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, held: object) -> None:
        """Look at an object and all that it holds."""
        waiting: deque[object] = deque([held])
        seen: set[int] = set()
        kept = []
        while waiting:
            value = waiting.popleft()
            if type(value) in contents.SCALARS or isinstance(value, (str, np.generic)) or id(value) in seen:
                continue
            seen.add(id(value))
            kept.append(value)
            held_by_name = {**contents.attributes_of(value), **saved_state(value)}
            name = contents._full_name(type(value))
            if name.partition(".")[0] not in SIMPLE_PACKAGES:
                self._note_class(name, value, held_by_name)
            waiting.extend(held_by_name.values())
            waiting.extend(inside(value))

    def result(self) -> dict[str, Any]:
        """Give what was observed, as JSON can hold it."""
        return {
            name: {
                "group": group,
                "methods": sorted(self.methods[name]),
                "attributes": {key: sorted(kinds) for key, kinds in sorted(self.kinds[name].items())},
            }
            for name, group in sorted(self.groups.items())
        }

    def _note_class(self, name: str, value: object, held_by_name: dict[str, object]) -> None:
        if contents.kind_of(value, POLICY) not in (None, name):
            return
        self.groups[name] = group_of(value)
        self.methods[name] |= {
            key for key in dir(type(value)) if callable(getattr(type(value), key, None)) and key[:2] != "__"
        }
        for attribute, held in held_by_name.items():
            # An empty container has no kinds, but is an attribute too.
            self.kinds[name][attribute] |= leaves(held)


def saved_state(value: object) -> dict[str, object]:
    """Give the attributes that a pickle of the object holds, which may be others than the object has."""
    if isinstance(value, type) or type(value).__module__.partition(".")[0] in SIMPLE_PACKAGES:
        return {}
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001 (any library's)
        return {}
    state = reduced[2] if isinstance(reduced, tuple) and len(reduced) > 2 else None
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
        state = {**(state[0] or {}), **state[1]}
    return state if isinstance(state, dict) and all(isinstance(key, str) for key in state) else {}


def inside(value: object) -> list[object]:
    """Give what a container holds."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, contents.SEQUENCES):
        return list(value)
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype.hasobject else []
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, MethodType):
        return [value.__self__]
    return []


def leaves(held: object, depth: int = 0) -> set[str]:
    """Give the kinds of a value and of what lies in its containers.

    What is no data has the number of containers around it behind a slash.
    """
    kind = contents.kind_of(held, POLICY)
    found = set() if kind is None or " " in kind else {kind if kind in DATA_KINDS else f"{kind}/{depth}"}
    if depth < contents.DEPTH_MAX and not isinstance(held, (partial, MethodType)):
        for value in inside(held):
            found |= leaves(value, depth + 1)
    return found


def group_of(value: object) -> str:  # noqa: PLR0911 (one return for each group)
    """Name the group of classes that may stand for each other."""
    names = {cls.__name__ for cls in type(value).__mro__}
    module = type(value).__module__
    if isinstance(value, BaseEstimator) or {"XGBModel", "LGBMModel", "CatBoost"} & names:
        return "estimator"
    if isinstance(value, Kernel):
        return "kernel"
    if names & {"BaseCrossValidator", "BaseShuffleSplit", "_RepeatedSplits", "_CVIterableWrapper"}:
        return "splitter"
    if "_BaseScorer" in names or module.endswith("_scorer"):
        return "scorer"
    if module == "sklearn.metrics._dist_metrics":
        return "metric"
    if module.startswith("scipy.sparse."):
        return "sparse"
    if names & {"BaseLoss", "LossFunction", "CyLossFunction"}:
        return "loss"
    return ""


def variants(cls: type, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the arguments of a class: the given ones, and these with one parameter changed."""
    found = [base]
    constraints = getattr(cls, "_parameter_constraints", {})
    parameters = signature(cls).parameters
    for name, constraint in constraints.items():
        if name not in parameters or constraint == "no_validation":
            continue
        found += [{**base, name: value} for value in values_for(constraint)]
    return found


def values_for(constraint: Any) -> list[Any]:
    """Give values that a parameter's constraint of scikit-learn allows."""
    values: list[Any] = []
    for part in constraint if isinstance(constraint, list) else [constraint]:
        options = getattr(part, "options", None)
        if options is not None:
            values += sorted(options, key=str)
        elif part is None:
            values.append(None)
        elif part == "boolean" or part is bool:
            values += [True, False]
        elif part == "random_state":
            values.append(np.random.RandomState(0))
        elif part == "array-like":
            values.append([0.5, 0.25, 0.25])
        elif type(part).__name__ == "Interval":
            values += [2, 0.5, 3]
    return values


def declared_kinds(constraint: Any) -> set[str]:  # noqa: C901 (one branch for each kind)
    """Give the kinds of values that a parameter's constraint of scikit-learn allows."""
    found: set[str] = set()
    for part in constraint if isinstance(constraint, list) else [constraint]:
        methods = set(getattr(part, "methods", ()))
        if part is callable:
            found.add("function/0")
        elif part == "array-like":
            found.add("array")
        elif part == "sparse matrix":
            found.add("sparse/0")
        elif part == "random_state":
            found |= {"plain", "random/0"}
        elif part == "cv_object":
            found |= {"plain", "splitter/0"}
        elif methods & {"fit", "transform", "predict", "decision_function"}:
            found.add("estimator/0")
        elif methods & {"split"}:
            found.add("splitter/0")
        elif isinstance(part, type) and issubclass(part, (BaseEstimator, Kernel)):
            found.add("estimator/0" if issubclass(part, BaseEstimator) else "kernel/0")
        elif part is type:
            found.add("type/0")
        elif part is not None and part != "no_validation":
            found |= {"plain", "text"}
    return found


class TooSlow(Exception):
    """A fit that takes too long to wait for."""


def _stop(*_: object) -> None:
    raise TooSlow


def fit(estimator: Estimator, data: tuple[object, ...]) -> Estimator | None:
    """Give the estimator fitted with this data, or None if it does not take that or takes too long."""
    signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS_A_FIT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return deepcopy(estimator).fit(*data)
    except (Exception, TooSlow):  # noqa: BLE001 (any library's)
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def observe(
    observed: Observed,
    cls: type,
    choices: list[dict[str, Any]],
    tables: tuple[tuple[object, ...], ...] = TRAINING,
) -> int:
    """Fit a class with each choice of arguments, over the tables; give the number of fitted estimators.

    The first choice is fitted with each table, and the others with the first two tables that it took.
    """
    fitted = 0
    taken: list[tuple[object, ...]] = []
    name = contents._full_name(cls)
    for parameter, constraint in getattr(cls, "_parameter_constraints", {}).items():
        observed.kinds[name][parameter] |= declared_kinds(constraint)
    for at, arguments in enumerate(choices):
        try:
            made = cls(**deepcopy(arguments))
        except Exception:  # noqa: BLE001, S112 (not every choice makes an estimator)
            continue
        observed.add(made)
        for data in tables if at == 0 else taken[:2]:
            model = fit(made, data)
            if model is None and len(data) > 1:
                model = fit(made, data[:1])
            if model is not None:
                observed.add(model)
                with suppress(Exception):
                    observed.add(pickle.loads(pickle.dumps(model)))
                fitted += 1
                if at == 0:
                    taken.append(data)
    return fitted


def main(out: Path, *, only_defaults: bool) -> None:
    """Observe all estimators of the environment's scikit-learn, over their parameters or the defaults."""
    from tests.service.models.every_estimator import made  # noqa: PLC0415 (it needs scikit-learn's own)

    attributes.known_classes = dict  # type: ignore[assignment]  # the raw names, whatever is listed now
    observed = Observed()
    for name, cls in all_estimators():
        base = {key: value for key, value in made(name).get_params(deep=False).items() if value is not None}
        defaults = {key: one.default for key, one in signature(cls).parameters.items()}
        base = {key: value for key, value in base.items() if value is not defaults.get(key)}
        observe(observed, cls, [base] if only_defaults else variants(cls, base))
    out.write_text(json.dumps(observed.result(), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), only_defaults=sys.argv[2:] == ["defaults"])
