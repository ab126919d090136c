"""Hostile archives of skops: see `attacks`."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from typing import TypeAlias

import numpy as np

State: TypeAlias = dict[str, object]
SVC = "sklearn.svm._classes.SVC"


def node(path: str, loader: str, **more: object) -> State:
    module, _, name = path.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def plain(value: object) -> State:
    return node("builtins.str", "JsonNode", content=json.dumps(value))


def listed(*items: State, kind: str = "list", path: str = "") -> State:
    return node(path or f"builtins.{kind}", f"{kind.capitalize()}Node", content=list(items))


def dictionary(key_types: State | None = None, **items: State) -> State:
    types = key_types or listed(*[node("builtins.str", "TypeNode")] * len(items))
    return node("builtins.dict", "DictNode", content=items, key_types=types)


def model(**state: State) -> State:
    return node(SVC, "ObjectNode", content=dictionary(**state))


def array(file: str, path: str = "numpy.ndarray") -> State:
    return node(path, "NdArrayNode", type="numpy", file=file)


def saved(values: object, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(values), allow_pickle=allow_pickle)
    return file.getvalue()


def archive(schema: State, *members: tuple[str | zipfile.ZipInfo, bytes], size: int | None = None) -> bytes:
    """A zip with a schema and members; `size` is a false size for the last member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("schema.json", json.dumps({"protocol": 2, "_skops_version": "0.16.0", **schema}))
        for member, data in members:
            made.writestr(member, data)
        if size is not None:
            made.filelist[-1].file_size = size
    return file.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16
    return member


def running(canary: str) -> dict[str, bytes]:
    """Archives that write the canary if the user trusts all types that skops lists for them."""
    touch = [plain("touch"), plain(canary)]
    arguments = [plain(canary), plain("w")]
    opened = listed(*arguments, kind="tuple")
    words = saved(np.array(["touch", canary]))
    by_key = {"content": {canary: plain(1)}, "key_types": listed(node("posix.mkdir", "TypeNode"))}
    called = listed(node("builtins.open", "FunctionNode"), *arguments, kind="tuple")
    mapped = listed(
        *(plain(value) for value in (canary, "uint8", "w+", 0, 1)),
        kind="tuple",
    )
    return {
        "constructor": archive(model(a=node("builtins.open", "ConstructorFromReduceNode", content=opened))),
        "class of a list": archive(model(a=listed(*touch, path="subprocess.check_call"))),
        "class of an array": archive(model(a=array("0.npy", "subprocess.check_call")), ("0.npy", words)),
        "loss": archive(
            model(a=node("builtins.open", "LossNode", content=dictionary(), __reduce__={"args": opened}))
        ),
        "type of keys": archive(model(a=node("builtins.dict", "DictNode", **by_key))),
        "operator": archive(model(a=node("operator.call", "OperatorFuncNode", attrs=called))),
        "file as an array": archive(
            model(a=node("numpy.memmap", "ConstructorFromReduceNode", content=mapped))
        ),
    }


def tricks(_: str) -> dict[str, bytes]:
    """Archives that run nothing in a current skops: former ways past it, and misuse of allowed names."""
    return _schema_tricks() | _archive_tricks()


def _schema_tricks() -> dict[str, bytes]:
    """Objects whose loader, number or parts are false."""
    owner = node(SVC, "ObjectNode")
    logs = listed(node("numpy.log1p", "FunctionNode"), kind="list")
    strings = listed(node("builtins.str", "TypeNode"), kind="list")
    generator = {"bit_generator": plain("seed")}
    bomb: State = {**plain(1), "__id__": 1}
    for number in range(1, 40):
        again = node(SVC, "CachedNode", __id__=number)
        bomb = {**listed(bomb, again, again), "__id__": number + 1}
    holder = {**listed({**listed(), "__id__": 1}), "__id__": 1}
    deep = plain(1)
    for _depth in range(200):
        deep = listed(deep)
    found: dict[str, State] = {
        "operator of another name (CVE-2025-54412)": node(
            f"{SVC.rpartition('.')[0]}.call", "OperatorFuncNode", attrs=listed(kind="tuple")
        ),
        "method of another object (CVE-2025-54413)": node(
            f"{SVC.rpartition('.')[0]}.LinearSVC", "MethodNode", content={"func": "fit", "obj": owner}
        ),
        "method of the machinery": node(
            SVC, "MethodNode", content={"func": "__init_subclass__", "obj": owner}
        ),
        "reach through a class": node(
            "builtins.getattr",
            "ConstructorFromReduceNode",
            content=listed(node(SVC, "TypeNode"), plain("fit"), kind="tuple"),
        ),
        "function kept for later": node("builtins.eval", "FunctionNode"),
        "old function": {**node("numpy.log1p", "FunctionNode"), "__module__": "os", "__class__": "system"},
        "types of keys under the number of others": listed(
            {**logs, "__id__": 5}, dictionary({**strings, "__id__": 5}, a=plain(1))
        ),
        "class that is only made": node(SVC, "ConstructorFromReduceNode", content=listed(kind="tuple")),
        "function made": node("numpy.log1p", "ObjectNode"),
        "class of a tree": node(
            SVC, "TreeNode", content=dictionary(), __reduce__={"args": listed(kind="tuple")}
        ),
        "special attribute": model(__class__=plain(1)),
        "special attribute in plain text": node(
            SVC, "ObjectNode", content=plain({"__array_interface__": {}})
        ),
        "special attribute in pairs": node(
            SVC, "ObjectNode", content=listed(listed(plain("__class__"), plain(1)), kind="tuple")
        ),
        "attributes in a list": node(SVC, "ObjectNode", content=listed(plain("a"))),
        "table of pandas": node("pandas.core.frame.DataFrame", "ObjectNode", content=dictionary()),
        "generator that is none": node(
            "numpy.random._generator.Generator",
            "RandomGeneratorNode",
            content={"bit_generator": dictionary(**generator), "seed_seq": dictionary()},
        ),
        "unknown loader": node(SVC, "ShellNode", content=[]),
        "object that holds itself": holder,
        "objects without end": bomb,
        "nothing of an earlier object": node(SVC, "CachedNode", __id__=9),
        "objects in objects": deep,
    }
    return {name: archive(model(a=state)) for name, state in found.items()}


def _archive_tricks() -> dict[str, bytes]:
    """Files in the archive that are no plain arrays or lead elsewhere, and false protocols."""
    pickled = pickle.dumps([1])
    objects = saved(np.array([{}], dtype=object), allow_pickle=True)
    table = io.BytesIO()
    with zipfile.ZipFile(table, "w") as made:
        made.writestr("data.npy", objects)
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("data.npy", saved(np.zeros(2**22)))
    bombs = [
        node("scipy.sparse._csr.csr_matrix", "SparseMatrixNode", type="scipy", file=f"{at}.npz")
        for at in range(20)
    ]
    sparse = node("scipy.sparse._csr.csr_matrix", "SparseMatrixNode", type="scipy", file="0.npz")
    safe = model(a=array("0.npy"))
    return {
        "array of pickles": archive(safe, ("0.npy", objects)),
        "pickle for an array": archive(safe, ("0.npy", pickled)),
        "table of pickles": archive(model(a=sparse), ("0.npz", table.getvalue())),
        "tables that are bombs": archive(
            model(a=listed(*bombs)), *[(f"{at}.npz", zeros.getvalue()) for at in range(20)]
        ),
        "zip for an array": archive(safe, ("0.npy", table.getvalue())),
        "file elsewhere": archive(model(), ("../../etc/cron.d/x", b"")),
        "file at the root": archive(model(), ("/etc/cron.d/x", b"")),
        "link": archive(model(), (link("x"), b"/etc/passwd")),
        "zip bomb": archive(model(a=array("0.npy")), ("0.npy", saved([1])), size=2**40),
        "no protocol": archive({**model(), "protocol": None}),
        "text for a protocol": archive({**model(), "protocol": "0"}),
        "newer protocol": archive({**model(), "protocol": 99}),
    }
