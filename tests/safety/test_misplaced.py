"""Known parts in places where no model has them: each is an attack, unless it is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from tests.safety.misplaced.corpus import misplaced
from tests.safety.misplaced.made import NOTHING, Misplaced, saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The path differs between test runs, but not between the collection and the tests of one run.
CANARY = Path(f"/tmp/infer-misplaced-{os.getpid()}")  # noqa: S108 (a name that can be written into the files)
SECRET = Path(f"{CANARY}.read")
ALL = misplaced(str(CANARY))
MISPLACED = [case for case in ALL if case.kind != "broken"]
# What refuses a range of any size, and a vectorizer that reads files.
NO_PLACES = ("calls builtins.range", "reads files which a row names", "calls re._compile as no model does")
SUFFIXES = {"pickle": "model.pkl", "joblib": "model.joblib", "skops": "model.skops"}
# Loads each model whose path it reads in a process of its own, and asks it as the service would do, with
# nothing that looks at it before. What takes more than the processor's time and the memory of thousands of
# such models is stopped.
_ASKER = """
import json, os, resource, sys, warnings
import joblib, numpy, pandas, scipy.stats, sklearn.pipeline
def ask(file, method, rows, secret):
    def note(event, arguments):
        if event == "open" and str(arguments[0]) == secret:
            os.write(1, b"reads")
    resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
    resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))
    warnings.simplefilter("ignore")
    model = joblib.load(file)
    sys.addaudithook(note)
    try:
        getattr(model, method)(rows)
    except MemoryError:
        os.write(1, b"fills memory")
for line in sys.stdin:
    arguments = json.loads(line)
    log = arguments.pop("log")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 1)
        try:
            ask(**arguments)
        except BaseException as error:
            os.write(1, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("hangs" if os.WIFSIGNALED(status) else "ends", flush=True)
"""


@pytest.fixture(scope="module")
def ask_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Misplaced, Path], str]]:
    """Load and ask a model in another process; give what that process did."""
    log = tmp_path_factory.mktemp("misplaced") / "log"
    # None of our code runs there, so that its coverage need not be measured.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    with subprocess.Popen(
        [sys.executable, "-c", _ASKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=unmeasured,
        text=True,
    ) as asker:

        def ask(case: Misplaced, file: Path) -> str:
            assert asker.stdin is not None
            assert asker.stdout is not None
            log.write_bytes(b"")
            told = {"file": str(file), "method": case.method, "rows": case.rows, "secret": str(SECRET)}
            print(json.dumps({**told, "log": str(log)}), file=asker.stdin, flush=True)
            ended = asker.stdout.readline().strip()
            said = log.read_text(errors="replace")
            return "hangs" if ended == "hangs" else said

        yield ask


@pytest.fixture(autouse=True)
def _canary() -> Iterator[None]:
    SECRET.write_text("secret")
    yield
    _take_canary()
    SECRET.unlink(missing_ok=True)


@pytest.mark.parametrize("case", [case for case in ALL if case.effect != NOTHING], ids=str)
def test_it_is_an_attack(
    case: Misplaced, tmp_path: Path, ask_elsewhere: Callable[[Misplaced, Path], str]
) -> None:
    """Python and scikit-learn run it: otherwise the refusals would prove nothing."""
    file = tmp_path / "model.pkl"
    file.write_bytes(saved(case)["pickle"])

    said = ask_elsewhere(case, file)

    if "numpy._ArrayFunctionDispatcher" in said and case.name in ("a table's eval", "a table's query"):
        pytest.skip("this pandas cannot evaluate texts with this NumPy")
    effect = "writes" if _take_canary() else said
    assert effect.startswith(case.effect), f"{case}: {said}"


@pytest.mark.parametrize("case", MISPLACED, ids=str)
def test_the_inspection_refuses_it(case: Misplaced, tmp_path: Path) -> None:
    for form, data in saved(case).items():
        file = tmp_path / SUFFIXES[form]
        file.write_bytes(data)

        with pytest.raises((ModelUnreadable, ModelUnsafe)) as raised:
            require_safe(inspect_model(file), ())

        assert _names_a_place(case, form, raised.value.message), raised.value.message


@pytest.mark.parametrize("case", MISPLACED, ids=str)
def test_the_service_refuses_it(case: Misplaced, tmp_path: Path) -> None:
    for form, data in saved(case).items():
        file = tmp_path / SUFFIXES[form]
        file.write_bytes(data)

        with pytest.raises(ModelUnloadable) as raised:
            load_model(file)

        assert "\n" not in str(raised.value), form
        assert _names_a_place(case, form, str(raised.value)), str(raised.value)
        assert not _take_canary(), form


@pytest.mark.parametrize("case", [case for case in ALL if case.kind == "broken"], ids=str)
def test_a_model_in_pieces_is_refused_in_one_line_or_loads(case: Misplaced, tmp_path: Path) -> None:
    """Neither side ends with a traceback. What loads may still refuse every row, each in one line."""
    for form, data in saved(case).items():
        file = tmp_path / SUFFIXES[form]
        file.write_bytes(data)
        with suppress(ModelUnreadable, ModelUnsafe):
            require_safe(inspect_model(file), ())

        assert "\n" not in _loaded(file), form


def _names_a_place(case: Misplaced, form: str, message: str) -> bool:
    """Say whether a refusal names the wrong attribute, or another one that is wrong with it.

    Calls and archives of skops are judged before the places are known.
    """
    return form == "skops" or any(word in message for word in (case.place, " as steps[", *NO_PLACES))


def _loaded(file: Path) -> str:
    """Give the kind of the model in a file, or why the service refuses it."""
    try:
        return load_model(file).model.kind
    except ModelUnloadable as error:
        return str(error)


def _take_canary() -> bool:
    """Say whether the canary exists, and remove it."""
    if CANARY.is_dir() and not CANARY.is_symlink():
        shutil.rmtree(CANARY)
        return True
    has_run = os.path.lexists(CANARY)
    CANARY.unlink(missing_ok=True)
    return has_run
