"""Completes the names of commands, services and images in the shell; gives none if no engine answers."""

from __future__ import annotations

from pathlib import Path

import typer  # noqa: TC002 (Typer reads the annotations of what completes)

from infer_cli.errors import InferError
from infer_cli.terminal.words import looks_like_file


def complete_command(ctx: typer.Context, incomplete: str) -> list[str]:
    """The names of the commands that begin with `incomplete`."""
    names: list[str] = ctx.find_root().command.list_commands(ctx)  # type: ignore[attr-defined]  # it is a group
    return [name for name in names if name.startswith(incomplete)]


def complete_service(incomplete: str) -> list[str]:
    """The names of all services that begin with `incomplete`."""
    return _services(incomplete, all_states=True)


def complete_running_service(incomplete: str) -> list[str]:
    """The names of the running services that begin with `incomplete`."""
    return _services(incomplete, all_states=False)


def complete_image(incomplete: str) -> list[str]:
    """The tags that begin with `incomplete`, of the images that infer made."""
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.images import service_image_tags  # noqa: PLC0415

    try:
        return [tag for tag in service_image_tags(connect()) if tag.startswith(incomplete)]
    except InferError:
        return []


def complete_model_or_image(incomplete: str) -> list[str]:
    """The model files, folders and images that begin with `incomplete`; folders end in a slash."""
    folder, _, start = incomplete.rpartition("/")
    root = Path(f"{folder}/" if "/" in incomplete else ".")
    found = sorted(root.iterdir()) if root.is_dir() else []
    begins = [path for path in found if path.name.startswith(start) and not path.name.startswith(".")]
    prefix = f"{folder}/" if "/" in incomplete else ""
    files = [f"{prefix}{path.name}" for path in begins if path.is_file() and looks_like_file(path.name)]
    folders = [f"{prefix}{path.name}/" for path in begins if path.is_dir()]
    return [*files, *folders, *complete_image(incomplete)]


def complete_service_or_image(incomplete: str) -> list[str]:
    """The names of the running services, and then the tags, that begin with `incomplete`."""
    return [*complete_running_service(incomplete), *complete_image(incomplete)]


def _services(incomplete: str, *, all_states: bool) -> list[str]:
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.services import list_services  # noqa: PLC0415

    try:
        services = list_services(connect(), all_states=all_states)
    except InferError:
        return []
    return [service.name for service in services if service.name.startswith(incomplete)]
