"""The description of a compiled model is read without NumPy; a file that is not sound is refused."""

from __future__ import annotations

import json
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import Requirement, inspect_model, requirements_of
from infer_cli.inspection.facts.model import RecordedVersion
from infer_cli.inspection.formats import compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PARITY = {"rows": 192, "different_labels": 0, "value_difference": 0.0, "probability_difference": 1e-16}
NUMBER: dict[str, object] = {
    "name": "age",
    "type": "number",
    "required": True,
    "nullable": True,
    "categories": None,
    "is_open": False,
}
CATEGORY: dict[str, object] = {
    "name": "town",
    "type": "category",
    "required": True,
    "nullable": False,
    "categories": ["Köln", 3, {"date": "2026-01-31"}],
    "is_open": True,
}
ORIGIN: dict[str, object] = {
    "file": "model.pkl",
    "size_bytes": 100,
    "digest": "sha256:ab",
    "estimator": "Pipeline",
    "packages": [["python", "3.11.2"], ["scikit-learn", "1.7.0"]],
}
SOUND: dict[str, object] = {
    "format": 1,
    "is": "Saved",
    "kind": "classifier",
    "features": [NUMBER, CATEGORY],
    "classes": ["no", "yes"],
    "origin": ORIGIN,
    "generated": PARITY,
    "given": {**PARITY, "rows": 5, "value_difference": 2e-16},
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(
        described: object = SOUND,
        *,
        names: tuple[str, ...] = ("model.json", "0.npy"),
        compression: int = zipfile.ZIP_STORED,
    ) -> Path:
        file = tmp_path / "model.lean"
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name in names:
                text = described if isinstance(described, str) else json.dumps(described)
                archive.writestr(name, text if name == "model.json" else b"")
        return file

    return make


def test_the_facts_are_those_of_the_description(write: Callable[..., Path]) -> None:
    found = inspect_model(write())

    assert (found.format, found.kind) == ("lean", "classifier")
    assert found.feature_names == ("age", "town")
    assert found.features is not None
    assert found.features[1].categories == ("Köln", 3, "2026-01-31")
    assert found.features[1].is_open
    assert found.classes == ("no", "yes")
    assert (found.globals, found.modules, found.sklearn_version) == ((), (), None)
    origin = found.compiled_from
    assert origin is not None
    assert (origin.file, origin.digest, origin.estimator) == ("model.pkl", "sha256:ab", "Pipeline")
    assert RecordedVersion("scikit-learn", "1.7.0") in origin.packages
    assert (origin.generated_rows, origin.given_rows, origin.largest_difference) == (192, 5, 2e-16)
    assert found.as_dict()["compiled_from"] == origin.as_dict()


def test_it_needs_numpy_alone(write: Callable[..., Path]) -> None:
    assert requirements_of(inspect_model(write())) == (Requirement("numpy", "", "computes the answers"),)


def test_a_regressor_has_no_classes(write: Callable[..., Path]) -> None:
    found = inspect_model(write({**SOUND, "kind": "regressor", "classes": None, "given": None}))

    assert (found.kind, found.classes) == ("regressor", None)
    assert found.compiled_from is not None
    assert found.compiled_from.given_rows == 0


@pytest.mark.parametrize(
    ("described", "reason"),
    [
        pytest.param({**SOUND, "format": 2}, "another version of infer", id="format"),
        pytest.param([], "another version of infer", id="list"),
        pytest.param("{", "is a damaged compiled model", id="no JSON"),
        pytest.param("[" * 100_000, "is a damaged compiled model", id="deep JSON"),
        pytest.param({**SOUND, "kind": "other"}, "does not understand", id="kind"),
        pytest.param({**SOUND, "features": []}, "does not understand", id="no features"),
        pytest.param({**SOUND, "features": [1]}, "does not understand", id="no feature"),
        pytest.param({**SOUND, "features": [{**NUMBER, "type": "x"}]}, "does not understand", id="type"),
        pytest.param(
            {**SOUND, "generated": {**PARITY, "rows": float("inf")}}, "does not understand", id="endless rows"
        ),
        pytest.param(
            {**SOUND, "generated": {**PARITY, "value_difference": float("nan")}},
            "does not understand",
            id="no difference",
        ),
        pytest.param({**SOUND, "classes": [[1]]}, "does not understand", id="classes"),
        pytest.param({**SOUND, "origin": {**ORIGIN, "file": 1}}, "does not understand", id="no string"),
        pytest.param(
            {name: value for name, value in SOUND.items() if name != "origin"},
            "does not understand",
            id="no origin",
        ),
    ],
)
def test_a_description_that_is_wrong_is_refused(
    described: object, reason: str, write: Callable[..., Path]
) -> None:
    with pytest.raises(ModelUnreadable, match=reason) as caught:
        inspect_model(write(described))

    assert caught.value.hint == "Compile the model again: `infer compile MODEL`."


@pytest.mark.parametrize(
    ("names", "compression", "reason"),
    [
        pytest.param(("model.json", "x.txt"), zipfile.ZIP_STORED, "no part of a compiled model", id="more"),
        pytest.param(("model.json", "1.npy"), zipfile.ZIP_STORED, "no part of a compiled model", id="less"),
        pytest.param(("model.json", "0.npy"), zipfile.ZIP_DEFLATED, "compressed inside", id="compressed"),
    ],
)
def test_an_archive_that_is_wrong_is_refused(
    names: tuple[str, ...], compression: int, reason: str, write: Callable[..., Path]
) -> None:
    with pytest.raises(ModelUnreadable, match=reason):
        inspect_model(write(names=names, compression=compression))


def test_a_file_that_is_cut_short_is_refused(write: Callable[..., Path]) -> None:
    file = write()
    file.write_bytes(file.read_bytes()[:-10])

    with pytest.raises(ModelUnreadable, match="is a damaged compiled model"):
        inspect_model(file)


def test_a_size_that_is_not_true_is_refused(write: Callable[..., Path]) -> None:
    file = write()
    content = bytearray(file.read_bytes())
    sizes = content.rindex(b"PK\x01\x02") + 20
    content[sizes : sizes + 8] = struct.pack("<II", 10**6, 10**6)
    file.write_bytes(content)

    with pytest.raises(ModelUnreadable, match="more than it does"):
        inspect_model(file)


def test_a_description_that_is_too_long_is_refused(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "DESCRIPTION_BYTES_MAX", 10)

    with pytest.raises(ModelUnreadable, match="larger than infer reads"):
        inspect_model(write())
