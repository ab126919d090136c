"""Hints lead home: the commands and options in them exist, and followed as printed they succeed."""

from __future__ import annotations

import re
import shlex
import tarfile
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from infer_cli.commands.catalogue import LazyCommands
from tests.hint_table import FOLLOWED, NOT_FOLLOWED
from tests.hint_texts import OPTION, OTHER, PYTHON, ROOT, texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

X, Y = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]
OPTIONS = {
    name: {"--help", *(option for one in command.params for option in (*one.opts, *one.secondary_opts))}
    for name, command in LazyCommands().items()
}
NAMED = re.compile(rf"\binfer ({'|'.join(OPTIONS)})\b([^`\n]*)")
COMMAND = re.compile(rf"{NAMED.pattern}|{PYTHON}|{OTHER}|`\{{\}} --help`")
# Options of other programs.
FOREIGN = {"--cacert", "--cask", "--network"}


def test_every_command_in_a_text_has_the_options_that_follow_it() -> None:
    wrong = [
        f"{file}: {match[0]}"
        for file, text in texts()
        for match in NAMED.finditer(text)
        if not OPTIONS[match[1]].issuperset(OPTION.findall(match[2]))
    ]
    assert wrong == []


def test_every_option_in_a_text_is_one_of_a_command() -> None:
    known = FOREIGN.union(*OPTIONS.values())
    named = [(file, option) for file, text in texts() if " " in text for option in OPTION.findall(text)]
    assert [(file, option) for file, option in named if option not in known] == []


def test_every_text_with_a_command_is_followed_or_has_a_reason() -> None:
    known = (*FOLLOWED, *(start for starts in NOT_FOLLOWED.values() for start in starts))
    found = [text for _, text in texts() if COMMAND.search(text)]
    assert [text for text in found if not text.startswith(known)] == []
    assert [start for start in known if not any(text.startswith(start) for text in found)] == []


@pytest.mark.parametrize("place", sorted(set(FOLLOWED.values())))
def test_every_text_names_a_test_that_follows_it(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


def _two_models(folder: Path) -> None:
    (folder / "my models").mkdir()
    for name in ("the best.pkl", "worse.pkl"):
        joblib.dump(LinearRegression().fit(X, Y), folder / "my models" / name)


def _archive(folder: Path) -> None:
    _two_models(folder)
    with tarfile.open(folder / "both.tar.gz", "w:gz") as archive:
        for path in (folder / "my models").iterdir():
            archive.add(path, path.relative_to(folder))


def _several(folder: Path) -> None:
    models = {"it's": LinearRegression().fit(X, Y), "b": LogisticRegression().fit(X, Y)}
    joblib.dump(models, folder / "model.pkl")


def _model(folder: Path) -> None:
    joblib.dump(LogisticRegression().fit(X, Y), folder / "model.pkl")


def _full(folder: Path) -> None:
    (folder / "iris").mkdir()
    (folder / "iris" / "train.py").touch()


# What is refused, and the part of the hint that is followed: options are added to the refused command.
REFUSED: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "two models": (_two_models, "inspect 'my models'", r"as in (--model-file .*)"),
    "archive": (_archive, "inspect both.tar.gz", r"(infer inspect .*)"),
    "several": (_several, "inspect model.pkl", r"(--member \S+(?: \S+)?) or"),
    "trust": (_model, "inspect model.pkl --trust 1x", r"for example (--trust \S+)"),
    "columns": (_model, "inspect model.pkl --features a,,b", r"between: (--features .*)"),
    "help": (_model, "inspect model.pkl --nothing", r"Try '(infer .*?)'"),
    "folder": (_full, "init iris", r"`(infer init DIR)`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_option_or_command_of_the_hint_succeeds(
    case: str, infer: Callable[..., Finished], tmp_path: Path
) -> None:
    prepare, line, pattern = REFUSED[case]
    prepare(tmp_path)
    refused = infer(*shlex.split(line), cwd=tmp_path)
    assert refused.exit_code != 0
    found = re.search(pattern, refused.stderr)
    assert found is not None, refused.stderr

    words = shlex.split(found[1])
    if words[0] != "infer":
        # An option that was wrong is given anew.
        before = shlex.split(line)
        words = [*(before[: before.index(words[0])] if words[0] in before else before), *words]
    followed = infer(*(word for word in words if word != "infer"), cwd=tmp_path)

    assert followed.exit_code == 0, followed.stderr
