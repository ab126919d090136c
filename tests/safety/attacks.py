"""Hostile files, by class of attack. The only thing that any of them does is to write one file, the canary.

Most of the attacks are published ways past a scanner of pickles: see `docs/safety.md`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zlib
from dataclasses import dataclass

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

from tests.safety import onnx_attacks, skops_attacks
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


@dataclass(frozen=True)
class Attack:
    """A hostile file; `runs` if loading it with `library`, joblib or skops, writes the canary."""

    kind: str
    name: str
    data: bytes
    runs: bool = True
    library: str = "joblib"

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def model_bytes(protocol: int = 4) -> bytes:
    return pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), protocol)


def beside_model(body: bytes) -> bytes:
    """Put the attack first and drop its result; then a sound model follows."""
    return START + body + b"0" + model_bytes()[2:]


def program(canary: str) -> bytes:
    return string(f"open({canary!r}, 'w').close()")


def opened(canary: str) -> bytes:
    return call(name("builtins", "open"), string(canary), string("w"))


EVAL, EXEC, OPEN = name("builtins", "eval"), name("builtins", "exec"), name("builtins", "open")
GETATTR, PARTIAL = name("builtins", "getattr"), name("functools", "partial")
KERNEL = "sklearn.gaussian_process.kernels"
ESTIMATOR = name("sklearn.linear_model._base", "LinearRegression")
DTYPE = name("numpy", "dtype")
SYSTEM = name("posix", "system")


def module(of: str) -> bytes:
    return call(name("importlib", "import_module"), string(of))


def touch(canary: str) -> bytes:
    return string(f": > {canary}")


def _direct(canary: str) -> dict[str, bytes]:
    return {
        "eval": call(EVAL, program(canary)),
        "exec": call(EXEC, program(canary)),
        "open": opened(canary),
        "os.system": call(SYSTEM, touch(canary)),
        "subprocess": call(name("subprocess", "check_call"), list_of(string("touch"), string(canary))),
        "socket": call(name("socket", "create_server"), tuple_of(string("127.0.0.1"), number(0)))
        + b"0"
        + opened(canary),
    }


def _chains(canary: str) -> dict[str, bytes]:
    file = (string(canary), string("w"))
    return {
        "getattr of a module": call(call(GETATTR, module("builtins"), string("open")), *file),
        "getattr of a function": call(call(GETATTR, EVAL, string("__call__")), program(canary)),
        "getattr of a safe class": call(
            GETATTR, call(GETATTR, ESTIMATOR, string("fit")), string("__globals__")
        )
        + b"0"
        + opened(canary),
        "getattr of str": call(call(GETATTR, name("builtins", "str"), string("split")), string("a b"))
        + b"0"
        + opened(canary),
        "operator.methodcaller": call(
            call(name("operator", "methodcaller"), string("open"), *file), module("builtins")
        ),
        "operator.attrgetter": call(
            call(call(name("operator", "attrgetter"), string("open")), module("builtins")), *file
        ),
        "operator.itemgetter": call(
            call(call(name("_operator", "itemgetter"), string("open")), name("numpy", "__builtins__")), *file
        ),
        "functools.partial": call(call(PARTIAL, OPEN, *file)),
        "functools.reduce": call(name("functools", "reduce"), EXEC, tuple_of(program(canary), b"}")),
        "importlib": call(call(name("operator", "attrgetter"), string("system")), module("os"))
        + tuple_of(touch(canary))
        + b"R",
        "pkgutil.resolve_name": call(call(name("pkgutil", "resolve_name"), string("builtins:open")), *file),
        "map": call(name("builtins", "list"), call(name("builtins", "map"), EXEC, list_of(program(canary)))),
    }


def _helpers(canary: str) -> dict[str, bytes]:
    code = program(canary)
    return {
        "numpy.testing runstring": call(name("numpy.testing._private.utils", "runstring"), code, b"}"),
        "numpy.testing measure": call(name("numpy.testing._private.utils", "measure"), code),
        "numpy.f2py getlincoef": call(
            name("numpy.f2py.crackfortran", "getlincoef"), string(f"open({canary!r}, 'w').close() or 1"), b"}"
        ),
        "numpy.f2py _eval_length": call(name("numpy.f2py.crackfortran", "_eval_length"), code, b"}"),
        "timeit": call(
            name("timeit", "timeit"), code, string("pass"), name("time", "perf_counter"), b"K\x01"
        ),
        "profile": call(name("profile", "run"), code),
        "cProfile": call(name("cProfile", "run"), code),
        "codeop": call(EXEC, call(name("codeop", "compile_command"), code)),
        "_io.FileIO": call(name("_io", "FileIO"), string(canary), string("w")),
        "shutil": call(name("shutil", "copyfile"), string("/dev/null"), string(canary)),
        "logging": call(name("logging", "FileHandler"), string(canary)),
        "code in a function": call(
            name("types", "FunctionType"),
            call(name("builtins", "compile"), code, string("x"), string("exec")),
            b"}",
        )
        + b")R",
        "cloudpickle": call(name("cloudpickle.cloudpickle", "subimport"), string("os"))
        + b"0"
        + opened(canary),
    }


def _libraries(canary: str) -> dict[str, bytes]:
    nested = pickled(alone(opened(canary)))
    return {
        "pickle.loads": call(name("_pickle", "loads"), nested),
        "joblib.load": call(name("joblib", "load"), call(name("_io", "BytesIO"), nested)),
        "pandas.read_pickle": call(name("pandas", "read_pickle"), call(name("_io", "BytesIO"), nested)),
        "joblib.dump": call(name("joblib", "dump"), b"N", string(canary)),
        "joblib.Memory": call(name("joblib.memory", "Memory"), string(canary)),
        "pandas.to_pickle": call(name("pandas", "to_pickle"), b"N", string(canary)),
        "numpy.savetxt": call(name("numpy", "savetxt"), string(canary), list_of(b"K\x01")),
        "numpy.memmap": call(
            name("numpy", "memmap"), string(canary), string("u1"), string("w+"), b"K\x00", b"K\x01"
        ),
        "sklearn.datasets": call(
            name("sklearn.datasets", "dump_svmlight_file"),
            list_of(list_of(b"K\x01")),
            list_of(b"K\x01"),
            string(canary),
        ),
        "sklearn.utils._testing": call(
            name("sklearn.utils._testing", "assert_run_python_script_without_output"), program(canary)
        ),
        "scipy.stats": call(name("copyreg", "__newobj__"), name("scipy.stats._continuous_distns", "norm_gen"))
        + state(_parse_arg_template=program(canary))
        + b"b",
    }


def _hostile_calls(canary: str) -> dict[str, bytes]:
    code = program(canary)
    write = call(PARTIAL, name("numpy", "memmap"), string(canary), string("u1"), string("w+"), b"K\x00")
    return {
        "a random state that calls": call(name("numpy.random._pickle", "__randomstate_ctor"), code, EVAL),
        "a random state that writes": call(
            name("numpy.random._pickle", "__randomstate_ctor"), b"K\x01", write
        ),
        "copyreg.__newobj__": call(name("copyreg", "__newobj__"), name("subprocess", "Popen"))
        + b"0"
        + opened(canary),
        "copyreg._reconstructor": call(
            name("copyreg", "_reconstructor"),
            name("logging", "FileHandler"),
            name("logging", "FileHandler"),
            string(canary),
        ),
        "NEWOBJ_EX": name("_io", "FileIO") + tuple_of() + b"}\x920" + opened(canary),
        "a default": call(
            name("collections", "defaultdict"), call(PARTIAL, *(OPEN, string(canary), string("w")))
        )
        + b"0"
        + opened(canary),
    }


def _disguised(canary: str) -> dict[str, bytes]:
    """Whole files with one and the same call, which a scanner misses if it reads files unlike Python."""
    body = opened(canary)
    other = string("collections") + b"q\x000" + string("builtins") + b"q\x000"
    outdated = string("OrderedDict") + b"q\x010" + string("open") + b"q\x010"
    arguments = tuple_of(string(canary), string("w"))
    return {
        "dropped result, then a model": beside_model(body),
        "memo overwritten": alone(other + outdated + b"h\x00h\x01\x93" + arguments + b"R"),
        "memo far away": alone(
            string("builtins")
            + b"r\xe8\x03\x00\x000j\xe8\x03\x00\x00"
            + string("open")
            + b"\x93"
            + arguments
            + b"R"
        ),
        "values duplicated and dropped": alone(string("x") + b"200" + body),
        "broken opcode behind it": START + body + b"\xff\xff.",
        "ends without STOP": START + body,
        "wrong argument behind it": START + body + b"I not a number\n.",
        "wrong frame": START + b"\x95" + struct.pack("<Q", len(body) + 1) + body + b".",
        "GLOBAL of protocol 0": b"cbuiltins\nopen\n(V" + canary.encode() + b"\nVw\ntR.",
        "INST": b"(V" + canary.encode() + b"\nVw\nibuiltins\nopen\n.",
        "OBJ": b"\x80\x02(c_io\nFileIO\nV" + canary.encode() + b"\nVw\no.",
        "name of Python 2": b"\x80\x02c__builtin__\nopen\n(V" + canary.encode() + b"\nVw\ntR.",
        "module of Python 2": b"\x80\x02cos\npopen\n(V: > " + canary.encode() + b"\ntR.",
        "gzip": gzip.compress(alone(body)),
        "bz2": bz2.compress(alone(body)),
        "xz": lzma.compress(alone(body)),
        "lzma": lzma.compress(alone(body), lzma.FORMAT_ALONE),
        "zlib": zlib.compress(alone(body)),
        "in an array of objects": _array_of(body),
    }


def _array_of(body: bytes) -> bytes:
    """An array of objects as joblib writes it, with a pickle of its own inside."""
    file = io.BytesIO()
    joblib.dump({"vocabulary_": np.array(["a", None], dtype=object)}, file)
    whole = file.getvalue()
    inner = whole.index(b"\x80\x05", 2)
    return whole[: inner + 2] + body + b"0" + whole[inner + 2 :]


def _dotted(canary: str) -> dict[str, bytes]:
    keep = name(KERNEL, "RBF") + b"N" + state(home=string("builtins"), what=string("open")) + b"\x86b0"
    kept = name(KERNEL, "RBF.home") + name(KERNEL, "RBF.what") + b"\x93"
    modules = name(KERNEL, "RBF") + b"N" + name("numpy._core._internal", "sys.modules") + b"\x86b0"
    return {
        "through a module": call(name("joblib", "os.system"), touch(canary)),
        "through a safe module": call(name("sklearn.utils._testing", "os.system"), touch(canary)),
        "name kept in a class": keep + call(kept, string(canary), string("w")),
        "modules as attributes": modules + call(name(KERNEL, "RBF.os.system"), touch(canary)),
    }


def _states(_: str) -> dict[str, bytes]:
    """Loading runs nothing, but the loaded object is corrupt, or loading changes classes and functions."""
    lie = b"(" + number(3) + string("|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
    objects = call(DTYPE, string("O8"), b"\x89", b"\x88") + lie
    estimator = new(ESTIMATOR)
    return {
        "method of a class": ESTIMATOR + b"N" + state(predict=name("numpy", "log1p")) + b"\x86b0" + estimator,
        "attribute of a function": name("sklearn.utils.validation", "check_array")
        + state(a=b"N")
        + b"b0"
        + estimator,
        "class of an object": estimator
        + b"N"
        + state(__class__=name("sklearn.svm._classes", "SVC"))
        + b"\x86b",
        "dictionary of an object": estimator + b"N" + state(__dict__=b"}") + b"\x86b",
        "address as array interface": estimator
        + state(__array_interface__=state(data=tuple_of(number(1), b"\x89")))
        + b"b",
        "address by a lent key": new(name("sklearn.utils._bunch", "Bunch"))
        + string("__array_interface__")
        + b"}s",
        "objects that deny it": objects,
        "objects that deny it, in a structure": call(DTYPE, string("V8"), b"\x89", b"\x88")
        + b"("
        + number(3)
        + string("|")
        + b"N"
        + tuple_of(string("a"))
        + state(a=tuple_of(call(DTYPE, string("O8"), b"\x89", b"\x88"), number(0)))
        + number(8)
        + number(1)
        + number(0)
        + b"tb",
        "state twice": call(
            name("numpy._core.multiarray", "_reconstruct"),
            name("numpy", "ndarray"),
            tuple_of(number(0)),
            string("b"),
        )
        + b"2(K\x01"
        + tuple_of(number(1))
        + call(DTYPE, string("u1"), b"\x89", b"\x88")
        + b"\x89C\x01xtb"
        + b"(K\x01"
        + tuple_of(number(1))
        + call(DTYPE, string("u1"), b"\x89", b"\x88")
        + b"\x89C\x01ytb0",
        "made with arguments": call(ESTIMATOR, b"\x88"),
        "function called": call(name("numpy", "log1p"), number(1)),
        "object called": call(estimator, number(1)),
        "container that is none": estimator + number(1) + b"a",
    }


def _outside(_: str) -> dict[str, bytes]:
    """Loading runs nothing, but the file has more than one pickle, or needs something outside the file."""
    return {
        "several pickles": model_bytes() + alone(opened("never")),
        "bytes after STOP": model_bytes() + b"\0\0",
        "extension": START + b"\x82\x01.",
        "persistent id": START + string("x") + b"Q.",
        "old persistent id": b"Px\n.",
        "buffer": b"\x80\x05\x97.",
        "class of the script": alone(new(name("__main__", "Model"))),
        "class of an unknown module": alone(new(name("helpers.models", "Model"))),
        "function kept for later": alone(
            new(name("sklearn.preprocessing._function_transformer", "FunctionTransformer"))
            + state(func=EVAL)
            + b"b"
        ),
        "machinery of a module": alone(name("numpy", "__builtins__")),
        "torch": alone(call(name("torch", "load"), string("x"))),
        "old array of joblib": alone(
            new(name("joblib.numpy_pickle", "NDArrayWrapper")) + state(filename=string("x")) + b"b"
        ),
    }


def corpus(canary: str) -> list[Attack]:
    """Give all attacks; an attack that runs writes the file of this path."""
    found = []
    for kind, bodies in (
        ("called by its name", _direct),
        ("chain", _chains),
        ("helper that runs text", _helpers),
        ("library that loads or writes", _libraries),
        ("hostile arguments", _hostile_calls),
        ("dotted name", _dotted),
    ):
        found += [Attack(kind, name, alone(body)) for name, body in bodies(canary).items()]
    found += [Attack("disguise", name, data) for name, data in _disguised(canary).items()]
    found += [Attack("state", name, beside_model(body), runs=False) for name, body in _states(canary).items()]
    found += [Attack("outside", name, data, runs=False) for name, data in _outside(canary).items()]
    for kind, files, runs in (
        ("skops: names", skops_attacks.running, True),
        ("skops: tricks", skops_attacks.tricks, False),
        ("ONNX", onnx_attacks.graphs, False),
    ):
        found += [Attack(kind, name, data, runs, "skops") for name, data in files(canary).items()]
    return found
