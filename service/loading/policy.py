"""Which names a model file may import, and how it may use each of them: the allow-list in `policy.txt`.

The twin `infer_cli/inspection/facts/policy.py` judges a model file by the same list on the host, which does
not load the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "policy.txt"

# How a name may be used; `policy.txt` says what each use allows. Each use includes the uses below it.
CALL = "call"
MAKE = "make"
NAME = "name"


@dataclass(frozen=True)
class Judgement:
    """Whether a name may be imported, and how it may be used.

    `use` is None if the name may not be imported. Then `reason` says why, and `is_unknown` is true if the
    name is on no list.
    """

    use: str | None
    reason: str = ""
    is_unknown: bool = False


class Policy:
    """The allow-list, and the modules and full names that the user trusts besides."""

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        self.trusted = trusted
        self._uses, self._dangers = _rules()

    def judge(self, module: str, name: str) -> Judgement:
        """Judge whether the name may be imported from the module, and how it may be used."""
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

    def is_trusted(self, module: str, name: str) -> bool:
        """Tell whether the user trusts this name, or the module that it is in."""
        return f"{module}.{name}" in self.trusted or self.trusts(module)

    def danger_of(self, module: str, name: str) -> str | None:
        """Give the reason why a name is dangerous even in a trusted module; None for any other name."""
        if "." in name:
            return "reaches through one name to another"
        if name.startswith("__") and name.endswith("__"):
            return "is a part of Python's machinery"
        package = module
        while package:
            if (package, None) in self._dangers:
                return self._dangers[package, None]
            package = package.rpartition(".")[0]
        return self._dangers.get((module, name))

    def trusts(self, module: str) -> bool:
        """Tell whether the user trusts the module, or a package that the module is in."""
        is_within = any(module == trusted or module.startswith(f"{trusted}.") for trusted in self.trusted)
        return is_within and module != "__main__"


@lru_cache(maxsize=1)
def _rules() -> tuple[dict[tuple[str, str], str], dict[tuple[str, str | None], str]]:
    """Read `policy.txt`; give the use of each safe name, and the reason for each dangerous one.

    A dangerous module, with all modules in it, has None in the place of the name.
    """
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
