"""Compiled functions of scikit-learn that are given tables which other parts of the model have computed.

What such a part computes is not known before it is called: so the shape is looked at when it is there.
"""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

if TYPE_CHECKING:
    # A compiled function, and what must hold of its arguments.
    Function = Callable[..., Any]
    Fits = Callable[..., bool]
    Array = np.ndarray[Any, np.dtype[Any]]


def guard_calls() -> None:
    """Put a look at the shapes before the functions of the modules that are loaded."""
    for (module, name), fits in _GUARDED.items():
        loaded = sys.modules.get(module)
        function = getattr(loaded, name, None)
        if function is not None and not hasattr(function, "__wrapped__"):
            setattr(loaded, name, _guarded(function, fits))
    _guard_transformer()


def _guarded(function: Function, fits: Fits) -> Function:
    @functools.wraps(function)
    def checked(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (the function's own arguments and answer)
        if not fits(*arguments, **named):
            raise ValueError(
                "the parts of the model do not fit each other: a table has too few columns or rows"
            )
        return function(*arguments, **named)

    return checked


def _has_columns(estimators: Any, table: Any, _scale: object, out: Any) -> bool:  # noqa: ANN401
    """Say whether the sums of a boosting have a column for each output and a row for each row."""
    return bool(out.shape[1] >= estimators.shape[1] and out.shape[0] >= table.shape[0])


def _has_stage(estimators: Any, _stage: int, table: Any, scale: object, out: Any) -> bool:  # noqa: ANN401
    return _has_columns(estimators, table, scale, out)


def _has_features(_nodes: object, table: Any, _sets: object, _known: object, places: Any, *_: object) -> bool:  # noqa: ANN401
    """Say whether a table has a column for each feature that trees may look at."""
    return bool(table.shape[1] >= places.shape[0])


def _has_kernel(
    table: Array, support: Array, vectors: Array, *_: object, kernel: str = "", **_named: object
) -> bool:
    """Say whether a table has a column for each number that libsvm reads of a row."""
    # A kernel that the model computes itself has a column for each row of the training.
    width = int(np.max(support, initial=-1)) + 1 if kernel == "precomputed" else vectors.shape[1]
    return bool(table.ndim == 2 and table.shape[1] >= width)  # noqa: PLR2004 (rows and columns)


def _guard_transformer() -> None:
    """Let no `FunctionTransformer` compute with whole numbers of Python, which grow without end."""
    module: Any = sys.modules.get("sklearn.preprocessing._function_transformer")
    if module is None or hasattr(module.FunctionTransformer._transform, "__wrapped__"):  # noqa: SLF001 (its only call)
        return
    transform = module.FunctionTransformer._transform  # noqa: SLF001

    @functools.wraps(transform)
    def checked(self: object, table: object, func: Any = None, kw_args: Any = None) -> object:  # noqa: ANN401
        given, called = [*(kw_args or {}).values()], func
        while isinstance(called, functools.partial):
            given += [*called.args, *called.keywords.values()]
            called = called.func
        if getattr(called, "__name__", "") in _GROWING and any(map(_is_of_objects, (table, *given))):
            raise ValueError(f"{called.__name__} takes no whole numbers of any length")
        return transform(self, table, func, kw_args)

    module.FunctionTransformer._transform = checked  # noqa: SLF001


# Functions whose result may have many more digits than what they are given.
_GROWING = frozenset(
    ("power", "pow", "left_shift", "bitwise_left_shift", "multiply", "square", "matmul", "dot", "prod", "lcm")
)


def _is_of_objects(value: Any) -> bool:  # noqa: ANN401 (a table, or an argument)
    """Say whether NumPy would compute with objects, because of this table or this argument."""
    if isinstance(value, str):
        return "O" in value
    if value is object or (isinstance(value, np.dtype) and value.hasobject):
        return True
    if isinstance(value, (tuple, list)):
        return any(map(_is_of_objects, value))
    if isinstance(value, int):
        # NumPy takes an integer of more digits for an object.
        return value.bit_length() > 64  # noqa: PLR2004 (bits of NumPy's longest integers)
    dtypes = getattr(value, "dtypes", None)
    kinds = [getattr(value, "dtype", None)] if dtypes is None else list(np.atleast_1d(dtypes))
    return any(getattr(kind, "hasobject", False) or str(kind) == "object" for kind in kinds)


_GUARDED: dict[tuple[str, str], Fits] = {
    **{
        ("sklearn.svm._libsvm", name): _has_kernel
        for name in ("predict", "decision_function", "predict_proba")
    },
    ("sklearn.ensemble._gb", "predict_stages"): _has_columns,
    ("sklearn.ensemble._gb", "predict_stage"): _has_stage,
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "_predict_from_raw_data"): _has_features,
}
