"""The host and the service judge alike, each with code of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import Global, inspect_model, judge_globals
from infer_cli.inspection.facts.policy import _rules as rules_of_host
from service.loading.policy import FILE, Policy
from service.loading.policy import _rules as rules_of_service

if TYPE_CHECKING:
    from pathlib import Path

CASES = [
    pytest.param("sklearn.svm._classes", "SVC", (), "safe", id="estimator"),
    pytest.param("sklearn.svm._classes", "SVD", (), "unknown", id="not listed"),
    pytest.param("sklearn.svm", "_classes", (), "unknown", id="a module of a known package"),
    pytest.param("sklearn.svm._classes ", "SVC", (), "unknown", id="nearly listed"),
    pytest.param("helpers.models", "Mine", (), "unknown", id="own code"),
    pytest.param("helpers.models", "Mine", ("helpers",), "trusted", id="own code, trusted"),
    pytest.param("helpers.models", "Mine", ("helpers.models.Mine",), "trusted", id="one name trusted"),
    pytest.param("helpers.models", "Other", ("helpers.models.Mine",), "unknown", id="another name"),
    pytest.param("helpers2", "Mine", ("helpers",), "unknown", id="a longer name"),
    pytest.param("helpers", "Mine.make", ("helpers",), "dangerous", id="through a trusted name"),
    pytest.param("helpers", "__builtins__", ("helpers",), "dangerous", id="machinery of a trusted module"),
    pytest.param("os", "system", (), "dangerous", id="runs programs"),
    pytest.param("os", "system", ("os",), "dangerous", id="runs programs, its module trusted"),
    pytest.param("os", "system", ("os.system",), "trusted", id="trusted by its full name"),
    pytest.param("builtins", "eval", ("builtins",), "dangerous", id="evaluates"),
    pytest.param("builtins", "set", (), "safe", id="a plain value"),
    pytest.param("numpy.testing._private.utils", "runstring", ("numpy",), "dangerous", id="below a module"),
    pytest.param("joblib.numpy_pickle", "NumpyArrayWrapper", (), "safe", id="in a dangerous module"),
    pytest.param("wave", "open", (), "dangerous", id="the rest of Python"),
    pytest.param("__main__", "Mine", ("__main__",), "unknown", id="the script"),
    pytest.param("__main__", "Mine", ("__main__.Mine",), "unknown", id="the script, by its full name"),
]


@pytest.mark.parametrize(("module", "name", "trusted", "verdict"), CASES)
def test_both_sides_judge_alike(
    module: str, name: str, trusted: tuple[str, ...], verdict: str, tmp_path: Path
) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(_reference(module, name))
    judged = {one.name: one for one in judge_globals(inspect_model(file), trusted)}[Global(module, name)]

    judgement = Policy(trusted).judge(module, name)

    assert judged.verdict == verdict
    assert (judgement.use is not None) == judged.is_allowed
    assert judgement.is_unknown == (verdict == "unknown")


def _reference(module: str, name: str) -> bytes:
    """A model that holds a name as an attribute."""
    held = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name)) + b"\x93"
    return b"\x80\x04csklearn.svm._classes\nSVC\n)\x81}\x8c\x07kernel_" + held + b"sb."


def test_both_sides_read_the_same_rules() -> None:
    assert rules_of_host() == rules_of_service()


def test_no_section_is_empty_and_no_name_is_listed_twice() -> None:
    text = FILE.read_text()
    uses, dangers = rules_of_service()

    assert len(re.findall(r"(?m)^\[(call|make|name|dangerous)\] \S", text)) == text.count("\n[")
    assert len(uses) > 800
    assert ("subprocess", None) in dangers
    assert dangers["builtins", "eval"] == "runs text or bytes as code"


def test_what_is_called_must_be_made_for_it() -> None:
    """Of Python's own functions only the listed ones may be called: each was checked by a person."""
    uses, _ = rules_of_service()

    called = {f"{module}.{name}" for (module, name), use in uses.items() if use == "call"}

    assert {name for name in called if name.startswith(("builtins.", "functools.", "copyreg."))} == {
        "builtins.bytearray",
        "builtins.bytes",
        "builtins.complex",
        "builtins.frozenset",
        "builtins.getattr",
        "builtins.range",
        "builtins.set",
        "builtins.slice",
        "copyreg._reconstructor",
        "functools.partial",
    }
