"""Changes of requests: of their bytes, their JSON, their numbers, their arrays, and their headers."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from tests.service.fuzz.requests import PREDICT_PATHS
from tests.service.protocols import wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.service.fuzz.requests import Request

    Change = Callable[[Random, Request, Sequence[Request]], Request]

TOKENS = (
    *(b'"', b",", b":", b"{", b"}", b"[", b"]", b"\\", b"0", b"-", b".", b"e5", b"E+", b" ", b"\n", b"\r\n"),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\x1f\x8b", b"&", b"="),
    *(b"null", b"true", b"NaN", b"Infinity", b"nan", b"inf", b"1e999", b'"rows"', b'"table:0"', b"\\u0061"),
    *(b'"data"', b'{"rows":[', b"[[", b"]]", b"\\ud800", b'""', b"%", b"+", b"\x93NUMPY", b"\t", b";"),
)
NUMBERS = (
    *("0", "-0", "-0.0", "00", "01", "1.", ".5", "+1", "1e5", "1E-5", "1e400", "-1e400", "1e-400", "5e-324"),
    *("3.4028234663852886e38", "3.5e38", "1e308", "9007199254740993", "18446744073709551616", "1e", "0x10"),
    *("0." + "0" * 18 + "1", "0.1234567890123456789", "1234567890.123456789", "9" * 19, "9" * 20, "1" * 400),
    *(
        "2.2250738585072011e-308",
        "8.41e21",
        "9.5367431640625e-07",
        "0." + "3" * 400,
        "1_000",
        "\u0661",
        "1e+2",
    ),
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, 0.5, -0.0, 1e300, float("nan")),
    *(
        "",
        "a",
        "1",
        "1.5",
        "nan",
        "true",
        "\x00",
        "ä",
        "\U0001f600",
        "\ud800",
        "x" * 300,
        "table:0",
        "table:1",
    ),
    *([], {}, [[]], [None], [{}], {"": 1}, [1, "a"], ["S", 1.5], {"rows": []}, [[1.0], [2.0]], [[[1.0]]]),
    *("FP16", "FP32", "FP64", "INT8", "INT64", "UINT64", "BOOL", "BYTES", "predict", "predict_proba"),
)
KEYS = (
    *(
        "rows",
        "instances",
        "inputs",
        "data",
        "columns",
        "index",
        "shape",
        "datatype",
        "name",
        "outputs",
        "id",
    ),
    *(
        "parameters",
        "timeout",
        "binary_data_size",
        "binary_data",
        "classification",
        "params",
        "predict_method",
        "x0",
    ),
    *("dataframe_split", "dataframe_records", "input_data", "slength", "länge", "", "rows\x00", "\ud800"),
)
CONTENT_TYPES = (
    *(wire.JSON, wire.CSV, wire.NPY, wire.LINES, "", "text/csv; charset=latin-1", "APPLICATION/JSON", "a/b"),
    *(
        "application/octet-stream",
        "application/json; format=pandas-split",
        "multipart/form-data",
        ";",
        "\xff",
    ),
    *("x;json-header-size=10", "x;json-header-size=", "x;json-header-size=-1", "x;json-header-size=\xb2"),
)
ACCEPTS = (wire.CSV, wire.NPY, wire.LINES, wire.JSON, "*/*", "text/html", ",,;", "\xff", "text/csv;q=0")
LENGTHS = ("0", "1", "-1", "", " 7 ", "7.0", "a", "9" * 30, "\xb2", "\u0661".encode().decode("latin-1"))
QUERIES = (
    *("output=predict", "output=predict_proba", "output=predict,predict_proba", "output=", "output=no"),
    *("output=predict&output=predict", "output=decision_function", "&", "=", "%", "%00", "%ff=1", "a" * 2000),
)
DEADLINES = ("HTTP_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS", "HTTP_GRPC_TIMEOUT")
TIMES = (
    *(
        "0",
        "1",
        "-1",
        "60000",
        "60000m",
        "1H",
        "1n",
        "99999999H",
        "999999999S",
        "5x",
        "m",
        "1e3",
        " 7 ",
        "+7",
        "7.5",
    ),
    *("\xb2", "9" * 30, "9" * 5000, "nan", "0x10", "1_0"),
)
DESCRIPTORS = (
    *("<f8", ">f8", "<f4", "<f2", "<f16", "<i8", "|u1", "|b1", "<U3", ">U3", "<c16", "|O", "|V8", "<M8[s]"),
    *("|S8", "<U0", "<f8, <i4", "", "<q", "(2,)<f8"),
)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_INTEGER = re.compile(rb"-?\d+")


def _with_text(request: Request, text: bytes, random: Random) -> Request:
    """Put another text in the place of the JSON part; mostly, its length is told rightly."""
    rest = request.body[len(request.json_part) :]
    has_length = request.length is not None and random.random() < 0.9
    return replace(request, body=text + rest, length=str(len(text)) if has_length else request.length)


def _with_bytes(request: Request, data: bytes) -> Request:
    """Put other bytes in the place of the body, or of the query of a request that has none."""
    if request.method == "GET":
        return replace(request, query=data.decode("latin-1"))
    return replace(request, body=data)


def other_bytes(random: Random, request: Request, others: Sequence[Request]) -> Request:
    """Cut, take out, repeat, insert or replace some bytes."""
    data = request.query.encode("latin-1", "replace") if request.method == "GET" else request.body
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((0, 1, 1, 2, 3, 8, 40, 1000)))
    how = random.randrange(6)
    if how == 0:
        return _with_bytes(request, data[:start])
    if how == 1 and others:
        donor = random.choice(others).body
        at = random.randrange(len(donor) + 1)
        return _with_bytes(
            request, data[:start] + donor[at : at + random.choice((1, 8, 100, 5000))] + data[end:]
        )
    new = {
        2: data[start:end] * 2,
        3: bytes(random.randrange(256) for _ in range(random.randrange(1, 9))),
        4: b"",
    }.get(how, random.choice(TOKENS))
    return _with_bytes(request, data[:start] + new + data[end:])


def other_numbers(random: Random, request: Request, others: Sequence[Request]) -> Request:
    """Write some numbers of a text in another way, or others in their place."""
    is_query = request.method == "GET"
    text = request.query.encode("latin-1", "replace") if is_query else request.json_part
    found = [*_NUMBER.finditer(text)]
    if not found:
        return other_bytes(random, request, others)
    for one in sorted(random.sample(found, min(len(found), random.choice((1, 1, 2, 5)))), key=_start)[::-1]:
        new = random.choice(NUMBERS).encode() if random.random() < 0.7 else _written(random, one[0])
        text = text[: one.start()] + new + text[one.end() :]
    return _with_bytes(request, text) if is_query else _with_text(request, text, random)


def _start(found: re.Match[bytes]) -> int:
    return found.start()


def _written(random: Random, number: bytes) -> bytes:
    """Write a number with other digits, which may be many."""
    digits = "".join(random.choice("0123456789") for _ in range(random.randrange(1, 25)))
    places = "".join(random.choice("0123456789") for _ in range(random.randrange(25)))
    exponent = f"e{random.randrange(-330, 320)}" if random.random() < 0.3 else ""
    text = f"{random.choice(('', '-'))}{digits.lstrip('0') or '0'}{'.' + places if places else ''}{exponent}"
    return text.encode() if random.random() < 0.9 else number + text.encode()


def other_document(random: Random, request: Request, others: Sequence[Request]) -> Request:
    """Change one part of a document of JSON, wherever it stands."""
    try:
        root: Any = [json.loads(request.json_part)]
    except (ValueError, RecursionError):
        return other_bytes(random, request, others)
    holder, key = root, 0
    while isinstance(holder[key], (dict, list)) and holder[key] and random.random() < 0.8:
        holder = holder[key]
        key = random.choice([*holder] if isinstance(holder, dict) else range(len(holder)))
    _change(random, holder, key)
    # Surrogates are written as escapes, and Python writes NaN and Infinity as JavaScript does.
    text = json.dumps(root[0] if root else None, indent=random.choice((None, None, 1)))
    return _with_text(request, text.encode() if random.random() < 0.9 else _repeated(random, text), random)


def _change(random: Random, holder: Any, key: Any) -> None:
    """Replace a part, wrap it, take it out, repeat it, or put another one beside it."""
    how = random.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = random.choice(([holder[key]], {"x0": holder[key]}, str(holder[key])))
    elif how == 2 and isinstance(holder, dict):
        holder[random.choice(KEYS)] = holder.pop(key)
    elif how == 2:
        holder.insert(key, holder[key])
    elif how == 3 and isinstance(holder, dict):
        holder[random.choice(KEYS)] = random.choice(ODD)
    elif how == 3:
        holder.append(random.choice(ODD))
    else:
        holder[key] = random.choice(ODD)


def _repeated(random: Random, text: str) -> bytes:
    """Let an object have one of its names twice."""
    names = [*re.finditer(r'"[^"\\]*": ', text)]
    if names:
        one = random.choice(names)
        value = random.choice(("1", "null", "[]", "{}"))
        text = f"{text[: one.start()]}{one[0]}{value}, {text[one.start() :]}"
    return text.encode()


def other_array(random: Random, request: Request, others: Sequence[Request]) -> Request:
    """Tell another dtype or another shape in the header of an array."""
    if request.content_type != wire.NPY or b"}" not in request.body:
        return other_bytes(random, request, others)
    end = request.body.index(b"}")
    head, rest = request.body[:end], request.body[end:]
    if random.random() < 0.5:
        head = re.sub(rb"'descr': '[^']*'", b"'descr': '%s'" % random.choice(DESCRIPTORS).encode(), head)
    else:
        sizes = [*_INTEGER.finditer(head, 10)]
        if sizes:
            one = random.choice(sizes)
            size = random.choice((0, 1, 2, 3, 5, 8, -1, 2**31, 2**62, 10**30))
            head = head[: one.start()] + b"%d" % size + head[one.end() :]
    if random.random() < 0.2:
        head = head.replace(b"False", random.choice((b"True", b"0", b"None", b"()")))
    return replace(request, body=head + rest)


def other_surroundings(random: Random, request: Request, _: Sequence[Request]) -> Request:
    """Send the same body under other headers, to another path, compressed, or without its length."""
    length = request.length or ""
    told = int(length) + random.choice((-8, -1, 1, 8)) if length.isdecimal() else 2
    lengths = (*LENGTHS, str(told), str(len(request.body)))
    others: tuple[dict[str, Any], ...] = (
        {"content_type": random.choice(CONTENT_TYPES)},
        {"accept": random.choice(ACCEPTS)},
        {"length": random.choice(lengths)},
        {"query": random.choice(QUERIES)},
        {"path": random.choice(PREDICT_PATHS)},
        {"is_chunked": True},
        {"deadline": (random.choice(DEADLINES), random.choice(TIMES))},
        {"method": random.choice(("GET", "PUT", "HEAD", "OPTIONS"))},
        *[_packed(random, request)] * 3,
    )
    return replace(request, **random.choice(others))


def _packed(random: Random, request: Request) -> dict[str, Any]:
    encoding = random.choice(("gzip", "deflate", "x-gzip", "identity", "br"))
    body = request.body
    if "gzip" in encoding:
        body = gzip.compress(body, 1, mtime=0)
    elif encoding == "deflate":
        body = zlib.compress(body, 1)
    return {"body": body, "encoding": encoding}


CHANGES: tuple[Change, ...] = (
    *(other_bytes, other_bytes, other_numbers, other_numbers, other_document, other_document, other_document),
    *(other_array, other_surroundings),
)


def mutated(request: Request, others: Sequence[Request], random: Random) -> Request:
    """Give the request after one change."""
    choices = [one for one in CHANGES if one is not other_array or request.content_type == wire.NPY]
    return random.choice(choices)(random, request, others)
