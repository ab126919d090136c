from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from infer_cli.building.naming import ModelPlace
from infer_cli.commands import build
from infer_cli.image.name import ImageName
from tests.osv_server import WORST, advisory, osv_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--tag", "Iris"), "'Iris' is not a valid image name", id="wrong tag"),
        pytest.param(("--tag", "iris", "--bake"), "--bake needs the model", id="bake nothing"),
        pytest.param(
            ("--tag", "iris", "--model-file", "model.pkl"), "--model-file needs --model-dir", id="no folder"
        ),
        pytest.param(("--tag", "iris", "--push", "--dry-run"), "--push needs a build", id="push a plan"),
        pytest.param(
            ("--tag", "iris", "--push", "--eject", "new"), "--push needs a build", id="push a folder"
        ),
        pytest.param(
            ("--tag", "iris", "--platform", "windows/amd64"),
            "--platform windows/amd64 is not one that wheels are built for",
            id="unknown platform",
        ),
        pytest.param(
            ("--tag", "iris", "--python", "3"), "--python 3 is not a version", id="no minor version"
        ),
        pytest.param(("--tag", "iris", "--python", "2.7"), "--python 2.7 is not a version", id="Python 2"),
        pytest.param(("--tag", "iris", "--python", "3.x"), "--python 3.x is not a version", id="no number"),
        pytest.param(
            ("--tag", "iris", "--python", "3.12", "--base-image", "python:3.11-slim", "--dry-run"),
            "the base image python:3.11-slim has Python 3.11, not 3.12",
            id="a base image of another Python",
        ),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    infer: Callable[..., Finished], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    finished = infer("build", *options, cwd=tmp_path)

    assert finished.exit_code == 2
    assert f"error: {message}" in finished.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--push", "--dry-run"), "--push needs a build", id="push a plan"),
        pytest.param(
            ("--provenance", "p.json", "--dry-run"), "--provenance needs a build", id="provenance of a plan"
        ),
        pytest.param(("--accept", "CVE-1"), "--accept is for builds that --fail-on", id="accept for nothing"),
        pytest.param(("--python", "3"), "--python 3 is not a version", id="no minor version"),
        pytest.param(("--platform", "x"), "--platform x is not one", id="unknown platform"),
        pytest.param(
            ("--examples", "rows.csv", "--no-verify"),
            "--examples are for the proof",
            id="examples for nothing",
        ),
        pytest.param(("--eject", "data"), "data exists and is not an empty folder", id="no new folder"),
    ],
)
def test_options_are_checked_before_the_model(
    infer: Callable[..., Finished], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    """This one is no model, which would take a while to see of a large one."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.pkl").write_text("no model")
    (tmp_path / "rows.csv").touch()

    finished = infer("build", "--tag", "iris", "--model-dir", "data", *options, cwd=tmp_path)

    assert f"error: {message}" in finished.stderr


def test_every_written_file_is_noted(infer: Callable[..., Finished], tmp_path: Path) -> None:
    options = ("--dry-run", "--base-image", "python:3.11-slim", "--lock", "l.txt", "--sbom", "s.json")

    first = infer("build", "--tag", "iris", *options, "--json", cwd=tmp_path)
    second = infer("build", "--tag", "iris", *options, cwd=tmp_path)

    assert first.record["tag"] == "iris:latest"
    assert [line for line in first.stderr.splitlines() if "Wrote" in line] == ["Wrote l.txt", "Wrote s.json"]
    assert [line for line in second.stderr.splitlines() if "Wrote" in line] == ["Wrote s.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.txt", "s.json"]


def test_a_plan_with_known_vulnerabilities_is_refused(infer: Callable[..., Finished], tmp_path: Path) -> None:
    options = ("build", "--tag", "iris", "--dry-run", "--base-image", "python:3.11-slim", "--fail-on", "high")
    with osv_server() as osv:
        settings = {"INFER_OSV_URL": osv.url, "INFER_CACHE_DIR": str(tmp_path)}
        sound = infer(*options, "--json", **settings)
        version = dict(line.split("==") for line in sound.record["requirements"])["flask"]
        osv.advisories["flask", version] = [advisory("GHSA-1", "flask", {"fixed": "99.0"}, vector=WORST)]
        shutil.rmtree(tmp_path / "audits")
        refused = infer(*options, "--json", **settings)
        accepted = infer(*options, "--accept", "GHSA-1", **settings)

    assert sound.exit_code == 0
    assert (sound.record["vulnerabilities"]["found"], sound.record["vulnerabilities"]["problem"]) == (
        [],
        None,
    )
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-3:] == [
        "error: iris:latest was not made: 1 known vulnerability of flask counts as critical",
        f"  flask {version}  GHSA-1, critical, fixed in 99.0: flask does what it should not",
        f"hint: install a newer infer: this one needs flask {version} for its service",
    ]
    assert accepted.exit_code == 0
    assert f"\n  flask {version}  GHSA-1, critical, fixed in 99.0: " in accepted.stdout
    (found,) = refused.record["error"]["vulnerabilities"]["found"]
    assert (found["package"], found["id"], found["counts_as"]) == ("flask", "GHSA-1", "critical")


@pytest.mark.parametrize("kind", ["file", "folder that is not empty"])
def test_nothing_that_exists_is_written_over(
    infer: Callable[..., Finished], tmp_path: Path, kind: str
) -> None:
    kept = tmp_path / "new" if kind == "file" else tmp_path / "new" / "kept"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("mine")

    finished = infer("build", "--tag", "iris", "--eject", str(tmp_path / "new"))

    assert finished.exit_code == 1
    assert "exists and is not an empty folder; nothing was written" in finished.stderr
    assert kept.read_text() == "mine"


def test_a_model_folder_that_does_not_exist_is_an_error(
    infer: Callable[..., Finished], tmp_path: Path
) -> None:
    finished = infer("build", "--tag", "iris", "--model-dir", str(tmp_path / "gone"))

    assert finished.exit_code == 1
    assert "gone" in finished.stderr
    assert "hint: " in finished.stderr


@pytest.mark.parametrize(
    ("folder", "file", "bake", "expected"),
    [
        pytest.param("data", None, False, "infer run iris:v1 --model-dir data", id="mounted"),
        pytest.param(
            "data", "a.pkl", False, "infer run iris:v1 --model-dir data --model-file a.pkl", id="of several"
        ),
        pytest.param(None, None, False, "infer run iris:v1 --model-dir DIR", id="no model yet"),
        pytest.param("data", "a.pkl", True, "infer run iris:v1", id="baked"),
    ],
)
def test_the_next_command_is_shown(
    *, tmp_path: Path, folder: str | None, file: str | None, bake: bool, expected: str
) -> None:
    path = None if folder is None else tmp_path.with_name(folder).relative_to(tmp_path.parent)
    place = ModelPlace(path, file) if path else None

    assert build._run_command(ImageName.parse("iris:v1"), place, bake=bake) == expected
