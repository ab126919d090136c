"""Which room may import which; docs/architecture.md tells what each room is for."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Which room may import which, from top to bottom: a room imports only rooms that stand below it. A room is a
# folder, a single module, or a package with the modules that lie in no room of it.
ROOMS: dict[str, set[str]] = {
    "service": {
        "service/workers",
        "service/application",
        "service/telemetry",
        "service/protocols",
        "service/loading",
        "service/models",
        "service/compiler",
        "service/native",
        "service/schema",
        "service/stages",
        "service/confinement",
        "service/platforms",
        "service/settings",
        "service/logs",
        "service/errors",
        "service/json_values",
    },
    "service/workers": {
        "service/application",
        *("service/drift", "service/telemetry", "service/tracing"),
        "service/admission",
        "service/stages",
        "service/confinement",
        "service/settings",
        "service/logs",
        "service/errors",
    },
    "service/application": {
        *("service/web", "service/access", "service/protocols", "service/prediction", "service/drift"),
        *("service/telemetry", "service/tracing", "service/admission", "service/loading"),
        *("service/schema", "service/settings", "service/logs", "service/json_values"),
    },
    "service/web": {
        *("service/access", "service/protocols", "service/prediction", "service/drift"),
        *("service/telemetry", "service/tracing", "service/admission", "service/schema", "service/logs"),
        *("service/errors", "service/json_values"),
    },
    "service/access": {"service/logs", "service/errors"},
    "service/protocols": {
        "service/prediction",
        "service/loading",
        "service/models",
        "service/native",
        "service/schema",
        "service/errors",
        "service/json_values",
    },
    "service/prediction": {
        "service/drift",
        "service/models",
        "service/compiler",
        "service/schema",
        "service/errors",
        "service/json_values",
    },
    "service/drift": {"service/telemetry", "service/schema", "service/json_values"},
    "service/telemetry": {"service/admission", "service/errors", "service/json_values"},
    "service/tracing": {"service/logs"},
    "service/loading": {
        "service/models",
        "service/compiler",
        "service/schema",
        "service/stages",
        "service/settings",
        "service/logs",
        "service/errors",
        "service/json_values",
    },
    "service/models": {"service/compiler", "service/schema", "service/errors", "service/json_values"},
    "service/admission": {"service/errors"},
    "service/compiler": {"service/native", "service/schema", "service/errors", "service/json_values"},
    "service/native": set(),
    "service/schema": {"service/errors", "service/json_values"},
    "service/stages": set(),
    "service/confinement": {"service/settings"},
    "service/platforms": set(),
    "service/settings": {"service/errors"},
    "service/logs": set(),
    "service/errors": {"service/json_values"},
    "service/json_values": set(),
    "infer_cli": {"infer_cli/cli", "infer_cli/saving"},
    "infer_cli/cli": {"infer_cli/commands", "infer_cli/terminal", "infer_cli/errors"},
    "infer_cli/commands": {
        *("infer_cli/certificates", "infer_cli/tokens"),
        "infer_cli/example",
        *("infer_cli/building", "infer_cli/monitoring", "infer_cli/running", "infer_cli/terminal"),
        *("infer_cli/load", "infer_cli/client", "infer_cli/engine", "infer_cli/plan"),
        "infer_cli/packages",
        "infer_cli/image",
        "infer_cli/inspection",
        "infer_cli/errors",
    },
    "infer_cli/saving": {"infer_cli/distribution", "infer_cli/errors"},
    "infer_cli/example": {"infer_cli/errors", "infer_cli/assets"},
    "infer_cli/building": {
        "infer_cli/distribution",
        "infer_cli/cache",
        "infer_cli/running",
        "infer_cli/terminal",
        "infer_cli/client",
        "infer_cli/engine",
        "infer_cli/plan",
        "infer_cli/packages",
        "infer_cli/image",
        "infer_cli/inspection",
        "infer_cli/inspection/files",
        "infer_cli/errors",
        "infer_cli/assets",
    },
    "infer_cli/monitoring": {
        *("infer_cli/running", "infer_cli/client", "infer_cli/engine", "infer_cli/errors", "infer_cli/tokens")
    },
    "infer_cli/running": {
        *(
            "infer_cli/cache",
            *("infer_cli/certificates", "infer_cli/tokens"),
            "infer_cli/terminal",
            "infer_cli/client",
            "infer_cli/engine",
        ),
        *("infer_cli/plan", "infer_cli/packages", "infer_cli/image", "infer_cli/inspection"),
        *("infer_cli/errors", "infer_cli/assets"),
    },
    "infer_cli/terminal": {"infer_cli/engine", "infer_cli/image", "infer_cli/errors"},
    "infer_cli/load": {"infer_cli/client", "infer_cli/errors"},
    "infer_cli/client": {"infer_cli/errors"},
    "infer_cli/engine": {
        "infer_cli/tokens",
        "infer_cli/plan",
        "infer_cli/image",
        "infer_cli/reproducible_tar",
        "infer_cli/errors",
    },
    "infer_cli/plan": {
        "infer_cli/packages",
        "infer_cli/image",
        "infer_cli/inspection",
        "infer_cli/reproducible_tar",
        "infer_cli/errors",
        "infer_cli/assets",
    },
    "infer_cli/packages": {
        "infer_cli/cache",
        "infer_cli/image",
        "infer_cli/inspection",
        "infer_cli/reproducible_tar",
        "infer_cli/errors",
        "infer_cli/assets",
    },
    "infer_cli/image": {"infer_cli/reproducible_tar", "infer_cli/errors"},
    "infer_cli/inspection": {
        "infer_cli/inspection/values",
        "infer_cli/inspection/formats",
        "infer_cli/inspection/formats/pickles",
        "infer_cli/inspection/facts",
        "infer_cli/inspection/nodes",
        "infer_cli/inspection/files",
        "infer_cli/errors",
    },
    "infer_cli/inspection/values": {
        "infer_cli/inspection/facts",
        "infer_cli/inspection/nodes",
        "infer_cli/inspection/files",
    },
    "infer_cli/inspection/formats": {
        "infer_cli/inspection/formats/pickles",
        "infer_cli/inspection/facts",
        "infer_cli/inspection/nodes",
        "infer_cli/inspection/files",
    },
    "infer_cli/inspection/formats/pickles": {
        "infer_cli/inspection/facts",
        "infer_cli/inspection/nodes",
        "infer_cli/inspection/files",
    },
    "infer_cli/inspection/facts": {
        "infer_cli/distribution",
        "infer_cli/inspection/nodes",
        "infer_cli/inspection/files",
        "infer_cli/errors",
        "infer_cli/assets",
    },
    "infer_cli/inspection/nodes": set(),
    "infer_cli/inspection/files": {"infer_cli/errors", "infer_cli/cache"},
    "infer_cli/certificates": {"infer_cli/tokens", "infer_cli/errors"},
    "infer_cli/reproducible_tar": set(),
    "infer_cli/distribution": set(),
    "infer_cli/errors": set(),
    "infer_cli/cache": set(),
    "infer_cli/tokens": set(),
    "infer_cli/assets": set(),
}
# What decides, and touches nothing.
PURE = (
    *("image/name", "image/base", "plan/build", "plan/dockerfile"),
    *("plan/labels", "plan/trust", "errors", "engine/events", "monitoring/figures"),
)
TALKING = ("infer_cli/cli", "infer_cli/commands", "infer_cli/terminal")
# What reads or writes something, or tells the time. `pathlib` is also how a plan names files.
INPUT_AND_OUTPUT = {
    *("asyncio", "datetime", "glob", "http", "io", "os", "platform", "random", "shutil", "signal"),
    *("socket", "subprocess", "tarfile", "tempfile", "time", "urllib", "uuid"),
}
# What takes long to import, and few commands need.
SLOW = (
    "docker",
    "flask",
    *(f"infer_cli.{room}" for room in ("building", "client", "engine", "inspection", "load")),
    *("infer_cli.monitoring", "infer_cli.packages", "infer_cli.running"),
    "numpy",
    "pandas",
    "psutil",
    "pyarrow",
    "pydantic",
    "requests",
    "rich",
    "sklearn",
    "uv",
)


def modules_of(package: str) -> list[str]:
    """The modules of a package as paths without their ending."""
    files = (ROOT / package).rglob("*.py")
    return sorted(file.relative_to(ROOT).with_suffix("").as_posix() for file in files)


def imports_of(module: str, *, for_types: bool = False) -> set[str]:
    """The names of all modules that a module imports, wherever it does so; those for types only if asked."""
    tree = ast.parse((ROOT / f"{module}.py").read_text())
    left_out = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not for_types
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if is_module(name) else str(node.module) for name in names)
    return found


def is_module(name: str) -> bool:
    """Whether a dotted name is a module or package of this project."""
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def importers_of(package: str, *, within: str) -> set[str]:
    return {
        module
        for module in modules_of(within)
        if any(name.partition(".")[0] == package for name in imports_of(module))
    }


def room_of(module: str) -> str | None:
    """The room of a module, or of a package, given as a path; None for modules of others."""
    folders = [module, *(parent.as_posix() for parent in Path(module).parents)]
    return next((folder for folder in folders if folder in ROOMS), None)


def rooms_imported_by(room: str) -> set[str]:
    """The other rooms that the modules of a room import, for types alone or to run."""
    imported = {
        room_of(name.replace(".", "/"))
        for module in modules_of(room.partition("/")[0])
        if room_of(module) == room
        for name in imports_of(module, for_types=True)
        # A package by itself has no more than its version.
        if "." in name
    }
    return {other for other in imported if other and other != room}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_the_rooms_of_the_table(room: str) -> None:
    """And no fewer, so that the table says what is."""
    assert rooms_imported_by(room) == ROOMS[room]


@pytest.mark.parametrize("package", ["service", "infer_cli"])
def test_no_room_imports_a_room_above_it(package: str) -> None:
    order = [room for room in ROOMS if room.partition("/")[0] == package]

    climbing = {
        (room, other) for room in order for other in ROOMS[room] if order.index(other) <= order.index(room)
    }

    assert climbing == set()


@pytest.mark.parametrize("package", ["service", "infer_cli"])
def test_no_modules_import_each_other_in_a_circle(package: str) -> None:
    """Not for types alone either, and not by way of others."""
    waiting = {
        module: {name.replace(".", "/") for name in imports_of(module, for_types=True)}
        for module in modules_of(package)
    }
    done: set[str] = set()
    while ready := {module for module, imported in waiting.items() if not imported & waiting.keys()}:
        done |= ready
        waiting = {module: imported for module, imported in waiting.items() if module not in done}

    assert waiting == {}


def test_only_the_engine_imports_docker() -> None:
    importers = importers_of("docker", within="infer_cli")

    assert importers
    assert {Path(module).parent.as_posix() for module in importers} == {"infer_cli/engine"}


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        pytest.param(
            "flask", {"service/web/app", "service/web/bodies", "service/web/error_answers"}, id="flask"
        ),
        pytest.param("werkzeug", {"service/web/app", "service/web/error_answers"}, id="werkzeug"),
        pytest.param("granian", {"service/workers/server", "service/workers/supervisor"}, id="granian"),
        pytest.param("prometheus_client", {"service/telemetry/prometheus"}, id="prometheus_client"),
        pytest.param("infer_cli", set(), id="infer_cli"),
    ],
)
def test_in_the_service_only_one_room_imports(package: str, expected: set[str]) -> None:
    assert importers_of(package, within="service") == expected


@pytest.mark.parametrize("package", ["service", "flask", "granian", "sklearn", "joblib", "pickle"])
def test_infer_imports_nothing_that_serves_or_loads_a_model(package: str) -> None:
    # `save` runs in the training script, which has the model anyway.
    assert {room_of(name) for name in importers_of(package, within="infer_cli")} <= {"infer_cli/saving"}


@pytest.mark.parametrize("package", ["click", "pkg_resources"])
def test_nothing_imports_what_typer_has_its_own_copy_of(package: str) -> None:
    assert importers_of(package, within="infer_cli") == set()


@pytest.mark.parametrize("module", PURE)
def test_what_decides_touches_nothing(module: str) -> None:
    imported = {name.partition(".")[0] for name in imports_of(f"infer_cli/{module}")}

    assert imported & INPUT_AND_OUTPUT == set()


@pytest.mark.parametrize("module", modules_of("infer_cli"))
def test_only_commands_and_the_command_line_talk(module: str) -> None:
    """The library raises; what is said goes through `output`, which only these use."""
    imports = imports_of(module)
    source = (ROOT / f"{module}.py").read_text()

    assert "infer_cli.terminal.output" not in imports or room_of(module) in TALKING
    assert "sys.exit" not in source


def test_the_command_line_starts_without_what_is_slow() -> None:
    """Neither the import of the command line nor its help needs any of them."""
    script = f"""
import contextlib, io, sys
import infer_cli.cli
with contextlib.redirect_stdout(io.StringIO()) as help_text, contextlib.suppress(SystemExit):
    infer_cli.cli.main(["--help"])
assert "Usage: infer" in help_text.getvalue()
print([name for name in {SLOW!r} if name in sys.modules])
"""

    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert finished.stdout.strip() == "[]"
