"""Plans: complete descriptions of a build or a run, before anything is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.packages.sbom import make_sbom
from infer_cli.plan import labels
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.dockerfile import quote, render_dockerfile
from infer_cli.plan.own_code import OwnCode
from infer_cli.plan.trust import VARIABLE, trust_text

if TYPE_CHECKING:
    from infer_cli.assets import Assets
    from infer_cli.image.base import BaseImage
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.lock import Lock

CONTAINER_PORT = 5000
# A model should not be put on the network by accident.
DEFAULT_HOST_IP = "127.0.0.1"
MOUNT_FOLDER = PurePosixPath("/data")
HOME_FOLDER = PurePosixPath("/opt/infer")
CODE_FOLDER = HOME_FOLDER / "code"
SBOM_NAME = "sbom.cdx.json"
BAKED_FOLDER = HOME_FOLDER / "model"
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
    # Where the version of each package comes from.
    sources: dict[str, str] = field(default_factory=dict)


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


@dataclass(frozen=True)
class Limits:
    """What a container may use. None: as much as the engine has."""

    memory: str | None = None
    cpus: float | None = None
    # A worker has up to some 140 threads, and each counts; a runaway program would want many more.
    processes: int | None = 2048


@dataclass(frozen=True)
class Safety:
    """What a container may not do, and who it runs as (None: the image's own user)."""

    user: str | None = None
    read_only: bool = True
    added_capabilities: tuple[str, ...] = ()
    new_privileges: bool = False


@dataclass(frozen=True)
class ModelMount:
    """A model folder on this machine, and the file in it that is served."""

    folder: Path
    file: str
    digest: str
    writable: bool = False
    # What is known of the file; the digest says already which file it is.
    inspection: Inspection | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides how a service runs; without a `host_port` it has no network at all."""

    image: str
    name: str
    host_port: int | None
    model: ModelMount | None = None
    host_ip: str = DEFAULT_HOST_IP
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    safety: Safety = field(default_factory=Safety)
    restart: str = "no"
    # What the model may name besides the allow-list.
    trusted: tuple[str, ...] = ()
    # What runs in place of the service: a task that reads its input, writes its output, and ends.
    command: tuple[str, ...] = ()
    # Whether it is there for one of our commands only, which removes it.
    is_temporary: bool = False

    @property
    def all_environment(self) -> dict[str, str]:
        """The variables of the container: ours, then the user's, which win."""
        ours = {"MODEL_FILE": str(MOUNT_FOLDER / self.model.file)} if self.model else {}
        if self.trusted:
            ours[VARIABLE] = trust_text(self.trusted)
        return {**ours, **self.environment}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the container."""
        found = {labels.SERVICE: __version__}
        if self.is_temporary:
            found[labels.TEMPORARY] = ""
        if self.trusted:
            found[labels.TRUST] = trust_text(self.trusted)
        if self.model is not None:
            found[labels.MODEL_DIGEST] = f"sha256:{self.model.digest}"
            found[labels.MODEL_FILE] = self.model.file
            found[labels.MODEL_FOLDER] = str(self.model.folder)
        return found

    def at_port(self, host_port: int) -> RunPlan:
        """The same plan on another port of this machine."""
        return replace(self, host_port=host_port)
