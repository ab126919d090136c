"""The plan of a build: everything that goes into the image, decided before the engine is asked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.inspection import schema_text
from infer_cli.packages.sbom import make_sbom
from infer_cli.packages.vulnerabilities import Tolerance
from infer_cli.plan import labels
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.dockerfile import quote, render_dockerfile
from infer_cli.plan.layout import (
    BAKED_FOLDER,
    CODE_FOLDER,
    HOME_FOLDER,
    MOUNT_FOLDER,
    SCHEMA_FILE,
    SERVE_PROGRAM,
)
from infer_cli.plan.own_code import OwnCode
from infer_cli.plan.trust import trust_text
from infer_cli.reproducible_tar import PROGRAM_MODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.assets import Assets
    from infer_cli.image.base import BaseImage
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.lock import Lock

SBOM_NAME = "sbom.cdx.json"
_NO_CODE = OwnCode()
# Amazon SageMaker starts an image with the word `serve` in place of the image's own command.
_SERVE = '#!/bin/sh\nexec python3 -m service serve "$@"\n'
_DEFAULT_MODEL_NAME = "model.pkl"


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides the content and the name of an image.

    `version_sources` gives the version source of each package, by package. `can_run` says whether the engine
    can run programs of the image, which may be for another processor. `tolerance` says with which known
    vulnerabilities of its packages the image gets its name.
    """

    name: ImageName
    base: BaseImage
    lock: Lock
    dockerfile: str
    context: Context
    labels: dict[str, str]
    sbom: str
    platform: str | None = None
    no_cache: bool = False
    can_run: bool = True
    version_sources: dict[str, str] = field(default_factory=dict)
    tolerance: Tolerance = field(default_factory=Tolerance)


def plan_build(  # noqa: PLR0913 (each is an input of the plan)
    name: ImageName,
    *,
    base: BaseImage,
    lock: Lock,
    packages: Path,
    assets: Assets,
    model: Inspection | None = None,
    baked: bool = False,
    code: OwnCode = _NO_CODE,
    can_run: bool = True,
    trusted: tuple[str, ...] = (),
    inputs: str | None = None,
) -> BuildPlan:
    """Plan an image with the packages of `lock` on `base`.

    `packages` is the tar archive of the lock's packages. A `baked` model lies inside the image; any other
    model is mounted at run time. `code` holds the user's own modules. If the engine cannot run programs of
    the image (`can_run` is false), the Dockerfile has no RUN instruction. What is declared of the model lies
    in the image as a file, for a mounted model too. Models may name the modules and full names in `trusted`,
    besides the allow-list. `inputs` is the digest of what decides the content.
    """
    image_labels = _build_labels(name, base, lock, model, trusted=trusted, inputs=inputs)
    schema = schema_text(model.declared) if model else None
    baked_model = model if baked else None
    dockerfile = render_dockerfile(
        assets.template.read_text(),
        {
            "infer_version": __version__,
            "python": base.python,
            "base_image": base.reference,
            "model_file": quote(str(_model_folder(baked=baked_model is not None) / _model_name(model))),
            "finish_packages": _finish("packages", can_run=can_run),
            "finish_service": _finish("service", "code", can_run=can_run),
            "trust": quote(trust_text(trusted)),
            "model_schema": f" \\\n    MODEL_SCHEMA={SCHEMA_FILE}" if schema else "",
            "labels": " \\\n      ".join(f"{key}={quote(value)}" for key, value in image_labels.items()),
        },
    )
    sbom = make_sbom(lock, base)
    files = (
        ContextFile(PurePosixPath("Dockerfile"), dockerfile),
        ContextFile(PurePosixPath("requirements.lock"), lock.text),
        ContextFile(PurePosixPath("packages.tar"), packages),
        ContextFile(_over_root("finish", HOME_FOLDER / assets.finish.name), assets.finish),
        ContextFile(_over_root("finish", HOME_FOLDER / SBOM_NAME), sbom),
        *_own_files(assets, base, code, baked_model),
        *([ContextFile(_over_root("model", SCHEMA_FILE), schema)] if schema else []),
    )
    folders = (_over_root("code", CODE_FOLDER), _over_root("model", BAKED_FOLDER))
    return BuildPlan(
        name=name,
        base=base,
        lock=lock,
        dockerfile=dockerfile,
        context=Context(files, folders),
        labels=image_labels,
        sbom=sbom,
        can_run=can_run,
    )


def _own_files(
    assets: Assets, base: BaseImage, code: OwnCode, baked_model: Inspection | None
) -> Iterator[ContextFile]:
    """The files of the service, of the user's own code and of the baked model."""
    for name in assets.service_files(base.machine):
        yield ContextFile(_over_root("service", HOME_FOLDER / "service" / name), assets.service / name)
    yield ContextFile(_over_root("service", SERVE_PROGRAM), _SERVE, mode=PROGRAM_MODE)
    for path, source in code.files:
        yield ContextFile(_over_root("code", CODE_FOLDER / path), source)
    if baked_model is not None:
        yield ContextFile(_over_root("model", BAKED_FOLDER / baked_model.path.name), baked_model.path)


def _finish(*parts: str, can_run: bool) -> str:
    """The instruction that runs `finish_image.py` for parts of the image, or a comment in its place."""
    if not can_run:
        return "# (no RUN here: the engine of the build cannot run programs of this image)"
    return f"RUN {json.dumps(['python3', 'finish_image.py', *parts])}"


def _model_folder(*, baked: bool) -> PurePosixPath:
    return BAKED_FOLDER if baked else MOUNT_FOLDER


def _model_name(model: Inspection | None) -> str:
    """The file name of the model, inside the image or in the mounted folder."""
    return model.path.name if model else _DEFAULT_MODEL_NAME


def _over_root(layer: str, path: PurePosixPath) -> PurePosixPath:
    """The path in the context of the file at `path` in the image; COPY copies the folder `layer`."""
    return PurePosixPath(layer) / path.relative_to("/")


def _build_labels(
    name: ImageName,
    base: BaseImage,
    lock: Lock,
    model: Inspection | None,
    *,
    trusted: tuple[str, ...],
    inputs: str | None,
) -> dict[str, str]:
    found = {
        labels.TITLE: name.short_name,
        labels.DESCRIPTION: "A prediction service made by infer",
        labels.VERSION: name.tag,
        labels.BASE_NAME: base.reference,
        labels.SERVICE: __version__,
        labels.LOCK_DIGEST: lock.digest,
        labels.REQUIREMENTS: " ".join(lock.requirements),
    }
    if inputs:
        found[labels.INPUTS_DIGEST] = inputs
    if trusted:
        found[labels.TRUST] = trust_text(trusted)
    if model is not None:
        found[labels.MODEL_DIGEST] = f"sha256:{model.sha256}"
        found[labels.MODEL_FILE] = model.path.name
        if schema := schema_text(model.declared):
            found[labels.SCHEMA_DIGEST] = f"sha256:{hashlib.sha256(schema.encode()).hexdigest()}"
        if model.declared.member is not None:
            found[labels.MEMBER] = model.declared.member
    return dict(sorted(found.items()))
