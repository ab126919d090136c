"""What tests of several folders share: a trained model, the command line, and the engine."""

from __future__ import annotations

import itertools
import json
import operator
import os
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine_turns import engine_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine

# The path of an installed `infer`: the tests that start infer then start that one.
PROGRAM_VARIABLE = "INFER_TEST_PROGRAM"

# Tables here are small. On busy processors, threads of OpenBLAS and OpenMP that wait for each other take four
# times as long as one thread.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

# No test asks the service that knows vulnerabilities; those of the audit start a service of their own.
os.environ["INFER_OSV_URL"] = "off"

# What a script starts in the background ignores Ctrl-C, what nohup starts ignores SIGHUP, and so does what
# these start. Tests send both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


_start = threading.Thread.start


def _start_as_daemon(self: threading.Thread) -> None:
    """Start a thread that lets Python end: a test that fails may leave one that never ends by itself."""
    self.daemon = True
    _start(self)


threading.Thread.start = _start_as_daemon  # type: ignore[method-assign]  # for all threads of all tests

IRIS_COLUMNS = ["slength", "swidth", "plength", "pwidth"]
FIRST_IRIS = {"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With an installed program, leave out the tests that do not start it: they would test the checkout."""
    if os.environ.get(PROGRAM_VARIABLE):
        starts_infer = ["infer_program" in getattr(item, "fixturenames", ()) for item in items]
        config.hook.pytest_deselected(items=[*itertools.compress(items, map(operator.not_, starts_infer))])
        items[:] = itertools.compress(items, starts_infer)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test with a real engine runs, with what is made for it, when it is its turn."""
    if item.get_closest_marker("docker") is None:
        return (yield)
    folder = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # for fixtures only
    with engine_turn(folder, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@dataclass(frozen=True)
class Finished:
    """A command of infer that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> Any:
        """The one object that `--json` prints."""
        return json.loads(self.stdout)


def open_to_all(folder: Path) -> None:
    """Let any user read a folder of a test: the user of a container is another one than pytest's."""
    for path in (folder, *list(folder.parents)[:3]):
        path.chmod(0o755)


@pytest.fixture(scope="session")
def iris_model() -> Any:
    """A pipeline trained on named columns."""
    from sklearn.datasets import load_iris  # noqa: PLC0415 (slow to import)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    iris = load_iris(as_frame=True)
    measures = iris.data.set_axis(IRIS_COLUMNS, axis="columns")
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(measures, iris.target_names[iris.target])


@pytest.fixture(scope="session")
def iris_folder(iris_model: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that any user can read."""
    folder = tmp_path_factory.mktemp("iris") / "data"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(iris_model))
    open_to_all(folder)
    return folder


@pytest.fixture
def unsafe_folder(tmp_path: Path) -> Path:
    """A model folder whose model names own code, and what a model never needs."""
    folder = tmp_path / "unsafe"
    folder.mkdir()
    pickled = (
        b"\x80\x04chelpers.models\nMine\n)\x81}(\x8c\x01acposix\nsystem\n\x8c\x01bchelpers.more\nkept\nub."
    )
    (folder / "model.pkl").write_bytes(pickled)
    return folder


@pytest.fixture(scope="session")
def infer_program() -> tuple[str, ...]:
    """The words that start infer as its own process: an installed one if named, else that of the checkout."""
    installed = os.environ.get(PROGRAM_VARIABLE)
    return (installed,) if installed else (sys.executable, "-m", "infer_cli")


@pytest.fixture(scope="session")
def infer(infer_program: tuple[str, ...]) -> Callable[..., Finished]:
    """Run infer as a user does, without a terminal."""

    def run(*arguments: str, given: bytes = b"", cwd: Path | None = None, **environment: str) -> Finished:
        finished = subprocess.run(
            [*infer_program, *arguments],
            input=given,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, **environment},
            # On a busy machine a build may take minutes.
            timeout=900,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout.decode(), finished.stderr.decode())

    return run


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The real engine."""
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (the service's tests run without infer_cli)

    connected = connect()
    yield connected
    connected.api.close()


@pytest.fixture(scope="session")
def mixed_frame() -> Any:
    """A table of many kinds of columns, some with missing values, and texts that are hard to pass on."""
    import numpy as np  # noqa: PLC0415 (slow to import)
    import pandas as pd  # noqa: PLC0415

    random = np.random.default_rng(0)
    count = 60
    texts = ['a "good" thing', "söße & klein", "", "x=1&y=2", "007", "zeile\nzwei", "good good", "true", "5"]
    return pd.DataFrame(
        {
            "age": np.where(np.arange(count) % 7 == 3, np.nan, random.normal(40, 9, count).round(2)),
            "income": random.integers(1000, 9000, count),
            "town": np.resize(np.array(["Köln", "New York", "A & B", 'say "hi"'], dtype=object), count),
            "zip": np.resize(np.array(["007", "01234", "5", "1e3", None], dtype=object), count),
            "size": pd.Categorical(np.resize(["S", "M", "L"], count), categories=["S", "M", "L"]),
            "rooms": np.resize([1, 2, 3, 5], count),
            "member": np.resize([True, False, False], count),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 2000, count), unit="D"),
            "note": np.resize(np.array(texts, dtype=object), count),
            "unused": np.resize(["p", "q"], count),
        }
    )


@pytest.fixture(scope="session")
def mixed_models(mixed_frame: Any) -> dict[str, Any]:
    """Pipelines over the mixed table, by what they show."""
    import numpy as np  # noqa: PLC0415 (slow to import)
    from sklearn.compose import make_column_transformer  # noqa: PLC0415
    from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier  # noqa: PLC0415
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.model_selection import GridSearchCV  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder  # noqa: PLC0415

    frame = mixed_frame
    target = np.where(frame["income"] + 30 * frame["rooms"] > 5000, "yes", "no")
    models = {
        name: make_pipeline(step, LogisticRegression(max_iter=500)).fit(table, target)
        for name, (step, table) in _mixed_steps(frame).items()
    }
    sized = frame[["age", "town", "size", "member"]].astype({"town": "category"})
    models["boosting"] = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(sized, target)
    models["search"] = GridSearchCV(models["search"], {"logisticregression__C": [0.1, 1]}, cv=2).fit(
        frame[["age", "town"]], target
    )
    stacked = [("columns", models["search"].best_estimator_)]
    models["stacking"] = StackingClassifier(stacked, cv=2).fit(frame[["age", "town"]], target)
    models["array"] = make_pipeline(
        make_column_transformer((_filled(), [0]), (OneHotEncoder(), [1])), LogisticRegression()
    ).fit(frame[["age", "town"]].to_numpy(dtype=object), target)
    models["texts"] = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(frame["note"], target)
    return models


def _filled() -> Any:
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 (slow to import)
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    return make_pipeline(SimpleImputer(), StandardScaler())


def _mixed_steps(frame: Any) -> dict[str, tuple[Any, Any]]:
    """Transformers of the mixed table, each with the columns that it is fitted on."""
    import numpy as np  # noqa: PLC0415 (slow to import)
    from sklearn.compose import make_column_selector, make_column_transformer  # noqa: PLC0415
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.pipeline import FeatureUnion, make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import (  # noqa: PLC0415
        OneHotEncoder,
        OrdinalEncoder,
        StandardScaler,
        TargetEncoder,
    )

    filled = _filled()
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore")
    )
    many = make_column_transformer(
        (filled, ["age", "income"]),
        (words, ["town", "zip"]),
        (OneHotEncoder(), ["size", "rooms"]),
        (TfidfVectorizer(), "note"),
        (OrdinalEncoder(), ["member"]),
        (StandardScaler(), ["since"]),
    )
    selected = make_column_transformer(
        (filled, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
        (StandardScaler(), make_column_selector(dtype_include="datetime64")),
        ("passthrough", make_column_selector(dtype_include=bool)),
    )
    inner = make_column_transformer((TargetEncoder(cv=2), ["town"]), (OrdinalEncoder(), slice(1, 2)))
    nested = make_column_transformer(
        (inner, ["town", "rooms"]),
        (FeatureUnion([("a", CountVectorizer()), ("b", TfidfVectorizer())]), 2),
        (
            OneHotEncoder(),
            np.array([name == "since" for name in ("town", "rooms", "note", "since", "member")]),
        ),
        remainder="passthrough",
    )
    return {
        "many": (many, frame),
        "selected": (selected, frame),
        "nested": (nested, frame[["town", "rooms", "note", "since", "member"]]),
        "search": (make_column_transformer((filled, ["age"]), (OneHotEncoder(), ["town"])), frame),
    }
