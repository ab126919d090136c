"""Trust: the modules and full names that the user lets a model name besides the allow-list (`--trust`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

# The setting of the service: an environment variable.
VARIABLE = "TRUST"


def parse_trust(names: Iterable[str]) -> tuple[str, ...]:
    """The values of `--trust`, sorted and without duplicates; raises `UsageError` for an invalid name."""
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            raise UsageError(f"--trust {name} is not the name of a module", hint="for example --trust mycode")
        if name.partition(".")[0] == "__main__":
            message = f"--trust {name}: the training script is not there when the service loads the model"
            raise UsageError(message, hint="move your classes into a module, and train again")
    return tuple(sorted(set(names)))


def trust_text(trusted: tuple[str, ...]) -> str:
    """The trusted names as one string, for the label and the setting of the service."""
    return " ".join(trusted)


def trust_of_label(text: str | None) -> tuple[str, ...]:
    """The trusted names in a label that `trust_text` made; none if there is no label."""
    return tuple((text or "").split())
