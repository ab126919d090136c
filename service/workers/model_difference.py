"""Whether clients of one model can ask another one in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_SHOWN = 5


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say why clients of the one model could not ask the other; empty if they can.

    Of each model, `kind` is that of the estimator, and `inputs` are the name and type of each input, and
    whether a row must have it.
    """
    if before["kind"] != now["kind"]:
        return f"it is a {now['kind']}, and the model that is served is a {before['kind']}"
    old, new = ({name: (kind, needed) for name, kind, needed in one["inputs"]} for one in (before, now))
    missing = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    both = [name for name in old if name in new]
    changed = [
        f"{name} is {new[name][0]}, was {old[name][0]}" for name in both if new[name][0] != old[name][0]
    ]
    needed = [name for name in both if new[name][1] and not old[name][1]]
    parts = [
        f"lacks {_listed(missing)}" if missing else "",
        f"also takes {_listed(added)}" if added else "",
        "; ".join(changed[:MOST_SHOWN]),
        f"{_listed(needed)} may not be left out any more" if needed else "",
    ]
    said = "; ".join(part for part in parts if part)
    if not said and [*old] != [*new]:
        said = "they have another order"
    return f"its inputs are not those of the model that is served: {said}" if said else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
