"""`infer rollback`: serves the model again that was served before the last reload."""

from __future__ import annotations

from infer_cli.commands.reload import rollback

__all__ = ["rollback"]
