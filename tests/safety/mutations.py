"""Changes values of real models at random, and predicts in a child process: `python mutations.py SEED COUNT`.

A model must either be refused, or predict without a crash or an endless loop. What did not is printed, a line
each. The models and their children run one thread, because a process that has run several must not be forked.
"""

from __future__ import annotations

import copy
import os
import pickle
import random
import resource
import signal
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from service.errors import UnusableFile
from service.loading.compiled_parts import check_values
from tests.service.models import every_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Spot = tuple[str, Callable[[Any], None], Any]

WHOLE = (-1, 0, 1, 2, 7, 2**15, 2**31 - 1, 2**31, 2**62, -(2**31))
METHODS = ("predict", "transform", "kneighbors", "score_samples", "mahalanobis", "decision_function")
SECONDS = 10
MEMORY = 6 * 2**30
TRIES = 50


def spots(model: Any) -> Iterator[Spot]:
    """Go through the values of a model: a path, a function that replaces the value, and the value."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", model)]
    while waiting:
        path, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        held: list[tuple[str, Any, Any, Any]] = []
        if isinstance(part, dict):
            held = [(f"{path}[{key!r}]", part, key, value) for key, value in part.items()]
        elif isinstance(part, list):
            held = [(f"{path}[{at}]", part, at, value) for at, value in enumerate(part)]
        elif isinstance(part, np.ndarray) and part.dtype.hasobject:
            held = [(f"{path}{list(at)}", part, at, value) for at, value in np.ndenumerate(part)]
        own = getattr(part, "__dict__", None) or {}
        held += [(f"{path}.{name}", own, name, value) for name, value in own.items()]
        for place, holder, key, value in held[:100]:
            yield place, partial(holder.__setitem__, key), value
            waiting.append((place, value))


def changed(value: Any, chance: random.Random) -> Any:
    """Give another value in the place of one; raise `LookupError` for a value that is not changed."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return chance.choice((*WHOLE, int(value) + 1, int(value) - 1))
    if isinstance(value, (float, np.floating)):
        return chance.choice((-1.0, 0.0, np.nan, np.inf, 1e300))
    if isinstance(value, np.ndarray):
        return changed_array(value, chance)
    if isinstance(value, tuple) and value:
        at = chance.randrange(len(value))
        return (*value[:at], changed(value[at], chance), *value[at + 1 :])
    if sparse.issparse(value):
        made = value.copy()
        name = chance.choice(("data", "indices", "indptr"))
        setattr(made, name, changed_array(getattr(made, name), chance))
        return made
    if type(value).__module__.startswith("sklearn.") and not hasattr(value, "__dict__"):
        return rebuilt(value, chance)
    raise LookupError


def rebuilt(value: Any, chance: random.Random) -> Any:
    """Give an object of compiled code with another state."""
    make, arguments, state, *_ = value.__reduce__()
    made = make(*arguments)
    if isinstance(state, dict):
        name = chance.choice(sorted(state))
        state = {**state, name: changed(state[name], chance)}
    else:
        state = changed(state, chance)
    made.__setstate__(state)
    return made


def changed_array(value: Any, chance: random.Random) -> Any:  # noqa: PLR0911 (one return for each kind)
    made = copy.deepcopy(value)
    fields = made.dtype.names
    if fields and chance.random() < 0.8:
        name = chance.choice(fields)
        made[name][chance.randrange(len(made))] = np.array(chance.choice(WHOLE)).astype(made.dtype[name])
        return made
    kinds = "short empty twice turned flat row narrow zero small full"
    kind = chance.choice(kinds.split())
    if kind in ("short", "empty"):
        return made[: -1 if kind == "short" else 0].copy()
    if kind == "twice":
        return np.concatenate([made, made])
    if kind == "turned":
        return made.T
    if kind in ("flat", "row"):
        return made.reshape((-1,) if kind == "flat" else (1, -1))
    if kind == "narrow":
        return np.ascontiguousarray(made[:, :-1])
    if kind == "small":
        return made.astype(np.float32 if made.dtype.kind == "f" else np.int32)
    return np.full_like(made, np.array(0 if kind == "zero" else chance.choice(WHOLE)).astype(made.dtype))


def mutate(model: Any, chance: random.Random) -> str:
    """Change one value of a model; say which."""
    found = list(spots(model))
    for _ in range(TRIES):
        path, put, value = chance.choice(found)
        try:
            put(changed(value, chance))
        except Exception:  # noqa: BLE001, S112 (a value that cannot be changed in this way)
            continue
        return path
    return "nothing"


def child(content: bytes, table: Any, seed: str, tell: int) -> None:
    """Change, check and ask a model; end the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    model = pickle.loads(content)
    os.write(tell, mutate(model, random.Random(seed)).encode())  # noqa: S311 (a seed makes it again)
    try:
        check_values(model)
    except UnusableFile:
        os.write(tell, b"\trefused")
        return
    for name in METHODS:
        try:
            getattr(model, name)(table)
        except Exception:  # noqa: BLE001, S112 (any error of Python is a sound end)
            continue


def main(seed: int, count: int) -> None:
    warnings.simplefilter("ignore")
    refused = 0
    for name in every_estimator.NAMES:
        model, table = every_estimator.fitted(name)
        content = pickle.dumps(model)
        for at in range(count):
            told, tell = os.pipe()
            process = os.fork()
            if not process:
                try:
                    child(content, table, f"{seed} {name} {at}", tell)
                finally:
                    os._exit(0)
            os.close(tell)
            with os.fdopen(told) as lines:
                path, _, what = lines.read().partition("\t")
            refused += what == "refused"
            _, status = os.waitpid(process, 0)
            if os.WIFSIGNALED(status):
                sys.stdout.write(f"killed: {name}{path}: {signal.Signals(os.WTERMSIG(status)).name}\n")
    sys.stdout.write(f"refused: {refused}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
