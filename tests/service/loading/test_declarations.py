from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from service.errors import ModelUnloadable
from service.loading import declarations
from service.loading.declarations import declared_for, read_declared
from service.schema.declared import Declared

if TYPE_CHECKING:
    from pathlib import Path


def test_the_file_of_the_settings_comes_before_the_file_beside_the_model(tmp_path: Path) -> None:
    (tmp_path / "infer.json").write_text(
        json.dumps({"member": "beside", "classes": [0, 1], "optional": ["b"]})
    )
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"member": "chosen"}))

    found = declared_for(tmp_path / "infer.json", schema, ("a",))

    assert found == Declared(optional=("a", "b"), classes=(0, 1), member="chosen")


def test_nothing_is_declared_without_a_file(tmp_path: Path) -> None:
    assert declared_for(tmp_path / "infer.json") == declared_for(None) == Declared()


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"[]", b"[" * 100_000], ids=["no end", "no text", "a list", "too deep"]
)
def test_another_content_is_an_error(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "infer.json"
    file.write_bytes(content)

    with pytest.raises(ModelUnloadable, match="it is no declared schema"):
        declared_for(file)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelUnloadable, match="it cannot be read"):
        read_declared(tmp_path / "schema.json")


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declarations, "BYTES_MAX", 10)
    file = tmp_path / "schema.json"
    file.write_text(" " * 11)

    with pytest.raises(ModelUnloadable, match="larger than 10 bytes"):
        read_declared(file)
