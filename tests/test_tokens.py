from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from infer_cli import tokens
from service.access.tokens import SCOPES as SERVICE_SCOPES
from service.access.tokens import TokenFile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("INFER_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def read(access_id: str) -> TokenFile:
    """Read a file of tokens as the service does."""
    return TokenFile(tokens.shared_folder(access_id) / tokens.TOKENS_FILE)


def test_the_service_takes_the_token_that_infer_keeps() -> None:
    access_id = tokens.make_sure(None)

    token = tokens.token_of(access_id)

    assert token is not None
    assert len(token) > 40
    assert read(access_id).scopes_of(token) == frozenset(tokens.SCOPES)
    assert tokens.SCOPES == SERVICE_SCOPES


def test_nobody_else_comes_as_far_as_the_token() -> None:
    folder = tokens.shared_folder(tokens.make_sure(None)).parent

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (folder, *folder.iterdir())}

    assert modes == {folder.name: 0o700, "token": 0o600, "shared": 0o755, "unshown": 0o600}
    shared = folder / "shared" / "tokens"
    assert stat.S_IMODE(shared.stat().st_mode) == 0o644
    token = tokens.token_of(folder.name)
    assert token is not None
    assert token not in shared.read_text()


def test_a_token_is_shown_once() -> None:
    access_id = tokens.make_sure(None)

    assert tokens.take_unshown(access_id) == tokens.token_of(access_id)
    assert tokens.take_unshown(access_id) is None
    assert tokens.take_unshown(None) is None


def test_tokens_that_are_there_stay() -> None:
    access_id = tokens.make_sure(None)
    token = tokens.token_of(access_id)

    assert tokens.make_sure(access_id) == access_id
    assert tokens.token_of(access_id) == token
    assert tokens.make_sure(None) != access_id


def test_tokens_are_made_replaced_listed_and_removed() -> None:
    access_id = tokens.make_sure(None)
    first = tokens.put(access_id, "ada", ("predict",))
    second = tokens.put(access_id, "ada", ("predict", "metrics"))

    found = read(access_id)
    assert found.scopes_of(first) is None
    assert found.scopes_of(second) == frozenset(("predict", "metrics"))
    assert tokens.listed(access_id) == (
        ("owner", ("predict", "metrics", "admin")),
        ("ada", ("predict", "metrics")),
    )
    assert tokens.drop(access_id, "ada")
    assert not tokens.drop(access_id, "ada")
    assert read(access_id).scopes_of(second) is None


def test_a_new_token_of_the_owner_is_kept() -> None:
    access_id = tokens.make_sure(None)

    renewed = tokens.put(access_id, tokens.OWNER, tokens.SCOPES)

    assert tokens.token_of(access_id) == renewed


def test_nothing_is_left_of_forgotten_tokens(state: Path) -> None:
    access_id = tokens.make_sure(None)

    tokens.forget(access_id)

    assert list((state / "services").iterdir()) == []
    assert tokens.token_of(access_id) is None


def test_a_label_leads_to_no_other_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another file")

    assert tokens.token_of("../..") is None
    assert tokens.shared_folder("../../abc").parent.name == "abc"


@pytest.mark.parametrize(("text", "expected"), [("ada", True), ("a@b.c", True), ("", False), ("a b", False)])
def test_names_of_tokens(text: str, expected: bool) -> None:  # noqa: FBT001 (a parameter of pytest)
    assert tokens.is_name(text) == expected


def test_where_the_tokens_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INFER_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")

    assert tokens.state_folder() == tmp_path / "infer"
