"""The verdict on a name that a model file would import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import Json
    from infer_cli.inspection.nodes.node_types import Global

Verdict: TypeAlias = Literal["safe", "trusted", "unknown", "dangerous"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one name that loading a file would import, and the reason if the name is refused."""

    name: Global
    verdict: Verdict
    reason: str

    @property
    def is_allowed(self) -> bool:
        """Whether the service would import the name."""
        return self.verdict in {"safe", "trusted"}

    def as_dict(self) -> dict[str, Json]:
        """Give the judgement as JSON values."""
        return {"name": str(self.name), "verdict": self.verdict, "reason": self.reason or None}
