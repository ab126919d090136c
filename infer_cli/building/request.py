"""A build as the user wants it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.packages.vulnerabilities import Tolerance
from infer_cli.plan.own_code import OwnCode

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection


@dataclass(frozen=True)
class BuildRequest:
    """An image as the user wants it; infer chooses where a value is None.

    `trusted` are the names that models may use besides the allow-list. With `use_environment`, package
    versions that the model does not determine are taken from the current environment, if the model may have
    been trained there. A `lock_file` that exists is used; a new one is written.
    With `tracing`, the service can send traces. `tolerance` says which known vulnerabilities the packages may
    have.
    """

    name: ImageName
    model: Inspection | None = None
    bake: bool = False
    base_image: str | None = None
    python: str | None = None
    platform: str | None = None
    added_requirements: tuple[str, ...] = ()
    tracing: bool = False
    code: OwnCode = field(default_factory=OwnCode)
    trusted: tuple[str, ...] = ()
    lock_file: Path | None = None
    use_environment: bool = True
    no_cache: bool = False
    tolerance: Tolerance = field(default_factory=Tolerance)
