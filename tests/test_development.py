"""The checks that a contributor runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def test_the_commit_hook_runs_make_lint_and_nothing_else() -> None:
    config = (_ROOT / ".pre-commit-config.yaml").read_text()

    assert re.findall(r"^\s+(?:- )?(repo|entry|language): (.+)$", config, re.MULTILINE) == [
        ("repo", "local"),
        ("entry", "make lint"),
        ("language", "system"),
    ]


def test_make_lint_checks_the_rules_the_format_and_the_types() -> None:
    planned = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "lint"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert planned.stdout.splitlines() == [
        ".ci/setup",
        ".venv/bin/ruff check .",
        ".venv/bin/ruff format --check .",
        ".venv/bin/mypy",
    ]


def test_each_folder_with_tests_that_need_an_engine_is_named_where_they_are_run() -> None:
    """The processes that run them read no other folder."""
    line = re.search(r"^engine=\(-m docker (.*)\)$", (_ROOT / ".ci" / "test").read_text(), re.MULTILINE)
    assert line
    named = set(re.findall(r"tests/\w+", line[1]))
    marking = {path for path in (_ROOT / "tests").rglob("*.py") if "mark.docker" in path.read_text()}

    assert {str(path.relative_to(_ROOT).parent) for path in marking - {Path(__file__)}} == named


def test_every_path_and_every_name_in_the_guide_is_there() -> None:
    guide = (_ROOT / "CONTRIBUTING.md").read_text()
    paths = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", guide))
    names = re.findall(r"`(\w+)` (?:in|of) `([\w./]+\.py)`", guide)

    assert len(paths) > 50
    assert {path for path in paths if "NAME" not in path and not (_ROOT / path).exists()} == set()
    assert len(names) > 15
    assert [(name, path) for name, path in names if name not in (_ROOT / path).read_text()] == []
