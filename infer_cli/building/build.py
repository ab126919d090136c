"""Builds an image from a plan, and names the image only after its service has answered."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.building.verify import Verified, fingerprint, verify_image
from infer_cli.building.vulnerable import refuse_vulnerable, told_of
from infer_cli.cache import cache_folder
from infer_cli.engine.builder import build_image, discard_image, name_image
from infer_cli.engine.registry import push_image
from infer_cli.errors import InferError
from infer_cli.packages.audit import LONGEST_WAIT_S, begin_audit
from infer_cli.running.model_mount import user_for

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.registry import Pushed
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.audit import Audit
    from infer_cli.plan.build import BuildPlan
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress


class ProofSkipped(Enum):
    """Why the service of an image was not asked."""

    NO_MODEL = auto()
    OTHER_PROCESSOR = auto()
    NOT_WANTED = auto()
    # The same image has answered the same examples with the same model before.
    UNCHANGED = auto()


# How an image was proved: the rows that its service answered, or why it was not asked.
Proof = Verified | ProofSkipped


# Columns in which training computed with 32 bits; a service computes their values with 64.
_SINGLE_DTYPES = ("float32", "float16")
# How long a plan waits for its audit, if nothing depends on it; a build goes on meanwhile, and does not wait.
_PLAN_WAIT_S = 2.0


@dataclass(frozen=True)
class MadeImage:
    """An image that was built, proved and named.

    `pushed` is None for an image that was not pushed. `audit` tells the known vulnerabilities of its
    packages.
    """

    name: ImageName
    image_id: str
    size_bytes: int
    architecture: str
    proof: Proof
    pushed: Pushed | None = None
    audit: Audit | None = None


@dataclass(frozen=True)
class ProofRequest:
    """How to prove an image: with the model of `mount`, which is inside the image if it `is_baked`.

    `examples` is a file of rows, perhaps with the expected answers. With `egress`, the service may connect to
    other programs.
    """

    mount: ModelMount | None = None
    is_baked: bool = False
    examples: Path | None = None
    is_wanted: bool = True
    egress: bool = False


def make_image(
    engine: Engine,
    plan: BuildPlan,
    proof: ProofRequest,
    progress: Progress,
    *,
    push: bool = False,
) -> MadeImage:
    """Build an image, prove it, name it, and perhaps push it.

    An image whose proof fails is not kept, nor one with a known vulnerability that the plan does not
    tolerate. It waits for its audit only if there are such. Raises `BuildFailed`, `VerificationFailed`,
    `Vulnerable` or `PushFailed`.
    """
    begun = begin_audit(plan.lock.pins)
    if (known := begun.result()).problem is None:
        refuse_vulnerable(known, plan)
    progress.stage(f"Building {plan.name}")
    built = build_image(engine, plan, on_event=progress.on_event)
    try:
        proved = prove_image(engine, built.image_id, proof, progress, can_run=plan.can_run)
        if plan.tolerance.fail_on:
            progress.stage("Looking up the known vulnerabilities of the packages")
        audit = begun.result(LONGEST_WAIT_S if plan.tolerance.fail_on else 0)
        refuse_vulnerable(audit, plan)
    except BaseException:
        discard_image(engine, built)
        raise
    name_image(engine, built, plan.name)
    for line in told_of(audit, plan):
        progress.note(line)
    pushed = None
    if push:
        progress.stage(f"Pushing {plan.name}")
        pushed = push_image(engine, plan.name, on_event=progress.on_event)
    return MadeImage(
        plan.name, built.image_id, built.size_bytes, plan.base.architecture, proved, pushed, audit
    )


def audit_plan(plan: BuildPlan, progress: Progress) -> Audit:
    """The known vulnerabilities of the packages of an image that is not built; raises `Vulnerable`."""
    audit = begin_audit(plan.lock.pins).result(LONGEST_WAIT_S if plan.tolerance.fail_on else _PLAN_WAIT_S)
    refuse_vulnerable(audit, plan)
    for line in told_of(audit, plan):
        progress.note(line)
    return audit


def require_empty_folder(folder: Path) -> None:
    """Raise `InferError` unless `folder` is missing or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InferError(
            f"{folder} exists and is not an empty folder; nothing was written", hint="choose a new folder"
        )


def eject_plan(plan: BuildPlan, folder: Path) -> None:
    """Write the build context to `folder`, whole or not at all; raises `InferError`."""
    try:
        with tempfile.TemporaryDirectory(dir=folder.absolute().parent, ignore_cleanup_errors=True) as name:
            whole = Path(name) / "context"
            whole.mkdir()
            plan.context.write_folder(whole)
            whole.replace(folder)
    except OSError as error:
        raise InferError(f"cannot write {folder}: {error.strerror}") from error


def write_sbom(plan: BuildPlan, path: Path) -> None:
    """Write the software bill of materials of the image to a file; raises `InferError`."""
    try:
        path.write_text(plan.sbom, encoding="utf-8")
    except OSError as error:
        raise InferError(f"cannot write {path}: {error.strerror}") from error


def prove_image(
    engine: Engine, image_id: str, proof: ProofRequest, progress: Progress, *, can_run: bool = True
) -> Proof:
    """Ask a service of the image, unless it cannot run or has answered before.

    Raises `VerificationFailed` or `ContainerFailed`.
    """
    mount = proof.mount
    if mount is None:
        return ProofSkipped.NO_MODEL
    if not can_run:
        return ProofSkipped.OTHER_PROCESSOR
    if not proof.is_wanted:
        return ProofSkipped.NOT_WANTED
    # An empty file in the cache marks a proof that succeeded.
    mark = cache_folder() / "verified" / fingerprint(image_id, mount.digest, proof.examples)
    if mark.exists():
        return ProofSkipped.UNCHANGED
    progress.stage("Comparing the answers of the built service with the model's own")
    verified = verify_image(
        engine,
        image_id,
        model=None if proof.is_baked else mount,
        user=None if proof.is_baked else user_for(mount, engine_is_local=engine.is_local),
        examples=proof.examples,
        egress=proof.egress,
        is_single=mount.inspection is not None and _is_single(mount.inspection),
    )
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return verified


def _is_single(model: Inspection) -> bool:
    """Whether the model computes in 32 bits, or did in training."""
    return model.format == "onnx" or any(
        feature.dtype in _SINGLE_DTYPES for feature in model.declared.features
    )
