from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from service.access import tokens
from service.access.tokens import TokenFile
from service.errors import WrongSettings

if TYPE_CHECKING:
    from pathlib import Path

PREDICT = frozenset(("predict",))


def line(name: str, scopes: str, token: str) -> str:
    return f"{name} {scopes} sha256:{hashlib.sha256(token.encode()).hexdigest()}\n"


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the next second."""
    monkeypatch.setattr(tokens, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "tokens"
    found.write_text(
        f"# who may ask\n\n{line('ada', 'predict', 'a-1')}  {line('ops', 'metrics,admin', 'o-1')}"
    )
    return found


def replace(file: Path, text: str) -> None:
    """Replace the file as editors and Kubernetes do: another file gets its name."""
    draft = file.with_name("draft")
    draft.write_text(text)
    draft.replace(file)


def test_each_token_has_its_scopes(file: Path) -> None:
    found = TokenFile(file)

    assert found.scopes_of("a-1") == PREDICT
    assert found.scopes_of("o-1") == frozenset(("metrics", "admin"))


@pytest.mark.parametrize("token", ["", "a-", "a-11", "A-1", "\u0100", "a-1\n", 10_000 * "a"])
def test_nothing_else_is_a_token(file: Path, token: str) -> None:
    assert TokenFile(file).scopes_of(token) is None


def test_a_digest_is_no_token(file: Path) -> None:
    digest = hashlib.sha256(b"a-1").hexdigest()

    assert TokenFile(file).scopes_of(digest) is None
    assert TokenFile(file).scopes_of(f"sha256:{digest}") is None


def test_a_token_of_any_characters_is_known_by_its_bytes(tmp_path: Path) -> None:
    """A server of WSGI gives the bytes of a header as ISO 8859-1."""
    file = tmp_path / "tokens"
    file.write_text(line("ada", "predict", "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"))

    assert TokenFile(file).scopes_of("gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n".encode().decode("latin-1"))


def test_a_file_that_has_changed_is_read_again(file: Path) -> None:
    found = TokenFile(file)

    replace(file, line("ada", "predict", "a-2"))

    assert found.scopes_of("a-1") is None
    assert found.scopes_of("a-2") == PREDICT


def test_a_secret_of_kubernetes_that_was_renewed_is_read_again(tmp_path: Path) -> None:
    """Its files are links into a folder, which is a link as well, and which is replaced."""
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "tokens").write_text(line("ada", "predict", f"a-{number}"))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "tokens").symlink_to("..data/tokens")
    found = TokenFile(tmp_path / "tokens")
    assert found.scopes_of("a-1")

    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(tmp_path / "..data")

    assert found.scopes_of("a-1") is None
    assert found.scopes_of("a-2")


@pytest.mark.parametrize("change", ["broken", "gone"])
def test_tokens_stay_where_the_changed_file_cannot_be_read(
    file: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = TokenFile(file)

    if change == "gone":
        file.unlink()
    else:
        replace(file, "ada predict the-secret\n")

    assert found.scopes_of("a-1") == PREDICT
    assert "stay in use" in caplog.text
    assert "the-secret" not in caplog.text
    replace(file, line("ada", "predict", "a-3"))
    assert found.scopes_of("a-3") == PREDICT


def test_a_file_that_lost_all_tokens_lets_nobody_in(file: Path) -> None:
    found = TokenFile(file)

    replace(file, "# nobody\n")

    assert found.scopes_of("a-1") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no token"),
        ("# nobody\n", "holds no token"),
        ("the-secret\n", "line 1 of .* is not `NAME SCOPES sha256:DIGEST`"),
        ("ada predict the-secret\n", "line 1"),
        (f"\nada predict sha256:{63 * '0'}\n", "line 2"),
        (f"ada predict,write sha256:{64 * '0'}\n", "the scopes are predict, metrics, admin"),
        (f"ada predict sha256:{64 * '0'} the-secret\n", "line 1"),
    ],
)
def test_a_wrong_file_is_refused_and_not_shown(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)

    with pytest.raises(WrongSettings, match=problem) as raised:
        TokenFile(file)

    assert "the-secret" not in str(raised.value)
    assert "the-secret" not in repr(raised.value.problems)


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"cannot read TOKENS_FILE .*No such file"):
        TokenFile(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(WrongSettings, match="is no text in UTF-8"):
        TokenFile(tmp_path / "binary")


def test_the_file_is_looked_at_once_a_second_at_most(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOOK_EVERY_S", 3600.0)
    found = TokenFile(file)

    replace(file, line("ada", "predict", "a-2"))

    assert found.scopes_of("a-1") == PREDICT
