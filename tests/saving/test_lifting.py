from __future__ import annotations

import datetime as dt
import linecache
import math
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.lifting import Lifter
from infer_cli.saving.main_source import MainSource

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = "the_script.py"


@pytest.fixture(autouse=True)
def _no_script_is_left() -> Iterator[None]:
    yield
    linecache.cache.pop(SCRIPT, None)


def run(text: str, **given: object) -> dict[str, object]:
    """The globals of a script after it has run."""
    text = textwrap.dedent(text)
    linecache.cache[SCRIPT] = (len(text), None, text.splitlines(keepends=True), SCRIPT)
    names: dict[str, object] = {"__name__": "__main__", **given}
    exec(compile(text, SCRIPT, "exec", dont_inherit=True), names)  # noqa: S102 (the scripts stand in this file)
    return names


def lifted(text: str, *wanted: str, **given: object) -> dict[str, object]:
    """The globals of the module that `wanted` were lifted into."""
    names = run(text, **given)
    lifter = Lifter(MainSource([textwrap.dedent(text)]), names)
    for name in wanted:
        value = names[name]
        assert isinstance(value, type) or callable(value)
        lifter.lift(value)  # type: ignore[arg-type]
    module: dict[str, object] = {"__name__": "lifted"}
    exec(compile(lifter.text, "lifted.py", "exec", dont_inherit=True), module)  # noqa: S102 (as above)
    return module


def test_a_function_brings_what_it_uses() -> None:
    module = lifted(
        """
        from __future__ import annotations
        import math
        import os.path
        from math import floor as down
        try:
            import json as j
        except ImportError:
            j = None

        BASE, NAMES = 2.5, ["a", ("b",), {"c": {1, 2}}]
        UNUSED = object()

        def inner(x: Unknown) -> int:
            return down(x)

        def used(x):
            UNUSED = x  # a local of the same name
            return inner(math.exp(x)) + BASE, NAMES, j.dumps(os.path.basename("a/b")), len("x"), outer is used

        outer = used
        """,
        "used",
    )

    used = module["used"]
    assert callable(used)
    assert used(1.0) == (4.5, ["a", ("b",), {"c": {1, 2}}], '"b"', 1, True)
    assert "UNUSED" not in module


def test_a_class_brings_its_bases_decorators_and_defaults() -> None:
    module = lifted(
        """
        import enum
        from dataclasses import dataclass, field

        class Mode(enum.Enum):
            FAST = 1

        @dataclass
        class Config:
            factor: float = float("inf")
            mode: Mode = Mode.FAST
            names: list = field(default_factory=list)

        CONFIG = Config(3.0, names=["x"])

        class Base:
            def scale(self, x, config=CONFIG):
                return x * config.factor, config.mode.name, config.names

        class Model(Base):
            class Inner:
                pass
        """,
        "Model",
    )

    model = module["Model"]
    assert isinstance(model, type)
    assert model().scale(2) == (6.0, "FAST", ["x"])
    assert hasattr(model, "Inner")


@pytest.mark.parametrize(
    ("text", "argument", "expected"),
    [
        pytest.param("f = lambda x: x + K", 1, 6, id="a name"),
        pytest.param("f = keep(lambda x: x * 2, lambda x: x * 3)[1]", 1, 3, id="two in a line"),
        pytest.param("f = keep(lambda x: (\n    x -\n    1))[0]", 1, 0, id="several lines"),
        pytest.param("def g(): return lambda x, k=4: x + k\nf = g()", 1, 5, id="in a function"),
        pytest.param("f = lambda x: (lambda y: y * K)(x)", 2, 10, id="one inside another"),
        pytest.param("import math\nf = keep(lambda x: math.floor(x))[0]", 2.5, 2, id="a module"),
    ],
)
def test_a_lambda_is_found_by_its_place(text: str, argument: float, expected: float) -> None:
    module = lifted(f"K = 5\ndef keep(*fs): return fs\n{text}", "f")

    [function] = [
        value
        for name, value in module.items()
        if name == "f" or name.startswith("lambda_")
        if callable(value)
    ]
    assert function(argument) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "def f(x): return x + table[0]", "f uses table, which is a numpy.ndarray", id="an array"
        ),
        pytest.param(
            "def f(x): return g(x)\ndef g(x): return table", "g uses table, which is a", id="indirect"
        ),
        pytest.param(
            "def make():\n    def f(x): return x\n    return f\nf = make()",
            "make.<locals>.f is defined inside the function make",
            id="in a function",
        ),
        pytest.param(
            "def make(k): return lambda x: x + k\nf = make(1)", "uses k of a function", id="a closure"
        ),
    ],
)
def test_what_cannot_be_lifted_is_named(text: str, message: str) -> None:
    with pytest.raises(SaveFailed) as caught:
        lifted(text, "f", table=np.zeros(1001))

    assert message in str(caught.value)
    assert "hint: " in str(caught.value)


def test_a_definition_that_was_run_again_is_an_error() -> None:
    names = run("def f(): return 1")
    old = names["f"]
    lifter = Lifter(MainSource(["def f(): return 1", "def f(): return 2"]), run("def f(): return 2"))

    with pytest.raises(SaveFailed, match="f has been defined again since the model was made"):
        lifter.lift(old)  # type: ignore[arg-type]


def test_values_that_have_no_literal_are_written() -> None:
    module = lifted(
        """
        import re
        NAN, WORD, SET = float("nan"), re.compile("a+", re.I), frozenset({"b", "a"})
        def f():
            return NAN, WORD.match("AA") is not None, SET
        """,
        "f",
    )

    function = module["f"]
    assert callable(function)
    nan, matches, both = function()
    assert math.isnan(nan)
    assert matches
    assert both == {"a", "b"}


def test_the_definition_that_ran_is_taken() -> None:
    module = lifted(
        """
        FAST = True
        if FAST:
            def f():
                return '''
        a
        '''
        else:
            def f():
                return 3
        """,
        "f",
    )

    assert module["f"]() == "\na\n"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("class A:\n    K = 1\nA.K = 2", "A.K is not what its source says", id="attribute"),
        pytest.param(
            "class A:\n    def f(self): return 1\nA.f = lambda self: 2", "A.f is not what", id="method"
        ),
        pytest.param(
            "K = 1\ndef A(k=K): return k\nK = 2", "K, a default value in A, has another value", id="default"
        ),
        pytest.param("def A(): return 1\nA.__code__ = (lambda: 2).__code__", "A is not", id="code"),
    ],
)
def test_what_changed_after_its_definition_is_named(text: str, message: str) -> None:
    if message.startswith("A is not"):
        text = text.replace("(lambda: 2).__code__", "A.__code__.replace(co_consts=(None, 2))")
    with pytest.raises(SaveFailed, match=message):
        lifted(text, "A")


def test_what_lies_in_a_class_gets_a_name_of_its_own() -> None:
    text = """
        class Outer:
            class Inner:
                pass
            @staticmethod
            def twice(x):
                return 2 * x
        inner, twice = Outer.Inner, Outer.twice
        """
    module = lifted(text, "inner", "twice")

    assert module["Outer__Inner"] is module["Outer"].Inner  # type: ignore[attr-defined]
    assert module["Outer__twice"](2) == 4  # type: ignore[operator]


def test_constants_of_libraries_are_written() -> None:
    module = lifted(
        """
        import datetime as dt, collections, decimal, logging, pathlib
        import numpy as np
        from functools import lru_cache, partial
        from typing import Optional, Union

        MEAN, TABLE = np.float64(0.1) * 3, np.array([[0.1, np.nan]])
        DAY, PLACE, COST = dt.date(2026, 1, 31), pathlib.Path("a"), decimal.Decimal("1.50")
        COUNTS, GROUPS = collections.Counter("aab"), collections.defaultdict(int, a=1)
        Point = collections.namedtuple("Point", "x y")
        AT, LOG, KIND = Point(1, 2), logging.getLogger(__name__), np.float32
        Table = Union[np.ndarray, Optional[int]]
        CALLS = 0

        def add(x, y): return x + y
        add_one = partial(add, y=1)

        @lru_cache
        def cached(x: Table) -> int:
            global CALLS
            CALLS += 1
            return CALLS

        def f():
            cached(1)
            return (MEAN, TABLE, DAY, PLACE, COST, COUNTS, GROUPS, AT, LOG.name, KIND, add_one(1), cached(1))
        """,
        "f",
    )

    mean, table, *others = module["f"]()  # type: ignore[operator]
    assert mean == np.float64(0.1) * 3
    assert type(mean) is np.float64
    assert np.array_equal(table, [[0.1, np.nan]], equal_nan=True)
    assert others == [
        dt.date(2026, 1, 31),
        Path("a"),
        Decimal("1.50"),
        {"a": 2, "b": 1},
        {"a": 1},
        (1, 2),
        "lifted",
        np.float32,
        2,
        1,
    ]


def test_defaults_of_a_lambda_keep_their_values() -> None:
    module = lifted("fs = [lambda x, k=k: x * k for k in (2, 3)]\nf = fs[0]", "f")

    assert module["lambda_1"](5) == 10  # type: ignore[operator]


def test_the_cell_of_a_magic_is_read() -> None:
    source = MainSource(["get_ipython().run_cell_magic('time', '', 'def f():\\n    return 1\\n')\n"])

    assert [definition.source for definition in source.definitions["f"]] == ["def f():\n    return 1\n"]
