"""What the user gives to a build: the model folder, own code, and the names that the model may use."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from infer_cli.building.sample import declared_with_sample
from infer_cli.errors import ModelError
from infer_cli.inspection import NOTHING_DECLARED, find_model, require_safe, saved_beside
from infer_cli.plan.own_code import collect_code
from infer_cli.plan.trust import parse_trust
from infer_cli.running.model_mount import mount_model

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from infer_cli.inspection import Declared, Saved
    from infer_cli.plan.own_code import OwnCode
    from infer_cli.plan.run import ModelMount


def read_own_code(paths: Iterable[Path], trust: Iterable[str]) -> tuple[OwnCode, tuple[str, ...]]:
    """The user's own code, and the names that a model may use besides the allow-list, sorted.

    The names are those of `--trust` and the modules of the own code, which the user trusts by giving it.
    Raises `UsageError` for a name that `--trust` cannot take, and `InferError` for a path without code.
    """
    code = collect_code(paths)
    return code, tuple(sorted({*parse_trust(trust), *code.modules}))


def read_inputs(
    model: Path | None,
    code: Collection[Path] | None,
    trust: Collection[str] | None,
    examples: Path | None,
    note: Callable[[str], None],
) -> tuple[OwnCode, tuple[str, ...], Path | None]:
    """The own code, the trusted names, and the rows for the proof, as `read_own_code` gives the first two.

    `model` is the model file or its folder. What `infer_cli.save` wrote beside the model is taken where the
    user gives nothing: its code is the user's own, as with `--code`. `note` gets what was taken.
    """
    own_code, trusted = read_code_of(model, code, trust, note)
    saved = _saved_with(model)
    if saved is not None and saved.examples is not None and examples is None:
        if saved.has_answers:
            note(f"Comparing the answers with the model's own in {saved.examples}")
        else:
            note(f"Proving the service on the rows in {saved.examples}, which {saved.writer} wrote")
        examples = saved.examples
    return own_code, trusted, examples


def read_code_of(
    model: Path | None,
    code: Collection[Path] | None,
    trust: Collection[str] | None,
    note: Callable[[str], None],
) -> tuple[OwnCode, tuple[str, ...]]:
    """The own code and the trusted names, of what is given or else of what lies beside the model."""
    saved = _saved_with(model)
    if saved is not None and saved.code is not None and not code:
        note(f"Using your own code in {saved.code}, which infer_cli.save wrote with the model")
        code = [saved.code]
    return read_own_code(code or (), trust or ())


def _saved_with(model: Path | None) -> Saved | None:
    """What belongs to a model, which is a file or the only one of its folder."""
    if model is None or not model.is_dir():
        return saved_beside(model) if model else None
    with suppress(ModelError):
        return saved_beside(find_model(model, None))
    # Several models, or none: that is said where the model is looked for.
    return saved_beside(model / "model")


def mount_safe_model(  # noqa: PLR0913 (each is an option of the command)
    folder: Path | None,
    file_name: str | None,
    declared: Declared = NOTHING_DECLARED,
    examples: Path | None = None,
    *,
    is_baked: bool,
    trusted: tuple[str, ...],
    note: Callable[[str], None] = lambda _: None,
) -> ModelMount | None:
    """The model folder of `--model-dir` and `--model-file`, or None without a folder.

    The model file is inspected and not loaded; `declared` is what the user says of it, and `examples` a file
    of rows that tells more. `note` gets what was taken from that file. Raises `ModelError` for a
    model that cannot be served.
    """
    if folder is not None and examples is not None:
        declared = declared_with_sample(find_model(folder, file_name), examples, declared, note)
    mount = mount_model(folder, file_name, writable=False, is_baked=is_baked, declared=declared)
    if mount is not None and mount.inspection is not None:
        require_safe(mount.inspection, trusted)
    return mount
