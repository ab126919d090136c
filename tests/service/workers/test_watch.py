"""The end of a process that loads a model, told in one line by the process that watches it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.settings import Settings
from service.workers.watch import Budget, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Launch = Callable[..., Service]
    Save = Callable[..., Path]
    Make = Callable[[str, str], object]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is watched")

# What a model does when it is loaded; the state makes pickle call the method.
AT_LOAD = """
import ctypes, os, signal, time
class Hostile:
    def __setstate__(self, state):
        {deed}
    def __getstate__(self):
        return {{"some": "state"}}
"""
AT_FIRST_ROW = """
import ctypes, os, signal, time
from sklearn.base import BaseEstimator, RegressorMixin
class Hostile(RegressorMixin, BaseEstimator):
    n_features_in_ = 1
    def predict(self, rows):
        {deed}
"""
FILL = "kept = [b'x' * 2**20 for _ in range(2**14)]"
GET_IT_AGAIN = (
    "The file is damaged, or made to do this: do not use it, and get the model again from where it was"
)


@pytest.mark.parametrize(
    ("code", "stage"), [(AT_LOAD, "reading the file"), (AT_FIRST_ROW, "predicting the first rows")]
)
@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("ctypes.string_at(0)", "it crashed compiled code with SIGSEGV ({stage}, in ctypes.string_at)"),
        ("os.abort()", "it crashed compiled code with SIGABRT ({stage}, in "),
        ("os.kill(os.getpid(), signal.SIGBUS)", "it crashed compiled code with SIGBUS ({stage}, in "),
        ("os._exit(0)", "it ended the process with exit code 0 ({stage})"),
    ],
)
def test_a_crash_is_one_line(
    deed: str, said: str, code: str, stage: str, save: Save, make_instance: Make, launch: Launch
) -> None:
    file = save(make_instance("Hostile", code.format(deed=deed)), "model.pkl")

    exit_code, log = launch(file).wait_for_end()

    assert exit_code == 1
    assert log.startswith(f"error: cannot load {file}: {said.format(stage=stage)}")
    assert log.endswith(f"). {GET_IT_AGAIN} trained.\n")
    assert log.count("\n") == 1


@pytest.mark.parametrize(
    "deed", ["time.sleep(3600)", "exec('while True: pass')", "pow(3, 10**9)"], ids=["sleep", "loop", "C code"]
)
def test_loading_without_end_is_one_line(deed: str, save: Save, make_instance: Make, launch: Launch) -> None:
    file = save(make_instance("Hostile", AT_LOAD.format(deed=deed)), "model.pkl")

    exit_code, log = launch(file, MAX_LOAD_SECONDS="4").wait_for_end()

    assert exit_code == 1
    assert log.startswith(f"error: cannot load {file}: loading it takes more than 4 s (reading the file, in ")
    assert log.endswith("raise the limit with the setting MAX_LOAD_SECONDS, such as MAX_LOAD_SECONDS=16.\n")


def test_loading_that_fills_the_memory_is_one_line(save: Save, make_instance: Make, launch: Launch) -> None:
    file = save(make_instance("Hostile", AT_LOAD.format(deed=FILL)), "model.pkl")

    exit_code, log = launch(file, MAX_LOAD_BYTES="1000000000").wait_for_end()

    assert exit_code == 1
    reason = "loading it takes more than 954 MiB of memory (reading the file, in "
    assert log.startswith(f"error: cannot load {file}: {reason}")
    assert log.endswith("the setting MAX_LOAD_BYTES, such as MAX_LOAD_BYTES=2000000000.\n")


def test_a_killed_process_is_one_line(save: Save, make_instance: Make, launch: Launch) -> None:
    """The kernel kills the largest process of a container that has no memory left."""
    deed = "os.kill(os.getpid(), signal.SIGKILL)"
    file = save(make_instance("Hostile", AT_LOAD.format(deed=deed)), "model.pkl")

    exit_code, log = launch(file).wait_for_end()

    assert exit_code == 1
    assert log == (
        f"error: cannot load {file}: the system killed the process (reading the file), most likely for lack "
        "of memory. If you know who made the file, give the service more memory (--memory of infer run).\n"
    )


def test_compiled_code_that_never_returns_does_not_hold_up_the_stop(
    save: Save, make_instance: Make, launch: Launch, tmp_path: Path
) -> None:
    deed = f"open({str(tmp_path / 'loading')!r}, 'w'); pow(3, 10**9)"
    service = launch(save(make_instance("Hostile", AT_LOAD.format(deed=deed)), "model.pkl"))
    deadline = time.monotonic() + 60
    while not (tmp_path / "loading").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert service.stop() == (143, "")


def test_a_model_that_refuses_made_up_rows_is_served(save: Save, make_instance: Make, launch: Launch) -> None:
    deed = "raise ValueError('not this one')"
    service = launch(save(make_instance("Hostile", AT_FIRST_ROW.format(deed=deed)), "model.pkl"))

    service.wait_until_ready()


def test_the_server_ends_with_the_process_that_watches_it(
    classifier: LogisticRegression, save: Save, launch: Launch
) -> None:
    service = launch(save(classifier))
    service.wait_until_ready()
    [worker] = service.workers()[:1]

    service.process.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


def test_a_server_that_is_killed_is_one_line(
    classifier: LogisticRegression, save: Save, launch: Launch
) -> None:
    service = launch(save(classifier))
    service.wait_until_ready()
    [server] = service.servers()

    os.kill(server, signal.SIGKILL)

    exit_code, log = service.wait_for_end()
    assert exit_code == 128 + signal.SIGKILL
    assert log.splitlines()[-1].endswith("ERROR the process was ended by SIGKILL")


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("/usr/lib/python3.11/site-packages/sklearn/tree/_classes.py", "sklearn.tree._classes.predict"),
        ("/opt/infer/packages/sklearn/tree/_classes.py", "sklearn.tree._classes.predict"),
        ("/usr/lib/python3.11/ctypes/__init__.py", "ctypes.predict"),
    ],
)
def test_a_place_is_a_package_and_a_function(file: str, place: str) -> None:
    told = (
        f'reading the file\n  File "<frozen importlib>", line 1 in find\n  File "{file}", line 3 in predict\n'
    )
    watch = Watch(Path("m.pkl"), Budget(1, 1), 1, 0, 0, told)

    assert watch.stage == f"reading the file, in {place}"


def test_the_budget_grows_with_the_file(tmp_path: Path) -> None:
    small, large = tmp_path / "small.pkl", tmp_path / "large.pkl"
    small.touch()
    with large.open("wb") as file:
        file.truncate(10**8)

    assert Budget.of(Settings(small)).seconds == 600
    assert Budget.of(Settings(large)).seconds == 700
    assert Budget.of(Settings(large)).memory_bytes >= Budget.of(Settings(small)).memory_bytes
    assert Budget.of(Settings(large, max_load_seconds=5, max_load_bytes=7)) == Budget(5, 7)
