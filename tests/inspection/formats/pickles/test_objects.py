"""Every way to write a name or object is understood; other calls are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


# Each pickle makes an object of a class a.b, with another way to name the class.
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
        (b"\x80\x04K\x01\x8c\x01b\x93.", "computes the name of something that it imports"),
        (b"\x80\x04ca\nb\n)R\x8c\x01b\x93.", "computes the name of something that it imports"),
        (b"\x80\x04ca\nb\n]R.", "with arguments that are no tuple"),
        (b"\x80\x04K\x01)R.", "calls a value that cannot be called"),
        (b"\x80\x04ca\nb\n)N\x92.", "with keywords that are no dictionary"),
        (b"\x80\x04(o.", "makes an object without a class"),
        (b"\x80\x04ca\nb\n}b.", "sets the state of a value that is no object"),
        (b"\x80\x04ca\nb\n)\x81" + b"}b" * 5 + b".", "state of an object again"),
        (b"\x80\x04(i\xc3\xa9\nb\n.", "a name that is not ASCII"),
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
        b"cmine\nThing\n)}(S'a'\nK\x01u\x92}(S'n_features_in_'\nK\x03ub.",
        b"cmine\nThing\n)\x81}(S'n_features_in_'\nK\x03u}\x86b.",
        b"cmine\nThing\n)\x81N}(S'n_features_in_'\nK\x03u\x86b.",
        b"cmine\nThing\n)R(K\x01K\x02eK\x05a(K\x07\x90K\x01K\x02s(K\x01K\x02u}(S'n_features_in_'\nK\x03ub.",
    ],
    ids=["keywords", "attributes and no slots", "slots", "a container too"],
)
def test_every_way_to_make_something(pickled: bytes, inspect_bytes: Callable[..., Inspection]) -> None:
    assert inspect_bytes(b"\x80\x04" + pickled).feature_count == 3


def test_names_are_printable(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(b"\x80\x04\x8c\x05\x1b[31m\x8c\x03\xed\xa0\x80\x93)\x81.")

    assert [str(name) for name in inspection.globals] == ["\\x1b[31m.\\ud800"]
