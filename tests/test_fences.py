"""Who may import what; see the picture in the README."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What decides, and touches nothing.
PURE = ("image", "dockerfile", "labels", "base", "plan", "errors", "engine/events")
# What reads or writes something, or tells the time. `pathlib` is also how a plan names files.
INPUT_AND_OUTPUT = {
    "asyncio",
    "datetime",
    "glob",
    "http",
    "io",
    "os",
    "platform",
    "random",
    "shutil",
    "signal",
    "socket",
    "subprocess",
    "tarfile",
    "tempfile",
    "time",
    "urllib",
    "uuid",
}
# What takes long to import, and few commands need.
SLOW = (
    "docker",
    "flask",
    "infer_cli.inspection",
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


def imports_of(module: str) -> set[str]:
    """The names of all modules that a module imports, wherever it does so; not those for types alone."""
    tree = ast.parse((ROOT / f"{module}.py").read_text())
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found


def importers_of(package: str, *, within: str) -> set[str]:
    return {
        module
        for module in modules_of(within)
        if any(name.partition(".")[0] == package for name in imports_of(module))
    }


def test_only_the_engine_imports_docker() -> None:
    importers = importers_of("docker", within="infer_cli")

    assert importers
    assert {Path(module).parent.as_posix() for module in importers} == {"infer_cli/engine"}


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        pytest.param("flask", {"service/app"}, id="flask"),
        pytest.param("werkzeug", {"service/app"}, id="werkzeug"),
        pytest.param("granian", {"service/server"}, id="granian"),
        pytest.param("prometheus_client", {"service/metrics"}, id="prometheus_client"),
        pytest.param("infer_cli", set(), id="infer_cli"),
    ],
)
def test_in_the_service_only_one_imports(package: str, expected: set[str]) -> None:
    assert importers_of(package, within="service") == expected


@pytest.mark.parametrize("package", ["service", "flask", "granian", "sklearn", "joblib", "pickle"])
def test_infer_imports_nothing_that_serves_or_loads_a_model(package: str) -> None:
    assert importers_of(package, within="infer_cli") == set()


@pytest.mark.parametrize("package", ["click", "pkg_resources"])
def test_nothing_imports_what_typer_has_its_own_copy_of(package: str) -> None:
    assert importers_of(package, within="infer_cli") == set()


@pytest.mark.parametrize("module", PURE)
def test_what_decides_touches_nothing(module: str) -> None:
    imported = {name.partition(".")[0] for name in imports_of(f"infer_cli/{module}")}

    assert imported & INPUT_AND_OUTPUT == set()


@pytest.mark.parametrize(
    "module", [module for module in modules_of("infer_cli") if "/commands/" not in module]
)
def test_only_commands_and_the_command_line_talk(module: str) -> None:
    """The library raises; what is said goes through `output`, which only these use."""
    talks = {"infer_cli/cli"}
    source = (ROOT / f"{module}.py").read_text()

    uses_output = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "infer_cli"
        and "output" in {alias.name for alias in node.names}
        for node in ast.walk(ast.parse(source))
    )
    assert not uses_output or module in talks
    assert "sys.exit" not in source


def test_the_command_line_starts_without_what_is_slow() -> None:
    script = f"""
import sys
import infer_cli.cli
print([name for name in {SLOW!r} if name in sys.modules])
"""

    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert finished.stdout.strip() == "[]"
