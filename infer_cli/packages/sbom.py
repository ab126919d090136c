"""The bill of materials of an image, in CycloneDX's JSON: its packages, and what they lie on."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infer_cli.image.base import BaseImage
    from infer_cli.packages.lock import Lock

_NAMESPACE = uuid.UUID("a8f6f1c8-6a3b-5d0e-9f0c-2f6d2b7c1e55")


def make_sbom(lock: Lock, base: BaseImage) -> str:
    """The bill as text. It has no clock and no random number: the same lock and base give the same bill."""
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
    record: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    del record["metadata"]["timestamp"]
    return json.dumps(record, indent=2, sort_keys=True) + "\n"
