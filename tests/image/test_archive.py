from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

from infer_cli.image.archive import write_image_archive

if TYPE_CHECKING:
    from pathlib import Path


def _write(root: Path, architecture: str = "arm64") -> tuple[str, bytes]:
    target = io.BytesIO()
    image_id = write_image_archive(
        root, target, name="infer-base:3.11", architecture=architecture, labels={"a": "b"}
    )
    return image_id, target.getvalue()


def test_the_archive_describes_its_one_layer(tmp_path: Path) -> None:
    root = tmp_path / "root.tar"
    root.write_bytes(b"layer")

    image_id, content = _write(root)

    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        [entry] = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config_bytes = tar.extractfile(entry["Config"]).read()  # type: ignore[union-attr]
        layer = tar.extractfile(entry["Layers"][0]).read()  # type: ignore[union-attr]
    config = json.loads(config_bytes)
    assert image_id == f"sha256:{hashlib.sha256(config_bytes).hexdigest()}"
    assert layer == b"layer"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(b'layer').hexdigest()}"]
    assert (config["architecture"], config["config"]["Labels"]) == ("arm64", {"a": "b"})
    assert entry["RepoTags"] == ["infer-base:3.11"]


def test_the_same_root_gives_the_same_archive(tmp_path: Path) -> None:
    root = tmp_path / "root.tar"
    root.write_bytes(b"layer")

    assert _write(root) == _write(root)
    assert _write(root) != _write(root, "amd64")
