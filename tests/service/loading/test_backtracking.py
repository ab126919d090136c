"""Patterns that can match a text in too many ways are found, and the ones that people use are not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from service.loading.patterns import is_quick

USED = (
    *(r"(?u)\b\w\w+\b", r"(?u)\b\w+\b", r"\S+", r".", r"[^,]+", r"\w{3,15}", r"(?i)[a-z]{3,}", r"(a|b)+"),
    *(r"[A-Za-z]+(?:'[A-Za-z]+)?", r"(?:[a-z]+-)*[a-z]+", r"[a-z]+(?:[-'][a-z]+)*", r"\d+|\w+|[^\w\s]+"),
    *(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", r"https?://(?:[-\w.]|(?:%[\da-fA-F]{2}))+", r"(\w+)\s*=\s*(\w+)"),
    *(r"(?u)\b[\u4e00-\u9fff\w][-\w]*\b", r"(?<!\S)\d+(?:\.\d+)?(?!\S)", r"(?u)\b\w*[a-zA-Z]\w*\b"),
    *(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", r"\b(?!\d+\b)\w{2,}\b", r"#\w+|@\w+"),
    r"(?:[A-Z]\.)+|\w+(?:-\w+)*|\$?\d+(?:\.\d+)?%?|\.\.\.|[][.,;\"'?():_`-]",
    "|".join(f"word{number}" for number in range(900)),
)
# Patterns with a text that each of them does not finish.
ENDLESS = {
    r"(a+)+$": "a" * 60 + "!",
    r"(\w+\s?)*$": "a" * 60 + "!",
    r"(\w*)*$": "a" * 60 + "!",
    r"(a|ab|b)*c": "ab" * 60,
    r"(?:\w+[.\w]*)+!": "a" * 60,
    r"(x+x+)+y": "x" * 60,
    r"(\w{2,30})*!": "a" * 90,
    r"(a?){40}a{40}$": "a" * 39 + "b",
    r"(?=(a+)+$)b": "a" * 60 + "!",
    r"(a+)+\1b": "a" * 60 + "!",
    r"(\d+|\w+)*$": "1" * 60 + "!",
    r"(.*)(.*)(.*)(.*)(.*)(.*)!": "a" * 2000,
}


@pytest.mark.parametrize("pattern", USED)
def test_patterns_that_people_use_are_quick(pattern: str) -> None:
    assert is_quick(pattern)
    assert len(re.findall(pattern, "a word" * 2000)) >= 0


@pytest.mark.parametrize("pattern", ENDLESS)
def test_patterns_without_end_are_not(pattern: str) -> None:
    assert not is_quick(pattern)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_they_have_no_end(pattern: str) -> None:
    """Python does not finish: a limit of one second of processor time ends it with a signal.

    The slowest pattern of `USED` takes 0.03 s for the longest of these texts.
    """
    script = (
        "import re, resource, sys; resource.setrlimit(resource.RLIMIT_CPU, (1, 1)); "
        "re.findall(sys.argv[1], sys.argv[2])"
    )

    ended = subprocess.run([sys.executable, "-c", script, pattern, ENDLESS[pattern]], check=False)

    assert ended.returncode < 0
