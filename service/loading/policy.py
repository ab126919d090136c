"""What a model file may name, and how it may use it: the allow-list in `policy.txt`.

The host judges by the same file, with code of its own: `infer_cli/inspection/facts/policy.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "policy.txt"

# How a name may be used, the freest first.
CALL = "call"
MAKE = "make"
NAME = "name"


@dataclass(frozen=True)
class Judgement:
    """Whether a name may be imported: `use` says for what, and is None if it may not, for the `reason`."""

    use: str | None
    reason: str = ""
    is_unknown: bool = False


class Policy:
    """The allow-list, and what the user trusts besides: modules, and full names."""

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        self.trusted = trusted
        self._uses, self._dangers = _rules()

    def judge(self, module: str, name: str) -> Judgement:
        """Tell whether the name may be imported from the module, and how it may be used."""
        if f"{module}.{name}" in self.trusted and module != "__main__":
            return Judgement(CALL)
        use = self._uses.get((module, name))
        if use is not None:
            return Judgement(use)
        danger = self.danger_of(module, name)
        if danger:
            return Judgement(None, f"it {danger}")
        if self.trusts(module):
            return Judgement(CALL)
        return Judgement(None, "it is not known to be harmless", is_unknown=True)

    def danger_of(self, module: str, name: str) -> str | None:
        """Say what makes a name dangerous, whatever module is trusted; None if nothing does."""
        if "." in name:
            return "reaches through one name to another"
        if name.startswith("__") and name.endswith("__"):
            return "is a part of Python's machinery"
        whole = module
        while whole:
            if (whole, None) in self._dangers:
                return self._dangers[whole, None]
            whole = whole.rpartition(".")[0]
        return self._dangers.get((module, name))

    def trusts(self, module: str) -> bool:
        """Say whether the user trusts the module, or a package around it."""
        is_within = any(module == trusted or module.startswith(f"{trusted}.") for trusted in self.trusted)
        return is_within and module != "__main__"


@lru_cache(maxsize=1)
def _rules() -> tuple[dict[tuple[str, str], str], dict[tuple[str, str | None], str]]:
    """Read the file: how each safe name may be used, and why others are dangerous."""
    uses: dict[tuple[str, str], str] = {}
    dangers: dict[tuple[str, str | None], str] = {}
    section, title, module = "", "", ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section, _, title = line[1:].partition("] ")
        elif line and not line.startswith("#"):
            before, colon, after = line.partition(":")
            module = before if colon else module if line.startswith(" ") else ""
            for name in (after if colon else line).split():
                if section != "dangerous":
                    uses[module, name] = section
                else:
                    dangers.setdefault((module, name) if module else (name, None), title)
    return uses, dangers
