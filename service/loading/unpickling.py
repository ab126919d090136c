"""Loads a pickle, by `pickle` or by joblib, and lets the pickle do nothing but build a model of known parts.

Python's own unpickler calls whatever a file names. The unpickler of this module asks the policy before it
imports a name, and calls only names that may be called, with the arguments that picklers write. It refuses
what no pickler writes: state for classes or functions, a second state for an object, special attributes,
dtypes with false flags, and bytes after the end of the pickle.

It extends the unpickler of `Lib/pickle.py`, as joblib does. The format of joblib's arrays is documented by
the code of joblib's `numpy_pickle.py`.
"""

from __future__ import annotations

import _compat_pickle
import copyreg
import importlib
import math
import pickle
import sys
from collections import deque
from pathlib import PurePosixPath, PureWindowsPath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import IO, TYPE_CHECKING, Any, Callable, ClassVar, cast

import numpy as np

from service.errors import Forbidden, with_article
from service.loading.bounded import BoundedUnpickler
from service.loading.built_data import (
    check_arrow,
    check_dtype,
    check_dtype_state,
    check_elements,
    check_labels,
    is_special,
)
from service.loading.calls import Costs, check_arguments, check_empty
from service.loading.compression import decompressed, size_limit
from service.loading.pickled_boosters import check_booster_state
from service.loading.policy import CALL, NAME
from service.loading.unfolding import check_unfolded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from service.loading.policy import Policy

    Dtype = np.dtype[np.generic]
    Array = np.ndarray[tuple[int, ...], Dtype]

# The first protocol that does not translate names of Python 2, and the first with dots in names.
PYTHON_3_PROTOCOL = 3
DOTS_PROTOCOL = 4
# An object with __slots__ has two dictionaries as its state.
PAIR = 2
READ_BYTES = 16 * 1024 * 1024


def load_safely(file: Path, policy: Policy) -> object:
    """Load the one object of the file; raise `Forbidden` before anything forbidden is imported or called."""
    with file.open("rb") as raw, decompressed(raw) as content:
        loaded: object = _Unpickler(content, policy, size_max=size_limit(raw, content)).load()
        if content.read(1):
            raise Forbidden("goes on after the end of its pickle")
    check_unfolded(loaded, policy)
    return loaded


class AbsentCache:
    """What stands for a cache of joblib (`Memory`), which only training uses: it does nothing."""


class _ArrayWrapper:
    """The object that joblib writes in the place of an array; the elements of the array follow it."""


class _Unpickler(BoundedUnpickler):
    """Python's unpickler with a policy: most operations of the pickle are checked before they are done."""

    dispatch: ClassVar[dict[int, Callable[[_Unpickler], None]]] = dict(BoundedUnpickler.dispatch)
    stack: list[object]
    metastack: list[list[object]]
    proto: int

    def __init__(
        self, file: IO[bytes], policy: Policy, outer: _Unpickler | None = None, *, size_max: int
    ) -> None:
        super().__init__(file)
        self._source = file
        self._policy = policy
        self._is_nested = outer is not None
        # How many bytes the file may hold: no array has more.
        self._size_max = size_max
        self._costs: Costs = Costs(file.tell) if outer is None else outer._costs  # noqa: SLF001 (its own class)
        # The listed name of each imported object, by its id.
        self._names: dict[int, str] = {}
        # How each imported object may be used, by its id. The reference to the object keeps the id valid.
        self._uses: dict[int, tuple[str, object]] = {}
        # The objects that have been given their state, by id.
        self._built: dict[int, object] = {}

    # Names.

    def find_class(self, module: str, name: str) -> object:
        """Import a name, if the policy allows it."""
        if self.proto < PYTHON_3_PROTOCOL:
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        judgement = self._policy.judge(module, name)
        if judgement.use is None:
            full = f"{module}.{name}"
            raise Forbidden(
                f"{full} is not allowed: {judgement.reason}", name=full, is_unknown=judgement.is_unknown
            )
        found = self._import(module, name)
        if self._uses.get(id(found), (None,))[0] != CALL:
            # An object that may be called by one of its names may be called by all of them.
            self._uses[id(found)] = (judgement.use, found)
            self._names[id(found)] = f"{module}.{name}"
        return found

    def _import(self, module: str, name: str) -> object:
        stand_in = STAND_INS.get((module, name))
        if stand_in is not None:
            return MethodType(stand_in, self) if isinstance(stand_in, FunctionType) else stand_in
        __import__(module, level=0)
        found: object = sys.modules[module]
        for part in name.split(".") if self.proto >= DOTS_PROTOCOL else [name]:
            found = getattr(found, part)
        if self._policy.trusts(module):
            check_defining_module(self._policy, module, name, found)
        return found

    def _refuse_outside(self) -> None:
        raise Forbidden("refers to something outside of it")

    # Calls.

    def _check_call(self, callee: object, arguments: object) -> None:
        use, _ = self._uses.get(id(callee), (None, None))
        is_bare = isinstance(callee, type) and not arguments
        if use is None or use == NAME or (use != CALL and not is_bare):
            name = getattr(callee, "__qualname__", type(callee).__name__)
            raise Forbidden(f"calls {name}, which no model does", name=name)

    def _check_arguments(self, callee: object, arguments: object) -> None:
        name = self._names.get(id(callee))
        if name is not None:
            check_arguments(name, arguments)
            self._costs.take_call(callee, cast("tuple[object, ...]", arguments))

    def _call(self) -> None:
        self._check_call(self.stack[-2], self.stack[-1] or ("no",))
        self._check_arguments(self.stack[-2], self.stack[-1])
        super().load_reduce()
        if isinstance(self.stack[-1], np.ndarray):
            check_empty(self.stack[-1])
        check_arrow(self.stack[-1])

    def _new(self) -> None:
        self._check_call(self.stack[-2], self.stack[-1])
        self._check_arguments(self.stack[-2], self.stack[-1])
        super().load_newobj()

    def _new_with_keywords(self) -> None:
        self._check_call(self.stack[-3], self.stack[-2] or self.stack[-1])
        if self.stack[-1] and id(self.stack[-3]) in self._names:
            raise Forbidden(f"calls {self._names[id(self.stack[-3])]} as no model does")
        self._check_arguments(self.stack[-3], self.stack[-2])
        super().load_newobj_ex()

    def _instantiate(self, klass: object, args: object) -> None:
        # Python's own unpickler calls this method by this name, for the opcodes INST and OBJ.
        self._check_call(klass, args)
        self._check_arguments(klass, tuple(cast("Any", args)))
        super()._instantiate(klass, args)

    # State and content.

    def _build(self) -> None:
        instance, state = self.stack[-2], self.stack[-1]
        if isinstance(instance, (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)) or (
            id(instance) in self._uses
        ):
            raise Forbidden("changes a class or a function")
        if id(instance) in self._built:
            raise Forbidden("changes an object again")
        self._check_state(type(instance).__module__, state)
        self._built[id(instance)] = instance
        check_booster_state(instance, state)
        check_dtype_state(instance, state)
        check_elements(instance, state)
        self._costs.take_state(instance, state)
        super().load_build()
        if isinstance(instance, np.dtype):
            self._costs.check_fields(instance)
            check_dtype(instance)
        elif isinstance(instance, np.ndarray):
            check_empty(instance)
        elif type(instance) is _ArrayWrapper:
            self.stack[-1] = self._read_array(vars(instance))
        else:
            check_labels(instance)

    def _check_state(self, module: str, state: object) -> None:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict) and any(map(is_special, part)):
                raise Forbidden("sets a special attribute")
        # Some classes take attributes from a list of pairs, or from another mapping.
        named = state if isinstance(state, tuple) and len(state) == PAIR else (state,)
        is_odd = isinstance(state, list) or any(
            isinstance(one, dict) and type(one) is not dict for one in named
        )
        if is_odd and not self._policy.trusts(module):
            raise Forbidden("sets attributes that are in no dictionary")

    def _append(self) -> None:
        self._check_container(self.stack[-2], (list, deque))
        super().load_append()

    def _extend(self) -> None:
        self._check_container(self.metastack[-1][-1], (list, deque))
        super().load_appends()

    def _add(self) -> None:
        self._check_container(self.metastack[-1][-1], (set,))
        self._costs.check_keys(self.metastack[-1][-1], self.stack)
        super().load_additems()

    def _frozen_set(self) -> None:
        self._costs.check_keys(self.stack, self.stack)
        super().load_frozenset()

    def _dictionary(self) -> None:
        self._costs.check_keys(self.stack, self.stack[::2])
        super().load_dict()

    def _set_item(self) -> None:
        self._check_keys(self.stack[-3], self.stack[-2:-1])
        super().load_setitem()

    def _set_items(self) -> None:
        self._check_keys(self.metastack[-1][-1], self.stack[::2])
        super().load_setitems()

    def _check_container(self, container: object, kinds: tuple[type, ...]) -> None:
        if not isinstance(container, kinds) and not self._policy.trusts(type(container).__module__):
            raise Forbidden(f"puts something into {with_article(type(container).__name__)}")

    def _check_keys(self, container: object, keys: Iterable[object]) -> None:
        self._check_container(container, (dict,))
        keys = list(keys)
        self._costs.check_keys(container, keys)
        # The keys of a scikit-learn `Bunch`, which is a dict, are attributes too.
        if type(container) is not dict and any(map(is_special, keys)):
            raise Forbidden("sets a special attribute")

    # joblib's arrays.

    def _read_array(self, wrapper: dict[str, object]) -> object:
        """Read the array whose elements follow its wrapper; `wrapper` holds the attributes of the wrapper."""
        dtype, shape = wrapper.get("dtype"), wrapper.get("shape")
        if not isinstance(dtype, np.dtype) or not isinstance(shape, tuple):
            raise Forbidden("has an array that cannot be understood")
        if dtype.hasobject:
            if self._is_nested:
                # joblib reads it as a plain pickle.
                raise Forbidden("has an array in an array as joblib writes none")
            array = _Unpickler(self._source, self._policy, self, size_max=self._size_max).load()
            if not isinstance(array, np.ndarray):
                raise Forbidden("has an array that is none")
            return array
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            # One byte with the number of padding bytes, then the padding.
            self._read_exactly(self._read_exactly(1)[0])
        array = self._elements(dtype, math.prod(int(size) for size in shape))
        array = array.reshape(shape[::-1]).T if wrapper.get("order") == "F" else array.reshape(shape)
        check_empty(array)
        if not dtype.isnative:
            array = array.astype(dtype.newbyteorder("="))
        return array.view(np.matrix) if wrapper.get("subclass") is np.matrix else array

    def _elements(self, dtype: Dtype, count: int) -> Array:
        if count * dtype.itemsize > self._size_max:
            raise EOFError("an array ended before it was whole")
        array = np.empty(count, dtype=dtype)
        if not array.nbytes:
            return array
        # The types of NumPy do not say that an array is a buffer.
        view = memoryview(cast("Any", array.view(np.uint8)))
        done = 0
        while done < len(view):
            part = self._source.read(min(READ_BYTES, len(view) - done))
            if not part:
                raise EOFError("an array ended before it was whole")
            view[done : done + len(part)] = part
            done += len(part)
        return array

    def _read_exactly(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise EOFError("an array ended before it was whole")
        return data

    # Stand-ins: called in place of functions of these names, which may do more than a model needs.

    def _reconstructor(self, cls: type, base: type, state: object) -> object:
        """Make an object of a class, as `copyreg._reconstructor` does for protocols 0 and 1."""
        self._check_call(cls, ())
        if base not in (object, dict, list, tuple, set, frozenset, int, float, str):
            raise Forbidden("makes an object of another's base")
        if type(state) is not (type(None) if base is object else base):
            raise Forbidden("makes an object of another's base")
        if isinstance(state, dict) and any(map(is_special, state)):
            raise Forbidden("sets a special attribute")
        made: object = copyreg._reconstructor(cls, base, state)  # type: ignore[attr-defined]  # noqa: SLF001
        return made

    def _method(self, owner: object, name: str) -> object:
        """Give a method, as `getattr` does, if the policy allows the full name of the method."""
        cls = owner if isinstance(owner, type) else type(owner)
        if cls is str and owner is not str:
            raise Forbidden("takes an attribute of an object that it does not name")
        full = f"{cls.__qualname__}.{name}"
        judgement = self._policy.judge(cls.__module__, full)
        if judgement.use is None:
            full = f"{cls.__module__}.{full}"
            raise Forbidden(f"{full} is not allowed: {judgement.reason}", name=full)
        return getattr(owner, name)

    dispatch[pickle.FROZENSET[0]] = _frozen_set
    dispatch[pickle.DICT[0]] = _dictionary
    dispatch[pickle.REDUCE[0]] = _call
    dispatch[pickle.NEWOBJ[0]] = _new
    dispatch[pickle.NEWOBJ_EX[0]] = _new_with_keywords
    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.APPEND[0]] = _append
    dispatch[pickle.APPENDS[0]] = _extend
    dispatch[pickle.ADDITEMS[0]] = _add
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = _set_items
    for _code in (
        *(pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID, pickle.BINPERSID),
        *(pickle.NEXT_BUFFER, pickle.READONLY_BUFFER),
    ):
        dispatch[_code[0]] = _refuse_outside


def _random_state(_: _Unpickler, bit_generator: object = "MT19937", *_ctor: object) -> object:
    """Make NumPy's `RandomState`; the function of that name would also call the constructor it is given."""
    return _random("__randomstate_ctor", bit_generator)


def _generator(_: _Unpickler, bit_generator: object = "MT19937", *_ctor: object) -> object:
    """Make NumPy's `Generator`; the function of that name would also call the constructor it is given."""
    return _random("__generator_ctor", bit_generator)


def _random(name: str, bit_generator: object) -> object:
    made: object = getattr(importlib.import_module("numpy.random._pickle"), name)(bit_generator)
    return made


# What the unpickler gives a pickle that imports one of these names.
STAND_INS: dict[tuple[str, str], object] = {
    ("builtins", "getattr"): _Unpickler._method,  # noqa: SLF001
    ("copyreg", "_reconstructor"): _Unpickler._reconstructor,  # noqa: SLF001
    ("joblib._store_backends", "FileSystemStoreBackend"): AbsentCache,
    ("joblib.memory", "Memory"): AbsentCache,
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _ArrayWrapper,
    # Each array is read into memory: `memmap` itself would open files.
    ("numpy", "memmap"): np.ndarray,
    ("numpy.random._pickle", "__randomstate_ctor"): _random_state,
    ("numpy.random._pickle", "__generator_ctor"): _generator,
    # Paths of another system, and the names that Python 3.13 gives: pure paths reach no file.
    ("pathlib", "WindowsPath"): PureWindowsPath,
    ("pathlib._local", "PosixPath"): PurePosixPath,
    ("pathlib._local", "PurePosixPath"): PurePosixPath,
    ("pathlib._local", "PureWindowsPath"): PureWindowsPath,
    ("pathlib._local", "WindowsPath"): PureWindowsPath,
}


def check_defining_module(policy: Policy, module: str, name: str, found: object) -> None:
    """Refuse an object that a trusted module has only imported, if it is dangerous in its own module."""
    home, own_name = getattr(found, "__module__", None), getattr(found, "__qualname__", name)
    is_elsewhere = isinstance(home, str) and home != module
    if isinstance(found, ModuleType) or (is_elsewhere and policy.danger_of(str(home), own_name)):
        full = f"{module}.{name}"
        raise Forbidden(f"{full} is not allowed: it only leads to {home or name}", name=full)
