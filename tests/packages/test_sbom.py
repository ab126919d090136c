from __future__ import annotations

import json

from infer_cli.image.base import BaseImage
from infer_cli.packages.lock import Lock
from infer_cli.packages.sbom import make_sbom

LOCK = Lock("Zope.Interface==7.0 --hash=sha256:00\nscikit-learn==1.7.2 --hash=sha256:11\n")
BASE = BaseImage("python:3.11-slim", "3.11", "amd64")


def test_every_package_of_the_lock_has_its_package_url() -> None:
    sbom = json.loads(make_sbom(LOCK, BASE))

    purls = {component.get("purl") for component in sbom["components"]}
    assert {"pkg:pypi/scikit-learn@1.7.2", "pkg:pypi/zope.interface@7.0"} <= purls
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")


def test_the_base_image_is_named() -> None:
    sbom = json.loads(make_sbom(LOCK, BASE))

    assert "python:3.11-slim" in [component["name"] for component in sbom["components"]]


def test_the_same_lock_gives_the_same_sbom() -> None:
    assert make_sbom(LOCK, BASE) == make_sbom(LOCK, BASE)
    assert make_sbom(LOCK, BASE) != make_sbom(Lock("blinker==1.9.0 --hash=sha256:00\n"), BASE)
