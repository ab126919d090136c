"""The machine sees what Python's unpickler would do, and does none of it."""

from __future__ import annotations

import _compat_pickle
import io
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection.files import budget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


class Listening(pickle.Unpickler):
    """An unpickler that loads, and notes what it imports."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.found: set[str] = set()

    def find_class(self, module: str, name: str) -> object:
        # Up to protocol 2 the names are those of Python 2; none of Python 3's is among them.
        renamed = _compat_pickle.NAME_MAPPING.get(
            (module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name)
        )
        self.found.add(".".join(renamed))
        return super().find_class(module, name)


@pytest.mark.parametrize("protocol", range(6))
def test_globals_are_those_that_loading_imports(
    model: object, protocol: int, inspect_bytes: Callable[..., Inspection]
) -> None:
    data = pickle.dumps(model, protocol)
    loading = Listening(data)
    loading.load()

    inspection = inspect_bytes(data)

    assert {str(name) for name in inspection.globals} == loading.found
    # Protocol 1 does not say that it is.
    assert inspection.protocol == (protocol if protocol > 1 else 0)


class Malicious:
    """Runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_runs(protocol: int, tmp_path: Path, inspect_bytes: Callable[..., Inspection]) -> None:
    canary = tmp_path / "canary"

    inspection = inspect_bytes(pickle.dumps(Malicious(f"touch {canary}"), protocol))

    assert not canary.exists()
    assert "posix.system" in map(str, inspection.globals)
    assert inspection.kind == "other"


def test_nothing_heavy_is_imported() -> None:
    """Neither NumPy nor scikit-learn: an inspection must not run code, nor need the model's packages."""
    program = (
        "import sys, infer_cli.inspection; print(sorted({'numpy', 'sklearn', 'joblib'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


# An object of a class a.b, as the top of a pickle, with what the test is about in between.
@pytest.mark.parametrize(
    ("pickled", "names"),
    [
        (b"ca\nb\n)\x81.", {"a.b"}),
        (b"(ia\nb\n.", {"a.b"}),
        (b"(ca\nb\no.", {"a.b"}),
        (b"\x80\x04\x8c\x01a\x8c\x01b\x93)\x81.", {"a.b"}),
        (b"\x80\x04\x8c\x01a\x94\x8c\x01b\x9400h\x00h\x01\x93)\x81.", {"a.b"}),
        (b"\x80\x04\x8c\x01a\x8c\x03b.c\x93)\x81.", {"a.b.c"}),
        (b"c__builtin__\nunicode\n)\x81.", {"builtins.str"}),
        (b"\x80\x03c__builtin__\nunicode\n)\x81.", {"__builtin__.unicode"}),
        (
            b"ccopy_reg\n_reconstructor\n(ca\nb\nc__builtin__\nobject\nNtR.",
            {"a.b", "copyreg._reconstructor", "builtins.object"},
        ),
        (b"cdropped\nname\n0ca\nb\n)\x81.", {"a.b", "dropped.name"}),
        (b"(cdropped\nname\n1ca\nb\n)\x81.", {"a.b", "dropped.name"}),
        (b"S'a'\nS'\\x62'\n\x93)\x81.", {"a.b"}),
        (b"Va\nV\\u0062\n\x93)\x81.", {"a.b"}),
    ],
    ids=[
        "newobj",
        "inst",
        "obj",
        "of the stack",
        "of the memo",
        "dotted",
        "of Python 2",
        "not of Python 2",
        "reconstructor",
        "popped",
        "popped with its mark",
        "quoted",
        "escaped",
    ],
)
def test_every_way_to_name_something(
    pickled: bytes, names: set[str], inspect_bytes: Callable[..., Inspection]
) -> None:
    assert {str(name) for name in inspect_bytes(pickled).globals} == names


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04.", "ends with values left over"),
        (b"\x80\x042.", "uses a value of an empty stack"),
        (b"\x80\x04N0.", "ends with values left over"),
        (b"\x80\x04NN.", "ends with values left over"),
        (b"\x80\x04(N.", "ends with values left over"),
        (b"\x80\x04\x86.", "takes a value from an empty stack"),
        (b"\x80\x04(0" + b"0", "uses a mark that was not set"),
        (b"\x80\x04t.", "uses a mark that was not set"),
        (b"\x80\x04h\x05.", "gets memo index 5, which was not put"),
        (b"\x80\x04Nr\xff\xff\xff\xff.", "far beyond the others"),
        (b"\x80\x04\xff.", "has an unknown opcode 0xff at byte 2"),
        (b"\x80\x09.", "says that it is of pickle protocol 9"),
        (b"\x80\x04K\x01\x8c\x01b\x93.", "computes the name of something that it imports"),
        (b"\x80\x04ca\nb\n)R\x8c\x01b\x93.", "computes the name of something that it imports"),
        (b"\x80\x04\x82\x01.", "a registered extension code"),
        (b"\x80\x04\x83\x01\x00.", "a registered extension code"),
        (b"\x80\x04\x84\x01\x00\x00\x00.", "a registered extension code"),
        (b"\x80\x04P1\n.", "a persistent id"),
        (b"\x80\x04K\x01Q.", "a persistent id"),
        (b"\x80\x05\x97.", "an out-of-band buffer"),
        (b"\x80\x05C\x01a\x98.", "an out-of-band buffer"),
        (b"\x80\x04ca\nb\n]R.", "with arguments that are no tuple"),
        (b"\x80\x04K\x01)R.", "calls what cannot be called"),
        (b"\x80\x04ca\nb\n)N\x92.", "with keywords that are no dictionary"),
        (b"\x80\x04(o.", "makes an object without a class"),
        (b"\x80\x04ca\nb\n}b.", "sets the state of what is no object"),
        (b"\x80\x04ca\nb\n)\x81" + b"}b" * 5 + b".", "state of an object again"),
        (b"\x80\x04}(K\x01u.", "a dictionary key without a value"),
        (b"\x80\x04(K\x01d.", "a dictionary key without a value"),
        (b"\x80\x04K\x01K\x02a.", "appends to what is no list"),
        (b"\x80\x04](K\x02\x90.", "adds to what is no set"),
        (b"\x80\x04]K\x01K\x02s.", "sets an item of what is no dictionary"),
        (
            b"\x80\x04\x95" + (99).to_bytes(8, "little") + b"\x95" + bytes(8) + b"N.",
            "starts a frame inside another",
        ),
        (b"\x80\x04Ione\n.", "'one' at byte 3, where a whole number belongs"),
        (b"\x80\x04I0x1\n.", "where a whole number belongs"),
        (b"\x80\x04I" + b"1" * 5000 + b"\n.", "where a whole number belongs"),
        (b"\x80\x04L1e5L\n.", "where a whole number belongs"),
        (b"\x80\x04Fone\n.", "where a number belongs"),
        (b"\x80\x04Sone\n.", "where a text in quotes belongs"),
        (b"\x80\x04S'\\q'\n.", "where a text in quotes belongs"),
        (b"\x80\x04Np-1\n.", "a negative memo index"),
        (b"\x80\x04T\xff\xff\xff\xff.", "a negative length"),
        (b"\x80\x04\x8b\x00\x00\x10\x00.", "a whole number of 1048576 bytes"),
        (b"\x80\x04U\x01\xe9.", "was saved by Python 2"),
        (b"\x80\x04\x8c\x01\xe9.", "is not UTF-8"),
        (b"\x80\x04V\\u00\n.", "has a broken escape"),
        (b"\x80\x04c\nb\n.", "where a name belongs"),
        (b"\x80\x04c\xff\nb\n.", "where a name belongs"),
        (b"\x80\x04(i\xc3\xa9\nb\n.", "a name that is not ASCII"),
        (b"\x80\x04c" + b"a" * 70_000 + b"\nb\n.", "a line of 70000 bytes"),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04" + b"]\x94" * 3000,
        b"\x80\x04" + b"K\x01\x94" * 3000,
        b"\x80\x04](" + b"K\x01" * 3000 + b"e",
        b"\x80\x04Nr\x00\x03\x00\x00r\x00\x06\x00\x00r\x00\x09\x00\x00r\x00\x0c\x00\x00",
        b"\x80\x04" + b"X\xff\x03\x00\x00" * 1 + b"a" * 1023 + b"X\xff\x03\x00\x00" + b"a" * 1023,
        b"\x80\x04" + b"N0" * 60_000,
    ],
    ids=["containers", "memo", "items", "gaps of the memo", "texts", "steps"],
)
def test_refuses_to_be_exhausted(
    pickled: bytes, refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "NODES_MAX", 2000)
    monkeypatch.setattr(budget, "TEXT_BYTES_MAX", 2000)
    monkeypatch.setattr(budget, "STEPS_MAX", 100_000)

    assert "exhaust" in refusal(pickled + b".").message


@pytest.mark.parametrize("pushed", [b"N", b"("], ids=["values", "marks"])
def test_refuses_a_stack_without_end(pushed: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "exhaust" in refusal(b"\x80\x04" + pushed * 5_000_000).message


def test_deep_nesting_is_no_problem(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "a tuple of 1" in refusal(b"\x80\x04N" + b"\x85" * 1_000_000 + b".").message


@pytest.mark.parametrize(
    "pickled",
    [
        b"cmine\nThing\n)}(S'a'\nK\x01u\x92}(S'n_features_in_'\nK\x03ub.",
        b"cmine\nThing\n)\x81}(S'n_features_in_'\nK\x03u}\x86b.",
        b"cmine\nThing\n)\x81N}(S'n_features_in_'\nK\x03u\x86b.",
        b"cmine\nThing\n)R(K\x01K\x02eK\x05a(K\x07\x90K\x01K\x02s(K\x01K\x02u}(S'n_features_in_'\nK\x03ub.",
    ],
    ids=["keywords", "attributes and no slots", "slots", "a container too"],
)
def test_every_way_to_make_something(pickled: bytes, inspect_bytes: Callable[..., Inspection]) -> None:
    assert inspect_bytes(b"\x80\x04" + pickled).feature_count == 3


def test_names_are_fit_to_be_printed(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(b"\x80\x04\x8c\x05\x1b[31m\x8c\x03\xed\xa0\x80\x93)\x81.")

    assert [str(name) for name in inspection.globals] == ["\\x1b[31m.\\ud800"]


def test_an_object_may_hold_itself(inspect_bytes: Callable[..., Inspection]) -> None:
    """A hostile file can say so; each way of going through a model must end."""
    itself = b"\x80\x04cmine\nThing\n)\x81\x94}(%sh\x00ub."

    for attribute in (b"estimator", b"estimators_", b"steps"):
        key = b"\x8c" + bytes([len(attribute)]) + attribute
        inspection = inspect_bytes(itself % key)

        assert inspection.kind == "other"


def test_exponentially_many_estimators(inspect_bytes: Callable[..., Inspection]) -> None:
    """Each estimator holds the one before twice: to go all ways through them would take for ever."""
    data = b"\x80\x04cmine\nThing\n\x940"
    for index in range(60):
        inner = b"h%c" % index
        data += b"h\x00)\x81\x94}(\x8c\x09estimator" + inner + b"\x8c\x0aclassifier" + inner + b"ub0"

    inspection = inspect_bytes(data + b"h\x3c.")

    assert inspection.estimator is not None
