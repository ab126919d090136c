"""Small files made to exhaust the time or memory of what loads them, of nothing but safe names."""

from __future__ import annotations

import bz2
import lzma
import pickle
import struct
import zlib
from random import Random

from tests.safety.assembler import (
    START,
    alone,
    call,
    list_of,
    name,
    new,
    number,
    pickled,
    state,
    string,
    tuple_of,
)

MUCH, VERY_MUCH = 2 * 10**9, 10**10
CALLED = {
    one: name("builtins", one)
    for one in ("bytearray", "bytes", "frozenset", "range", "set", "slice", "complex")
}
ENCODE = name("_codecs", "encode")
DTYPE = name("numpy", "dtype")
ARRAY = name("numpy", "ndarray")
RECONSTRUCT = name("numpy.core.multiarray", "_reconstruct")
SCALAR = name("numpy.core.multiarray", "scalar")
INDEX = name("pandas.core.indexes.base", "_new_Index")
ESTIMATOR = name("sklearn.linear_model._base", "LinearRegression")
FRACTION = name("fractions", "Fraction")
# The prime by which Python divides a number for its hash.
HASH_PRIME = 2**61 - 1
ZEROS = bytes(16 * 1024**2)
# More than any limit: the pieces are not all read.
BOMB_PIECES = 512


def long(value: int) -> bytes:
    data = pickle.encode_long(value)
    return b"\x8b" + struct.pack("<i", len(data)) + data


def odd(bits: int) -> int:
    """An odd number of so many bits, the same each time."""
    return int.from_bytes(Random(bits).randbytes(bits // 8), "little") | 1  # noqa: S311 (nothing is secret)


def kept(body: bytes, index: int) -> bytes:
    return body + b"r" + struct.pack("<I", index)


def again(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def range_of(size: int) -> bytes:
    return call(CALLED["range"], number(0), number(size), number(1))


def dictionary(*keys: bytes) -> bytes:
    return b"}(" + b"".join(key + b"N" for key in keys) + b"u"


def doubled(levels: int) -> bytes:
    """A tuple that holds a tuple twice, and so on: its hash takes a time that doubles with each level."""
    body = b")"
    for index in range(levels):
        body = kept(body, index) + again(index) + b"\x86"
    return body


def deep(levels: int) -> bytes:
    return b")" + b"\x85" * levels


def rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) % 2**64


def colliding_pairs(count: int) -> list[bytes]:
    """Tuples of two numbers that all have the same hash: the hash of a tuple can be turned round."""
    first, second, start = 11400714785074694791, 14029467366897019727, 2870177450012600261
    inverse = pow(second, -1, 2**64)
    pairs: list[bytes] = []
    wanted, at = rotated(12345 * pow(first, -1, 2**64) % 2**64, 33), 0
    while len(pairs) < count:
        at += 1
        after = rotated((start + at * second) % 2**64, 31) * first % 2**64
        lane = (wanted - after) * inverse % 2**64
        lane -= 2**64 if lane >= 2**63 else 0
        if abs(lane) < HASH_PRIME and lane != -1:
            pairs.append(number(at) + long(lane) + b"\x86")
    return pairs


def array_of(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    empty = call(RECONSTRUCT, ARRAY, tuple_of(number(0)), pickled(b"b"))
    return empty + tuple_of(number(1), shape, dtype, b"\x89", data) + b"b"


def dtype_of(code: str, *state_of: bytes) -> bytes:
    return call(DTYPE, string(code), b"\x89", b"\x88") + (tuple_of(*state_of) + b"b" if state_of else b"")


def doubled_fields(levels: int) -> bytes:
    """A data type of two fields, both of the same data type of two fields, and so on."""
    body = dtype_of("u1")
    names = tuple_of(string("a"), string("b"))
    for index in range(levels):
        field = again(index) + number(0) + b"\x86"
        fields = b"}(" + string("a") + field + string("b") + field + b"u"
        state_of = (number(3), string("|"), b"N", names, fields, number(1), number(1), number(16))
        body = kept(body, index) + b"0" + dtype_of("V1", *state_of)
    return body


def reused(first: bytes, each: bytes, times: int) -> bytes:
    """A list of `times` times what `each` makes of what `first` made, which memo index 9 holds."""
    return kept(first, 9) + b"0" + list_of(*[each] * times)


def calls() -> dict[str, bytes]:
    """Calls that make much of few arguments."""
    numbers = {size: number(size) if size < 2**31 else long(size) for size in (MUCH, VERY_MUCH)}
    index = name("pandas.core.indexes.base", "Index")
    return {
        "bytearray of a size": call(CALLED["bytearray"], numbers[VERY_MUCH]),
        "bytes of a size": call(CALLED["bytes"], numbers[VERY_MUCH]),
        "set of a range": call(CALLED["set"], range_of(MUCH)),
        "frozenset of a range": call(CALLED["frozenset"], range_of(MUCH)),
        "new set of a range": new(CALLED["frozenset"], range_of(MUCH)),
        "counter of a range": call(name("collections", "Counter"), range_of(MUCH)),
        "deque of a range": call(name("collections", "deque"), range_of(MUCH)),
        "ordered dictionary of a range": call(
            name("collections", "OrderedDict"), call(name("collections", "Counter"), range_of(MUCH))
        ),
        "fraction with an exponent": call(FRACTION, string("1e99999999")),
        "fraction of a decimal": call(FRACTION, call(name("decimal", "Decimal"), string("1e99999999"))),
        "fraction of long numbers": call(FRACTION, long(odd(7_920_000)), long(odd(11_230_000))),
        "punycode": call(ENCODE, string("".join(map(chr, range(0x4E00, 0x9FFF))) * 4), string("punycode")),
        "array of a shape": call(RECONSTRUCT, ARRAY, tuple_of(numbers[VERY_MUCH]), pickled(b"b")),
        "scalar of a long data type": call(SCALAR, dtype_of("V2000000000")),
        "scalar of a long text": call(SCALAR, dtype_of("S2000000000")),
        "index of a range": call(INDEX, index, state(data=range_of(MUCH), dtype=string("object"))),
        "pattern of many classes": call(
            name("re", "_compile"), string("(?i)" + "[\x00-\U0010ffff]" * 600), number(2)
        ),
    }


def keys() -> dict[str, bytes]:
    """Keys whose hash takes long, or whose hashes are all the same."""
    multiples = [long(HASH_PRIME * at) for at in range(1, 60_000)]
    return {
        "doubled tuple as a key": dictionary(doubled(40)),
        "doubled tuple in a set": b"\x8f(" + doubled(40) + b"\x90",
        "doubled tuple in a frozenset": b"(" + doubled(40) + b"\x91",
        "doubled tuple in a set of a list": call(CALLED["set"], list_of(doubled(40))),
        "doubled tuple as an item": b"}" + doubled(40) + b"Ns",
        "doubled tuple in an old dictionary": b"(" + doubled(40) + b"Nd",
        "doubled tuple in a counter": call(name("collections", "Counter"), dictionary(doubled(40))),
        "doubled tuple in an ordered dictionary": call(name("collections", "OrderedDict"))
        + b"("
        + doubled(40)
        + b"Nu",
        "doubled tuple in a frozenset in a key": dictionary(b"(" + doubled(40) + b"\x91\x85"),
        "deep tuple as a key": dictionary(deep(300_000)),
        "deep tuple in a set": b"\x8f(" + deep(300_000) + b"\x90",
        "doubled fields as a key": dictionary(doubled_fields(40)),
        "colliding numbers": dictionary(*multiples),
        "colliding numbers in a set": b"\x8f(" + b"".join(multiples) + b"\x90",
        "colliding tuples": dictionary(*colliding_pairs(60_000)),
    }


def references() -> dict[str, bytes]:
    """Parts that are written once and used many times."""
    text = pickled(bytes(2**20))
    entries = b"}(" + b"".join(string(f"a{at}") + b"N" for at in range(20_000)) + b"u"
    big_endian = dtype_of("f8", number(3), string(">"), b"N", b"N", b"N", number(-1), number(-1), number(0))
    state_of = tuple_of(number(1), tuple_of(number(2**17)), big_endian, b"\x89", text)
    empty = call(RECONSTRUCT, ARRAY, tuple_of(number(0)), pickled(b"b"))
    listed = list_of(*[number(at) for at in range(50_000)])
    return {
        "bytes into many byte arrays": reused(text, call(CALLED["bytearray"], again(9)), 4000),
        "text into many bytes": reused(string("a" * 2**20), call(ENCODE, again(9), string("latin1")), 4000),
        "list into many sets": reused(listed, call(CALLED["set"], again(9)), 2000),
        "dictionary into many counters": reused(
            entries, call(name("collections", "Counter"), again(9)), 4000
        ),
        "state of many objects": reused(entries, new(ESTIMATOR) + again(9) + b"b", 4000),
        "state of many arrays": reused(state_of, empty + again(9) + b"b", 4000),
    }


def sizes() -> dict[str, bytes]:
    """Sizes that the file claims, and does not hold."""
    wrapper = name("joblib.numpy_pickle", "NumpyArrayWrapper")
    claimed = state(
        subclass=ARRAY,
        shape=tuple_of(long(VERY_MUCH)),
        order=string("C"),
        dtype=dtype_of("f8"),
        allow_mmap=b"\x88",
    )
    return {
        "byte array": b"\x96" + struct.pack("<Q", VERY_MUCH) + b"x",
        "array of joblib": new(wrapper) + claimed + b"b",
    }


def bombs() -> dict[str, bytes]:
    """Compressed files that expand to 8 GiB."""
    start = START + b"\x8e" + struct.pack("<Q", BOMB_PIECES * len(ZEROS))
    found = {}
    for name_of, window in (("gzip", zlib.MAX_WBITS | 16), ("zlib", zlib.MAX_WBITS)):
        squeezed = zlib.compressobj(9, zlib.DEFLATED, window)
        head = squeezed.compress(start) + squeezed.flush(zlib.Z_FULL_FLUSH)
        piece = squeezed.compress(ZEROS) + squeezed.flush(zlib.Z_FULL_FLUSH)
        found[name_of] = head + piece * BOMB_PIECES
    for name_of, compress in (("bz2", bz2.compress), ("xz", lzma.compress)):
        found[name_of] = compress(start) + compress(ZEROS) * BOMB_PIECES
    return found


def corpus() -> dict[str, bytes]:
    """Every file, by the kind of attack and its name."""
    kinds = {"call": calls(), "key": keys(), "reference": references(), "size": sizes()}
    files = {f"{kind}: {one}": alone(body) for kind, bodies in kinds.items() for one, body in bodies.items()}
    return files | {f"bomb: {one}": data for one, data in bombs().items()}
