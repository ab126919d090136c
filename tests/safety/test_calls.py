"""The host and the service take the same arguments of calls, each with code of its own."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe
from infer_cli.inspection.facts import calls as of_host
from infer_cli.inspection.files import compression as compression_of_host
from service.errors import Forbidden
from service.loading import calls as of_service
from service.loading import compression as compression_of_service
from service.loading.policy import Policy, _rules
from service.loading.unpickling import load_safely
from tests.safety.assembler import START, call, list_of, name, new, number, pickled, state, string, tuple_of
from tests.safety.exhausting import DTYPE, RECONSTRUCT, array_of, dtype_of, long, range_of

if TYPE_CHECKING:
    from pathlib import Path

ESTIMATOR = name("sklearn.linear_model._base", "LinearRegression")
DECIMAL, FRACTION = name("decimal", "Decimal"), name("fractions", "Fraction")
SET, SLICE, BYTES = (name("builtins", one) for one in ("set", "slice", "bytes"))
PARTIAL = name("functools", "partial")
LOG = name("numpy", "log1p")
REBUILD = name("copyreg", "_reconstructor")
DICT = name("builtins", "dict")
BUNCH = name("sklearn.utils", "Bunch")


def of_field_at(start: int) -> bytes:
    """A data type of 16 bytes with one field of eight bytes that starts there."""
    return of_field(dtype_of("f8"), start)


def of_field(dtype: bytes, *start: int, label: str = "a") -> bytes:
    """A data type of 16 bytes with a field of this type; `label` is the name that the list of fields has."""
    fields = state(a=tuple_of(dtype, *map(number, start)))
    names = tuple_of(string(label))
    return dtype_of("V16", number(3), string("|"), b"N", names, fields, number(16), number(1), number(16))


TAKEN = {
    "field at the end": of_field_at(8),
    "set of a list": call(SET, list_of(number(1))),
    "set of nothing": call(SET),
    "slice of numbers": call(SLICE, number(0), number(10**8), b"N"),
    "slice of names": call(SLICE, string("a"), string("c"), b"N"),
    "range": range_of(10**5),
    "no bytes": call(BYTES),
    "latin text": call(name("_codecs", "encode"), string("a"), string("latin1")),
    "decimal": call(DECIMAL, string("-1.50E+20")),
    "infinite decimal": call(DECIMAL, string("Infinity")),
    "fraction": call(FRACTION, string("-3/4")),
    "fraction of numbers": call(FRACTION, number(3), number(4)),
    "partial function": call(PARTIAL, LOG),
    "data type": call(DTYPE, string("f8"), b"\x89", b"\x88"),
    "data type of old picklers": call(DTYPE, string("U12"), number(0), number(1)),
    "long path": call(name("pathlib", "PurePosixPath"), *[string("a")] * 40),
    "object of a dictionary": call(REBUILD, BUNCH, DICT, state(a=number(1))),
    "integer of 64 bits": call(FRACTION, long(2**63), number(1)),
    "empty array": array_of(dtype_of("f8"), tuple_of(number(0), number(10**6)), pickled(b"")),
    "tuple as a key": b"}(" + number(1) + number(2) + b"\x86Nu",
}
REFUSED = {
    "field over the end": of_field_at(9),
    "field far behind the end": of_field_at(2**31 - 1),
    "field before the start": of_field_at(-8),
    "field without a data type": of_field(number(3), 8),
    "field without a place": of_field(dtype_of("f8")),
    "elements without a data type": dtype_of(
        "V16",
        *(number(3), string("|"), tuple_of(number(8), tuple_of(number(2))), b"NN"),
        *(number(16), number(1), number(0)),
    ),
    "data type of a short state": dtype_of("V16", number(3), string("|")),
    "set of a text": call(SET, string("abc")),
    "set of a set": call(SET, call(SET)),
    "long slice": call(SLICE, number(0), number(10**8 + 1), b"N"),
    "long range": range_of(10**5 + 1),
    "bytes of a number": call(BYTES, number(5)),
    "another codec": call(name("_codecs", "encode"), string("a"), string("utf-8")),
    "three arguments": call(name("_codecs", "encode"), string("a"), string("latin1"), string("ignore")),
    "decimal with a long exponent": call(DECIMAL, string("1E+1000")),
    "decimal of a number": call(DECIMAL, number(5)),
    "fraction with an exponent": call(FRACTION, string("1e9")),
    "partial of a partial": call(PARTIAL, call(PARTIAL, LOG)),
    "data type of a list": call(DTYPE, list_of()),
    "long data type": call(DTYPE, string("S10000000000"), b"\x89", b"\x88"),
    "made data type": new(DTYPE, string("(9,9)f8")),
    "object of another dictionary": call(REBUILD, BUNCH, DICT, call(name("collections", "OrderedDict"))),
    "integer of 65 bits": call(FRACTION, long(2**65), number(1)),
    "array of a shape": call(RECONSTRUCT, name("numpy", "ndarray"), tuple_of(number(1)), pickled(b"b")),
    "long array without elements": array_of(
        dtype_of("f8"), tuple_of(number(0), number(10**6 + 1)), pickled(b"")
    ),
    "keywords": call(DECIMAL, string("1"))[:-1] + state(context=b"N") + b"\x92",
    "tree of other outputs": call(
        name("sklearn.tree._tree", "Tree"),
        number(1),
        array_of(dtype_of("i8"), tuple_of(number(1)), pickled(bytes(8))),
        number(2),
    ),
    "index of no index": call(name("pandas.core.indexes.base", "_new_Index"), DICT, state(data=number(1))),
}


def within_model(body: bytes, tmp_path: Path) -> Path:
    """Save a model that holds the value as an attribute."""
    file = tmp_path / "model.pkl"
    file.write_bytes(START + new(ESTIMATOR) + state(added_=body) + b"b.")
    return file


@pytest.mark.filterwarnings("ignore:Trying to unpickle")
@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN)
def test_both_sides_take_what_picklers_write(body: bytes, tmp_path: Path) -> None:
    file = within_model(body, tmp_path)

    inspect_model(file)
    load_safely(file, Policy())


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_both_sides_refuse_what_no_pickler_writes(body: bytes, tmp_path: Path) -> None:
    file = within_model(body, tmp_path)

    with pytest.raises(ModelUnreadable):
        inspect_model(file)
    with pytest.raises(Forbidden):
        load_safely(file, Policy())


def test_both_sides_read_the_same_rules() -> None:
    def plain(rules: dict[str, tuple[tuple[object, ...], ...]]) -> object:
        arguments = ("kinds", "is_optional", "is_many")
        return {
            name: [
                [[getattr(one, part) for part in arguments] for one in alternative] for alternative in rule
            ]
            for name, rule in rules.items()
        }

    assert plain(dict(of_host.call_rules())) == plain(dict(of_service.call_rules()))
    assert of_host.KINDS.keys() == of_service.KINDS.keys()


@pytest.mark.parametrize(
    "limit",
    [
        "ATTRIBUTE_BYTES",
        "COMPOSED_KEYS_MAX",
        "COUNT_MAX",
        "EMPTY_SIZE_MAX",
        "FIELDS_MAX",
        "INTEGER_BITS",
        "KEY_PARTS_MAX",
        "LENGTH_MAX",
        "REFERENCE_BYTES",
        "REUSED_BYTES",
        "REUSED_TIMES",
        "TEXT_MAX",
    ],
)
def test_both_sides_have_the_same_limits(limit: str) -> None:
    assert getattr(of_host, limit) == getattr(of_service, limit)


def test_both_sides_expand_as_much() -> None:
    of_both = ("EXPANDED_BYTES_MAX", "EXPANSION_MAX")

    assert [getattr(compression_of_host, one) for one in of_both] == [
        getattr(compression_of_service, one) for one in of_both
    ]


def test_each_name_that_may_be_called_has_its_arguments() -> None:
    called = {f"{module}.{name}" for (module, name), use in _rules()[0].items() if use == "call"}
    rules = of_service.call_rules()

    assert called <= rules.keys()
    assert {one for one in rules if one not in called} == {"pandas.core.dtypes.dtypes.PeriodDtype"} - called
    kinds = {kind for rule in rules.values() for arguments in rule for one in arguments for kind in one.kinds}
    assert kinds <= of_service.KINDS.keys()


@pytest.mark.parametrize(
    "made", [("numpy", "logaddexp"), ("numpy.random._pcg64", "PCG64"), ("numpy", "bool_")]
)
def test_no_side_makes_an_object_of_what_is_a_value(made: tuple[str, str], tmp_path: Path) -> None:
    file = within_model(new(name(*made)), tmp_path)

    with pytest.raises((ModelUnreadable, ModelUnsafe)):
        require_safe(inspect_model(file), ())
    with pytest.raises(Forbidden, match="which no model does"):
        load_safely(file, Policy())


@pytest.mark.filterwarnings("ignore:Trying to unpickle")
def test_bytes_of_bytes_end_the_inspection(tmp_path: Path) -> None:
    """To count what lies in them, the inspection goes from one to the next; the service has the bytes."""
    body = pickled(b"a")
    for _ in range(2000):
        body = call(BYTES, body)
    file = within_model(body, tmp_path)

    with pytest.raises(ModelUnreadable, match="again and again"):
        inspect_model(file)
    load_safely(file, Policy())


@pytest.mark.parametrize("shape", [b"K\x03\x85", b"K\x01\x85", b"K\x02K\x02\x86", b")", b"N"])
def test_an_array_has_as_many_objects_as_it_says(shape: bytes, tmp_path: Path) -> None:
    """NumPy would read behind the list of two objects."""
    data = pickle.dumps(np.array(["a", "b"], dtype=object), protocol=4)
    body = data[data.index(b"\x8c") : -1].replace(b"K\x02\x85", shape)
    file = within_model(body, tmp_path)

    with pytest.raises(ModelUnreadable, match="another number of objects"):
        inspect_model(file)
    with pytest.raises(Forbidden, match="another number of objects"):
        load_safely(file, Policy())
