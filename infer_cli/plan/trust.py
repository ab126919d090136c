"""What the user lets a model name besides the allow-list: modules of their own, and full names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

# The service's setting.
VARIABLE = "TRUST"


def parse_trust(given: Iterable[str]) -> tuple[str, ...]:
    """Give the names of `--trust`, sorted; raise `UsageError` for what cannot be one."""
    for name in given:
        if not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"--trust {name} is not the name of a module", hint="for example --trust mycode")
        if name.partition(".")[0] == "__main__":
            message = f"--trust {name}: the training script is not there when the service loads the model"
            raise UsageError(message, hint="move your classes into a module, and train again")
    return tuple(sorted(set(given)))


def trust_text(trusted: tuple[str, ...]) -> str:
    """Give it as labels and the service's setting hold it."""
    return " ".join(trusted)


def trust_of_label(text: str | None) -> tuple[str, ...]:
    """Read what `trust_text` wrote."""
    return tuple((text or "").split())
