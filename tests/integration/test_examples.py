"""The examples, followed as a reader follows them: every command of their pages, with a real engine."""

from __future__ import annotations

import csv
import io
import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import open_to_all
from tests.integration.conftest import find_free_port, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine

_EXAMPLES = Path(__file__).parents[2] / "examples"
_NAMES = sorted(page.parent.name for page in _EXAMPLES.glob("*/README.md"))
# What differs from one machine, or from one build, to another.
_MASKS = {
    r"(?<=saved )/\S+(?=/data/)": "FOLDER",
    r"(?<=localhost:)\d+": "PORT",
    r"sha256:[0-9a-f]+": "DIGEST",
    r"[0-9.]+ [kM]B": "SIZE",
}
_DECIMAL = r"-?\d+\.\d+(?:e-?\d+)?"
_PROVED = "Proof: unchanged since it answered before\n"


@dataclass(frozen=True)
class Step:
    """A command of a page, what the page says that it prints, and what it printed."""

    command: str
    shown: str
    printed: str


@dataclass(frozen=True)
class Followed:
    """An example that was followed to its end, in a copy of its folder."""

    folder: Path
    steps: list[Step]


@pytest.fixture(scope="module", params=_NAMES)
def followed(
    request: pytest.FixtureRequest,
    engine: Engine,
    infer_program: tuple[str, ...],
    base_image: str,
    tag: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Followed]:
    """Each example: its commands run in turn, with names and a port that no other service has."""
    parent = tmp_path_factory.mktemp(request.param)
    folder = parent / request.param
    shutil.copytree(_EXAMPLES / request.param, folder, ignore=shutil.ignore_patterns("data", "__pycache__"))
    open_to_all(folder)
    # `uv run` would fetch the packages anew: the Python of the tests has them.
    programs = {"uv run": (sys.executable,), "infer": infer_program}
    for name, words in programs.items():
        script = parent / "bin" / name.partition(" ")[0]
        script.parent.mkdir(exist_ok=True)
        skipped = "shift; " if " " in name else ""
        script.write_text(f'#!/bin/sh\n{skipped}exec {shlex.join(words)} "$@"\n')
        script.chmod(0o755)
    search = os.pathsep.join([str(parent / "bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": search, "INFER_BASE_IMAGE": base_image}
    page = (folder / "README.md").read_text()
    with unique_name(engine) as service:
        rename = Names(page, image=tag(), service=service)
        steps = [
            Step(command, shown, rename.back(run(rename.there(command), folder, environment)))
            for command, shown in commands_of(page)
        ]
        yield Followed(folder, steps)


class Names:
    """The names of the image and of the service in a page, and those that the test has instead."""

    def __init__(self, page: str, *, image: str, service: str) -> None:
        found = re.search(r"--tag ((\S+):\S+)", page)
        assert found, "the page builds no image"
        self._page_image, self._page_service = found.groups()
        self._image, self._service = image, service

    def there(self, command: str) -> str:
        """Give the command of the page with the names of the test."""
        command = command.replace(self._page_image, self._image)
        command = re.sub(rf"\b{self._page_service}\b", self._service, command)
        if command.startswith("infer run"):
            command += f" --name {self._service} --port {find_free_port()}"
        return command

    def back(self, printed: str) -> str:
        """Give what was printed with the names of the page."""
        return printed.replace(self._image, self._page_image).replace(self._service, self._page_service)


def commands_of(page: str) -> list[tuple[str, str]]:
    """The commands in the blocks of a page, each with what it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    found = [
        step.partition("\n") for block in blocks for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    return [(command, shown) for command, _, shown in found]


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a command as a shell does; its result, or the error that it ends with."""
    finished = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return finished.stderr if finished.returncode else finished.stdout


def masked(text: str) -> str:
    """Put a word in place of all that differs each time."""
    for pattern, word in _MASKS.items():
        text = re.sub(pattern, word, text)
    return text


def assert_shown(step: Step) -> None:
    """Check the output of a command: the same text, and the same numbers to three digits.

    The digits after these depend on the processor and on the version of scikit-learn that trained the model.
    """
    shown = masked(step.shown).splitlines(keepends=True)
    found = re.fullmatch("".join(map(pattern_of, shown)), masked(step.printed))
    assert found, f"$ {step.command}\n{step.printed}\ninstead of\n{step.shown}"
    expected = [float(number) for number in re.findall(_DECIMAL, "".join(shown))]
    assert list(map(float, found.groups())) == pytest.approx(expected, rel=1e-3, abs=1e-4)


def pattern_of(line: str) -> str:
    """Give the pattern of what a line of a page stands for, with a group for each decimal number."""
    if line == "…\n":
        return r"(?:.*\n)*?"
    pattern = f"({_DECIMAL})".join(map(re.escape, re.split(_DECIMAL, line)))
    # Another test may have built the very same image, and infer proves an image once.
    return f"(?:{pattern}|{re.escape(_PROVED)})" if line.startswith("Proof: ") else pattern


def test_every_command_of_the_page_prints_what_the_page_shows(followed: Followed) -> None:
    assert {"uv run", "infer build", "infer run", "infer predict", "infer stop"} <= {
        " ".join(step.command.split()[:2]) for step in followed.steps
    }
    for step in followed.steps:
        assert_shown(step)


def own_answers(folder: Path, rows: str) -> dict[str, list[Any]]:
    """What the model predicts in the Python that trained it, by the columns that `infer predict` writes."""
    import pandas as pd  # noqa: PLC0415 (slow to import)

    model = pickle.loads((folder / "data" / "model.pkl").read_bytes())
    table = pd.read_csv(folder / rows)[list(model.feature_names_in_)]
    answers = {"prediction": model.predict(table).tolist()}
    if hasattr(model, "predict_proba"):
        columns = model.predict_proba(table).T.tolist()
        answers |= {
            f"probability_{name}": values for name, values in zip(model.classes_, columns, strict=True)
        }
    return answers


def test_the_service_answers_as_the_model_does_in_its_own_python(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = next(step for step in followed.steps if " --input " in step.command)
    monkeypatch.syspath_prepend(followed.folder)

    answers = list(csv.DictReader(io.StringIO(step.printed)))

    assert answers
    for column, values in own_answers(followed.folder, step.command.partition(" --input ")[2]).items():
        given = [row[column] for row in answers]
        if isinstance(values[0], str):
            assert given == values
        else:
            assert [float(value) for value in given] == pytest.approx(values, rel=1e-12, abs=0)
