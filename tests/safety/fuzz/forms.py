"""Saves a model with some of its values replaced: as a pickle, with joblib and with skops."""

from __future__ import annotations

import copy
import io
import json
import pickle
import pickletools
import zipfile
import zlib
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import skops.io
from joblib.numpy_pickle import NumpyPickler

from tests.safety.fuzz.seeds import seed
from tests.safety.fuzz.values import STRINGS, changed, method_names, other

if TYPE_CHECKING:
    from collections.abc import Callable

Value: TypeAlias = Any

FORMS = ("pickle", "pickle", "pickle", "joblib", "compressed", "skops")
SUFFIXES = {"pickle": ".pkl", "joblib": ".joblib", "compressed": ".joblib", "skops": ".skops"}
DONORS_MAX = 400


class _Replacing:
    """A pickler that replaces the values at some positions, counted in the order in which they are saved.

    `chosen` maps a position to the seed of the other value. What is saved for an object, its class, its
    arguments and its state, has positions of its own.
    """

    chosen: dict[int, int]
    donors: list[Value]

    def start(self, chosen: dict[int, int], donors: list[Value]) -> None:
        self.chosen, self.donors = chosen, donors
        self.types: list[type] = []
        # The pickler remembers values by their ids.
        self.kept: list[Value] = []

    def save(self, value: Value, *more: Any, **named: Any) -> None:
        at = len(self.types)
        self.types.append(type(value))
        if at in self.chosen:
            value = other(Random(self.chosen[at]), value, self.donors)
            self.kept.append(value)
        super().save(value, *more, **named)  # type: ignore[misc]  # the pickler that this is mixed into


class _Pickler(_Replacing, pickle._Pickler):
    pass


class _JoblibPickler(_Replacing, NumpyPickler):  # type: ignore[misc]  # joblib has no types
    pass


def _dumped(
    model: Value, chosen: dict[int, int], donors: list[Value], form: str, protocol: int
) -> tuple[bytes, list[type]]:
    stream = io.BytesIO()
    is_joblib = form in ("joblib", "compressed")
    pickler = _JoblibPickler(stream, protocol) if is_joblib else _Pickler(stream, protocol)
    pickler.start(chosen, donors)
    pickler.dump(model)
    return stream.getvalue(), pickler.types


@cache
def _positions(name: str, form: str, protocol: int) -> list[type]:
    return _dumped(seed(name), {}, [], form, protocol)[1]


@cache
def parts(name: str) -> list[Value]:
    """List what a model holds, as values that may be put elsewhere."""
    found: list[Value] = []
    seen: set[int] = set()
    waiting = [seed(name)]
    while waiting and len(found) < DONORS_MAX:
        value = waiting.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        found.append(value)
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value[:20]
        elif not isinstance(value, (type, np.ndarray)):
            waiting += (getattr(value, "__dict__", None) or {}).values()
            if hasattr(value, "tree_") or type(value).__name__ == "Tree":
                waiting += value.__reduce__()[1:]
    return found


def mutated(
    name: str, others: tuple[str, ...], form: str, protocol: int, seeds: list[int]
) -> Callable[[], bytes]:
    """Give what makes the file of a model with one change for each seed."""
    donors = [part for one in (name, *others) for part in parts(one)]
    types = _positions(name, form if form != "skops" else "pickle", protocol)
    values = [at for at, kind in enumerate(types) if kind is not str]
    chosen: dict[int, int] = {}
    opcodes: list[int] = []
    for one in seeds:
        random = Random(one)
        if random.random() < 0.15:
            opcodes.append(one)
        else:
            among = values if random.random() < 0.85 and values else range(len(types))
            chosen[random.choice(among)] = one

    def make() -> bytes:
        data, _ = _dumped(seed(name), chosen, donors, form if form != "skops" else "pickle", protocol)
        if form == "skops":
            held = pickle.loads(data) if chosen else copy.deepcopy(seed(name))
            return _other_schema(skops.io.dumps(held), opcodes)
        for one in opcodes:
            data = other_opcodes(data, Random(one))
        if form == "compressed":
            return zlib.compress(data, 3)
        return data

    return make


def other_opcodes(data: bytes, random: Random) -> bytes:
    """Change one opcode of a pickle, or some: its argument, or where it stands."""
    try:
        found = list(pickletools.genops(data))
    except Exception:  # noqa: BLE001 (joblib's arrays lie between the opcodes)
        return _other_bytes(data, random)
    ends = [at or 0 for _, _, at in found[1:]] + [len(data)]
    pieces = [(op, arg, data[at or 0 : end]) for (op, arg, at), end in zip(found, ends, strict=True)]
    names = [at for at, (op, _, _) in enumerate(pieces) if op.name in ("GLOBAL", "SHORT_BINUNICODE")]
    way = random.choice(("name", "name", "delete", "twice", "swap", "number", "bytes", "opcode"))
    at = random.randrange(len(pieces))
    if way == "name" and names:
        at, source = random.choice(names), random.choice(names)
        op, _, raw = pieces[at]
        if op.name == "SHORT_BINUNICODE" and random.random() < 0.5:
            text = random.choice((*STRINGS[:40], *method_names()))[:200].encode()
            raw = b"\x8c" + bytes([len(text)]) + text
        else:
            raw = pieces[source][2]
        pieces[at] = (op, None, raw)
    elif way == "delete":
        del pieces[at]
    elif way == "twice":
        pieces.insert(at, pieces[at])
    elif way == "swap":
        source = random.randrange(len(pieces))
        pieces[at], pieces[source] = pieces[source], pieces[at]
    elif way == "number":
        numbers = [at for at, (op, _, _) in enumerate(pieces) if op.name in ("BININT", "BININT1", "BINGET")]
        if numbers:
            at = random.choice(numbers)
            op, _, raw = pieces[at]
            pieces[at] = (op, None, raw[:1] + bytes(random.randrange(256) for _ in raw[1:]))
    elif way == "opcode":
        op, _, raw = pieces[at]
        alike = [one for one in pickletools.opcodes if (one.arg is None) == (op.arg is None)]
        pieces[at] = (op, None, random.choice(alike).code.encode("latin-1") + raw[1:])
    else:
        return _other_bytes(data, random)
    # A frame says how long it is, and would be wrong.
    return b"".join(raw for op, _, raw in pieces if op.name != "FRAME")


def _other_bytes(data: bytes, random: Random) -> bytes:
    made = bytearray(data)
    for _ in range(random.choice((1, 2, 8))):
        made[random.randrange(len(made))] = random.randrange(256)
    return bytes(made)


def _other_schema(data: bytes, seeds: list[int]) -> bytes:
    """Swap parts of the schema of an archive of skops, or change its texts and numbers."""
    if not seeds:
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    for one in seeds:
        random = Random(one)
        slots = list(_slots(schema))
        held, key = random.choice(slots)
        source, source_key = random.choice(slots)
        chance = random.random()
        if chance < 0.4:
            held[key] = copy.deepcopy(source[source_key])
        elif chance < 0.5 and isinstance(held, dict):
            del held[key]
        else:
            held[key] = changed(random, held[key], [source[source_key]])
    files["schema.json"] = json.dumps(schema, default=str).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _slots(value: Value) -> Any:
    waiting = [value]
    while waiting:
        held = waiting.pop()
        for key in list(held) if isinstance(held, dict) else range(len(held)):
            yield held, key
            if isinstance(held[key], (dict, list)):
                waiting.append(held[key])
