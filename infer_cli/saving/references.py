"""Pickling a model: which classes and functions it names, and the names under which it is written."""

from __future__ import annotations

import io
import pickle
import sys
from contextlib import contextmanager
from functools import lru_cache
from types import FunctionType, MethodDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, cast

from infer_cli.saving.failure import SaveFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What has a definition in a source and is pickled by its name. The last is what `lru_cache` makes.
DEFINED = (type, FunctionType, type(lru_cache(len)))
# Python 3.8 and newer read it; it keeps large arrays in one piece.
PROTOCOL = 5


def named_objects(model: object) -> list[type | FunctionType]:
    """List the classes and functions that a pickle of the model would name, in their order there.

    Raises `SaveFailed` if the model holds something that cannot be pickled.
    """
    finder = _Finder(io.BytesIO(), PROTOCOL)
    with _explained(model):
        finder.dump(model)
    return list(finder.found.values())


class _Finder(pickle.Pickler):
    """Collects classes and functions, and writes something else in their place, which nobody reads."""

    def __init__(self, target: io.BytesIO, protocol: int) -> None:
        super().__init__(target, protocol)
        self.found: dict[int, type | FunctionType] = {}

    def reducer_override(self, value: object) -> Any:  # noqa: ANN401 (NotImplemented, or what __reduce__ gives)
        if isinstance(value, (MethodType, MethodDescriptorType)):
            _refuse_method(value)
        if isinstance(value, DEFINED) and value is not object:
            self.found[id(value)] = cast("FunctionType", value)
            return object, ()
        return NotImplemented


def _refuse_method(method: MethodType | MethodDescriptorType) -> NoReturn:
    message = f"the model holds the method {method.__qualname__}: infer reads no name through another one"
    name = method.__name__
    hint = f"write a function at the top level of the script that calls it, such as def call_{name}(…), give "
    raise SaveFailed(message, hint=f"{hint}that to the model, and train again")


def pickled(model: object, lifted: Mapping[str, type | FunctionType], module: str) -> bytes:
    """Pickle the model; the `lifted` objects are named as those of `module`, which need not exist yet."""
    with _moved(lifted, module), _explained(model):
        return pickle.dumps(model, PROTOCOL)


@contextmanager
def _moved(lifted: Mapping[str, type | FunctionType], name: str) -> Iterator[None]:
    """Let the objects belong to a module of another name for a while."""
    module = ModuleType(name)
    kept = []
    for path, value in lifted.items():
        setattr(module, path, value)
        kept += [
            (inner, inner.__module__, inner.__qualname__, inner.__name__)
            for inner in _with_inner_classes(value)
        ]
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        for value, _, _, _ in kept:
            value.__module__ = name
        for path, value in lifted.items():
            value.__qualname__ = path
            if not isinstance(value, type):
                value.__name__ = path
        yield
    finally:
        for value, owner, path, short in kept:
            value.__module__, value.__qualname__, value.__name__ = owner, path, short
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _with_inner_classes(value: type | FunctionType) -> Iterator[type | FunctionType]:
    yield value
    if isinstance(value, type):
        for inner in vars(value).values():
            if isinstance(inner, type) and inner.__module__ == value.__module__ and inner is not value:
                yield from _with_inner_classes(inner)


@contextmanager
def _explained(model: object) -> Iterator[None]:
    try:
        yield
    except SaveFailed:
        raise
    except Exception as error:  # What a model holds may raise anything.
        message = f"the {type(model).__name__} cannot be pickled: {error}"
        hint = "take what the message names out of the model (open files, locks, loggers), and save it again"
        raise SaveFailed(message, hint=hint) from error
