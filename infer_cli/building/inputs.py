"""What the user gives to a build: the model folder, own code, and the names that the model may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.building.sample import declared_with_sample
from infer_cli.inspection import NOTHING_DECLARED, find_model, require_safe
from infer_cli.plan.own_code import collect_code
from infer_cli.plan.trust import parse_trust
from infer_cli.running.model_mount import mount_model

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from infer_cli.inspection import Declared
    from infer_cli.plan.own_code import OwnCode
    from infer_cli.plan.run import ModelMount


def read_own_code(paths: Iterable[Path], trust: Iterable[str]) -> tuple[OwnCode, tuple[str, ...]]:
    """The user's own code, and the names that a model may use besides the allow-list, sorted.

    The names are those of `--trust` and the modules of the own code, which the user trusts by giving it.
    Raises `UsageError` for a name that `--trust` cannot take, and `InferError` for a path without code.
    """
    code = collect_code(paths)
    return code, tuple(sorted({*parse_trust(trust), *code.modules}))


def mount_safe_model(
    folder: Path | None,
    file_name: str | None,
    *,
    is_baked: bool,
    trusted: tuple[str, ...],
    declared: Declared = NOTHING_DECLARED,
    examples: Path | None = None,
) -> ModelMount | None:
    """The model folder of `--model-dir` and `--model-file`, or None without a folder.

    The model file is inspected and not loaded; `declared` is what the user says of it, and `examples` a file
    of rows that tells more. Raises `ModelError` for a model that cannot be served.
    """
    if folder is not None and examples is not None:
        declared = declared_with_sample(find_model(folder, file_name), examples, declared)
    mount = mount_model(folder, file_name, writable=False, is_baked=is_baked, declared=declared)
    if mount is not None and mount.inspection is not None:
        require_safe(mount.inspection, trusted)
    return mount
