"""The software bill of materials (SBOM) of an image: its packages, its Python and its base image.

The format is CycloneDX 1.6 in JSON.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.image.base import BaseImage
    from infer_cli.packages.lock import Lock

# A random constant: the serial number of an SBOM is a name-based UUID within it.
_NAMESPACE = uuid.UUID("a8f6f1c8-6a3b-5d0e-9f0c-2f6d2b7c1e55")


def make_sbom(lock: Lock, base: BaseImage) -> str:
    """The SBOM as text; it holds no time and no random number, so equal inputs give equal bytes."""
    from cyclonedx.model.bom import Bom  # noqa: PLC0415 (slow to import)
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    packages = [
        Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=version,
            purl=(purl := PackageURL("pypi", name=name.lower().replace("_", "-"), version=version)),
            bom_ref=str(purl),
        )
        for name, version in lock.pins.items()
    ]
    container = Component(type=ComponentType.CONTAINER, name=base.reference, bom_ref="base-image")
    platform = Component(type=ComponentType.PLATFORM, name="python", version=base.python, bom_ref="python")
    bom = Bom(components=[container, platform, *packages])
    bom.serial_number = uuid.uuid5(_NAMESPACE, f"{lock.digest} {base.reference}")
    record = json.loads(JsonV1Dot6(bom).output_as_string())
    del record["metadata"]["timestamp"]
    return json.dumps(record, indent=2, sort_keys=True) + "\n"
