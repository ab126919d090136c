"""Plans: complete descriptions of a build or a run, before anything is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.packages.sbom import make_sbom
from infer_cli.plan import labels
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.dockerfile import quote, render_dockerfile
from infer_cli.plan.layout import BAKED_FOLDER, CODE_FOLDER, HOME_FOLDER, MOUNT_FOLDER
from infer_cli.plan.own_code import OwnCode
from infer_cli.plan.trust import trust_text

if TYPE_CHECKING:
    from infer_cli.assets import Assets
    from infer_cli.image.base import BaseImage
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.lock import Lock

SBOM_NAME = "sbom.cdx.json"
_NO_CODE = OwnCode()
_DEFAULT_MODEL_NAME = "model.pkl"


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides what an image holds and what it is called."""

    name: ImageName
    base: BaseImage
    lock: Lock
    dockerfile: str
    context: Context
    labels: dict[str, str]
    sbom: str
    platform: str | None = None
    no_cache: bool = False
    # Whether the engine can run the image's programs, while it is built and after.
    can_run: bool = True
    # The version source of each package, by package.
    version_sources: dict[str, str] = field(default_factory=dict)


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
) -> BuildPlan:
    """Plan an image of `lock` on `base`; `packages` is the lock's archive; a `baked` model goes inside.

    An image whose programs the engine cannot run is built without running any. Its models may name what is
    `trusted`, besides the allow-list.
    """
    sbom = make_sbom(lock, base)
    image_labels = _build_labels(name, base, lock, model)
    if trusted:
        image_labels = {**image_labels, labels.TRUST: trust_text(trusted)}
    baked_files = (
        (ContextFile(_over_root("model", BAKED_FOLDER / model.path.name), model.path),)
        if model and baked
        else ()
    )
    dockerfile = render_dockerfile(
        assets.template.read_text(),
        {
            "infer_version": __version__,
            "python": base.python,
            "base_image": base.reference,
            "model_file": quote(str(_model_folder(baked=bool(baked_files)) / _model_name(model))),
            "finish_packages": _finish("packages", can_run=can_run),
            "finish_service": _finish("service", "code", can_run=can_run),
            "trust": quote(trust_text(trusted)),
            "labels": " \\\n      ".join(f"{key}={quote(value)}" for key, value in image_labels.items()),
        },
    )
    context = Context(
        files=(
            ContextFile(PurePosixPath("Dockerfile"), dockerfile),
            ContextFile(PurePosixPath("requirements.lock"), lock.text),
            ContextFile(PurePosixPath("packages.tar"), packages),
            ContextFile(_over_root("finish", HOME_FOLDER / assets.finish.name), assets.finish),
            ContextFile(_over_root("finish", HOME_FOLDER / SBOM_NAME), sbom),
            *(
                ContextFile(_over_root("service", HOME_FOLDER / "service" / name), assets.service / name)
                for name in assets.service_files(base.machine)
            ),
            *(ContextFile(_over_root("code", CODE_FOLDER / place), source) for place, source in code.files),
            *baked_files,
        ),
        folders=(_over_root("code", CODE_FOLDER), _over_root("model", BAKED_FOLDER)),
    )
    return BuildPlan(
        name=name,
        base=base,
        lock=lock,
        dockerfile=dockerfile,
        context=context,
        labels=image_labels,
        sbom=sbom,
        can_run=can_run,
    )


def _finish(*parts: str, can_run: bool) -> str:
    """The instruction that finishes parts of the image, or why there is none."""
    if not can_run:
        return "# (left out: the engine that this was made for cannot run programs of this image)"
    return f"RUN {json.dumps(['python3', 'finish_image.py', *parts])}"


def _model_folder(*, baked: bool) -> PurePosixPath:
    return BAKED_FOLDER if baked else MOUNT_FOLDER


def _model_name(model: Inspection | None) -> str:
    """What the model is called in the image, or where its folder is mounted."""
    return model.path.name if model else _DEFAULT_MODEL_NAME


def _over_root(layer: str, path: PurePosixPath) -> PurePosixPath:
    """The place in the context of what lies at `path` in the image."""
    return PurePosixPath(layer) / path.relative_to("/")


def _build_labels(name: ImageName, base: BaseImage, lock: Lock, model: Inspection | None) -> dict[str, str]:
    found = {
        labels.TITLE: name.short_name,
        labels.DESCRIPTION: "A prediction service made by infer",
        labels.VERSION: name.tag,
        labels.BASE_NAME: base.reference,
        labels.SERVICE: __version__,
        labels.LOCK_DIGEST: lock.digest,
        labels.REQUIREMENTS: " ".join(lock.requirements),
    }
    if model is not None:
        found[labels.MODEL_DIGEST] = f"sha256:{model.sha256}"
        found[labels.MODEL_FILE] = model.path.name
    return dict(sorted(found.items()))
