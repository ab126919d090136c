"""Which names a model file may import, and how it may use them: the allow-list in `service/policy.txt`.

The service judges by the same list, with code of its own: `service/loading/policy.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from infer_cli.assets import find_assets
from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection.facts.advice import advice
from infer_cli.inspection.facts.judgement import Judgement
from infer_cli.inspection.facts.required import require_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.facts.judgement import Verdict
    from infer_cli.inspection.facts.model import Inspection
    from infer_cli.inspection.nodes.node_types import Global

# The use that lets a file call a name with any arguments.
CALL = "call"
# The use that lets a file hold a name, but make nothing of it.
NAME = "name"
# How many refused names an error lists.
_SHOWN = 20


def judge_globals(model: Inspection, trusted: tuple[str, ...] = ()) -> tuple[Judgement, ...]:
    """Judge each name that loading the model would import; `trusted` holds modules and full names."""
    return tuple(
        Judgement(name, *_verdict(name, trusted, is_called=name in model.calls)) for name in model.globals
    )


def require_safe(model: Inspection, trusted: tuple[str, ...], *, is_declared: bool = False) -> None:
    """Raise `ModelUnsafe`, which lists the names, if any name of the model is dangerous or unknown.

    Of a model that is safe, raise `ModelUnreadable` if its columns and classes do not mean what they mean in
    scikit-learn; or if it is not known which columns it takes, unless a schema in the image `is_declared` for
    it, which the service compares with the model.
    """
    refused = [one for one in judge_globals(model, trusted) if not one.is_allowed]
    if not refused:
        if model.whereabouts.wrapper is not None and model.whereabouts.wrapper.is_misread:
            package = model.whereabouts.wrapper.package
            message = (
                f"{model.path} holds a pipeline of {package}, whose columns and classes would be told wrongly"
            )
            raise ModelUnreadable(f"{message}.", hint=advice(model, refused))
        if not is_declared:
            modules = {name.module.partition(".")[0] for name in model.globals}
            require_columns(model, modules.intersection(trusted))
        return
    lines = [f"  {one.name}: {one.verdict}, {one.reason}" for one in refused[:_SHOWN]]
    if len(refused) > _SHOWN:
        lines.append(f"  … ({len(refused)} in all)")
    message = f"{model.path} imports names that no known model uses: loading the file could run their code"
    raise ModelUnsafe(message, detail="\n".join(lines), hint=advice(model, refused))


def is_listed(name: Global, *, is_called: bool) -> bool:
    """Say whether the allow-list permits how a file uses a name."""
    use = use_of(name)
    return use is not None and (use == CALL or not is_called)


def is_dangerous(name: Global, *, is_called: bool) -> bool:
    """Say whether the file is refused for how it uses a name, whatever modules are trusted."""
    return _verdict(name, (), is_called=is_called)[0] == "dangerous"


def use_of(name: Global) -> str | None:
    """Give the use that the allow-list permits, "call", "make" or "name"; None if the name is not listed."""
    return _rules()[0].get((name.module, name.name))


def title_of(name: Global) -> str:
    """Give the title of the section that lists a safe name; "" if the name is not listed."""
    return _titles().get((name.module, name.name), "")


def _verdict(name: Global, trusted: tuple[str, ...], *, is_called: bool) -> tuple[Verdict, str]:
    uses, dangers = _rules()
    use = uses.get((name.module, name.name))
    is_importable = name.module != "__main__"
    if f"{name.module}.{name.name}" in trusted and is_importable:
        return "trusted", ""
    if use is not None:
        if is_called and use != CALL:
            return "dangerous", "is called, which no known model does"
        return "safe", ""
    danger = _danger_of(name, dangers)
    if danger is not None:
        return "dangerous", danger
    if is_importable and any(name.module == one or name.module.startswith(f"{one}.") for one in trusted):
        return "trusted", ""
    return "unknown", "is not known to be harmless" if is_importable else "belongs to the training script"


def _danger_of(name: Global, dangers: dict[tuple[str, str | None], str]) -> str | None:
    """Say what makes a name dangerous even if its module is trusted; None if nothing does."""
    if "." in name.name:
        return "reaches through one name to another"
    if name.name.startswith("__") and name.name.endswith("__"):
        return "is a part of Python's machinery"
    whole = name.module
    while whole:
        if (whole, None) in dangers:
            return dangers[whole, None]
        whole = whole.rpartition(".")[0]
    return dangers.get((name.module, name.name))


@lru_cache(maxsize=1)
def _rules() -> tuple[dict[tuple[str, str], str], dict[tuple[str, str | None], str]]:
    """Read the list: how each safe name may be used, and why each dangerous name or module is dangerous.

    A dangerous module is listed with None in place of a name. `policy.txt` explains its own format.
    """
    uses: dict[tuple[str, str], str] = {}
    dangers: dict[tuple[str, str | None], str] = {}
    for section, title, module, name in _entries():
        if section != "dangerous":
            uses[module, name] = section
        else:
            dangers.setdefault((module, name) if module else (name, None), title)
    return uses, dangers


@lru_cache(maxsize=1)
def _titles() -> dict[tuple[str, str], str]:
    return {(module, name): title for section, title, module, name in _entries() if section != "dangerous"}


def _entries() -> Iterator[tuple[str, str, str, str]]:
    """Give the section, its title, the module and the name of each entry, in the order of the list."""
    section, title, module = "", "", ""
    for line in find_assets().policy.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section, _, title = line[1:].partition("] ")
        elif line and not line.startswith("#"):
            before, colon, after = line.partition(":")
            module = before if colon else module if line.startswith(" ") else ""
            yield from ((section, title, module, name) for name in (after if colon else line).split())
