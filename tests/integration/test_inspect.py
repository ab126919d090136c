"""`infer inspect` of an image."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

from tests.osv_server import WORST, advisory, osv_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


def test_the_sizes_of_packages_and_layers_are_shown(
    engine: Engine, infer: Callable[..., Finished], iris_image: str
) -> None:
    found = infer("inspect", iris_image, "--json").record

    assert {"scikit_learn", "numpy", "scipy", "granian"} <= {name.split()[0] for name in found["packages"]}
    assert sum(layer["size_bytes"] for layer in found["layers"]) == found["size_bytes"]
    # The sizes of packages include every file and its bytecode.
    packed = sum(
        layer["size_bytes"] for layer in found["layers"] if layer["made_by"].startswith(("ADD", "python3"))
    )
    assert sum(found["packages"].values()) > 0.9 * packed
    assert found["model"] is None
    assert "scipy" in infer("inspect", iris_image).stdout
    assert engine.version


def test_vulnerabilities_that_became_known_are_shown(
    infer: Callable[..., Finished], iris_image: str, tmp_path: Path
) -> None:
    with osv_server() as osv:
        settings = {"INFER_OSV_URL": osv.url, "INFER_CACHE_DIR": str(tmp_path)}
        sound = infer("inspect", iris_image, "--vulnerabilities", "--json", **settings).record
        version = dict(one.split("==") for one in sound["labels"]["infer.requirements"].split())["flask"]
        osv.advisories["flask", version] = [advisory("GHSA-1", "flask", {"fixed": "99.0"}, vector=WORST)]
        shutil.rmtree(tmp_path / "audits")
        shown = infer("inspect", iris_image, "--vulnerabilities", **settings).stdout

    assert (sound["vulnerabilities"]["found"], sound["vulnerabilities"]["problem"]) == ([], None)
    assert sound["vulnerabilities"]["packages"] == len(sound["labels"]["infer.requirements"].split())
    assert shown.splitlines()[-1] == (
        f"  flask {version}  GHSA-1, critical, fixed in 99.0: flask does what it should not"
    )


def test_a_baked_model_is_inspected(
    infer: Callable[..., Finished], iris_folder: Path, base_image: str, tag: Callable[[], str], tmp_path: Path
) -> None:
    name, sbom, provenance = tag(), tmp_path / "sbom.json", tmp_path / "provenance.json"
    options = ("--model-dir", str(iris_folder), "--base-image", base_image, "--bake", "--sbom", str(sbom))
    built = infer("build", "--tag", name, *options, "--provenance", str(provenance))
    assert built.exit_code == 0, built.stderr
    assert built.stderr.splitlines()[-1] == f"Wrote {provenance}"

    inspected = infer("inspect", name, "--json").record
    model, labels = inspected["model"], inspected["labels"]

    assert model["sha256"] == hashlib.sha256((iris_folder / "model.pkl").read_bytes()).hexdigest()
    assert model["path"] == "/opt/infer/model/model.pkl"
    assert "pkg:pypi/scikit-learn" in sbom.read_text()
    statement = json.loads(provenance.read_text())
    assert statement["subject"] == [
        {"name": name, "digest": {"sha256": inspected["id"].removeprefix("sha256:")}}
    ]
    parts = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    digests = {part["name"]: f"sha256:{part['digest']['sha256']}" for part in parts if "digest" in part}
    assert digests["model.pkl"] == labels["infer.model.digest"]
    assert digests["requirements.lock"] == labels["infer.lock.digest"]
    assert digests[base_image].startswith("sha256:")


def test_the_sbom_is_in_the_image(engine: Engine, iris_image: str, infer: Callable[..., Finished]) -> None:
    container = engine.api.create_container(iris_image, ["cat", "/opt/infer/sbom.cdx.json"])
    try:
        engine.api.start(container)
        engine.api.wait(container)
        sbom = json.loads(engine.api.logs(container))
    finally:
        engine.api.remove_container(container, force=True)

    assert sbom["bomFormat"] == "CycloneDX"
    versions = {component["name"]: component.get("version") for component in sbom["components"]}
    labels = infer("inspect", iris_image, "--json").record["labels"]
    assert f"scikit-learn=={versions['scikit-learn']}" in labels["infer.requirements"]
