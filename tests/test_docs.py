"""What the documents say is true, and they leave nothing out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docs.build_site import SETTINGS, pages_of
from infer_cli import errors
from infer_cli.inspection.files.find import COMPRESSED_SUFFIXES, SUFFIXES
from service.telemetry.counter_sizes import REASONS
from tests.test_fences import ROOMS

_ROOT = Path(__file__).resolve().parent.parent
_DOCS = _ROOT / "docs"
_README = (_ROOT / "README.md").read_text()
_README_LINES = 180
_NAVIGATION = yaml.safe_load((_ROOT / SETTINGS).read_text())["nav"]
# The section of each page, which is its kind.
_KINDS = {
    page: section
    for entry in _NAVIGATION
    for section, pages in entry.items()
    if isinstance(pages, list)
    for page in pages_of(pages)
}


def _page(name: str) -> str:
    return (_DOCS / name).read_text()


def _sources(package: str) -> str:
    """The Python source of a package, so that a test does not depend on which module says something."""
    return "\n".join(path.read_text() for path in sorted((_ROOT / package).rglob("*.py")))


def test_readme_is_short() -> None:
    assert len(_README.splitlines()) <= _README_LINES


def test_readme_links_every_page() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+\.md)", _README))

    assert linked == set(pages_of(_NAVIGATION))


def test_index_links_every_other_page() -> None:
    linked = re.findall(r"\]\(([\w-]+\.md)\)", _page("index.md"))

    assert [*linked] == [page for page in pages_of(_NAVIGATION) if page != "index.md"]


@pytest.mark.parametrize("page", _KINDS)
def test_page_says_its_kind_in_its_first_words(page: str) -> None:
    title, _, rest = _page(page).partition("\n\n")

    assert title.startswith("# ")
    assert rest.startswith(f"**{_KINDS[page]}.** ")


def test_kinds_are_the_four_of_documentation() -> None:
    assert set(_KINDS.values()) == {"Tutorial", "How-to", "Reference", "Explanation"}


def test_section_of_the_readme_that_an_error_names_exists() -> None:
    named = re.findall(r"the README says more under (\w+)", _sources("infer_cli"))

    for section in named:
        assert f"\n## {section}\n" in _README


def test_page_of_commands_is_the_help_of_the_commands() -> None:
    printed = subprocess.run(
        [sys.executable, str(_DOCS / "commands_page.py")], check=True, capture_output=True, text=True
    )

    assert _page("commands.md") == printed.stdout, "run `make docs`"


def test_first_line_of_each_command_fits_the_list_of_commands() -> None:
    listed = _page("commands.md").split("Quick start:")[1].split("```")[0]

    for line in filter(None, listed.splitlines()):
        assert line.endswith((".", ":")), line


def test_every_setting_of_the_service_is_documented() -> None:
    settings = re.findall(r'reader\.\w+\("([A-Z_]+)"', _sources("service"))

    assert len(settings) >= 8
    for name in settings:
        assert f"| `{name}` |" in _page("settings.md")


def test_every_variable_of_the_command_line_is_documented() -> None:
    variables = set(re.findall(r'"((?:INFER|DOCKER|XDG|CONDA|VIRTUAL)_[A-Z_]+)"', _sources("infer_cli")))

    assert len(variables) >= 6
    for name in variables - {"INFER_COMPLETE"}:
        assert f"`{name}`" in _page("settings.md") or f"${name}/" in _page("settings.md"), name


def test_every_label_is_documented() -> None:
    labels = set(re.findall(r'"(infer\.[a-z.]+)"', _sources("infer_cli")))

    assert len(labels) >= 8
    for name in labels - {"infer.command"}:
        assert f"`{name}`" in _page("settings.md"), name


def test_every_metric_is_documented() -> None:
    metrics = re.findall(
        r'(?:Counter|Gauge|Histogram|Info)MetricFamily\("(\w+)"', _sources("service/telemetry")
    )

    assert len(metrics) >= 9
    for name in metrics:
        assert f"| `{name}" in _page("metrics.md")


def test_every_exit_code_is_documented() -> None:
    codes = {value.exit_code for value in vars(errors).values() if hasattr(value, "exit_code")}
    # 3 is a result and no error. 126 is set for one error only, 141 is what a closed pipe gives, and an error
    # of usage is Typer's own.
    documented = set(map(int, re.findall(r"^\| `(\d+)` \|", _page("exit-codes.md"), re.MULTILINE)))

    assert documented == {*codes, 0, 3, 126, 141}


def test_every_error_of_the_service_is_documented() -> None:
    source = _sources("service")
    codes = re.findall(r'\bcode(?:: str)? ?= ?"(\w+)"', source)
    codes += re.findall(r'_error\(\s*\d+,\s*"(\w+)"', source)
    codes += re.findall(r'return "(\w+)", (?:message|f")', source)
    problems = re.findall(r'InvalidValue\("(\w+)"', source) + re.findall(r'_add\([^"]*, "(\w+)"', source)

    assert len(set(codes)) >= 9
    assert len(set(problems)) >= 12
    for name in codes:
        assert re.search(rf"^\| \d+ \| `{name}` \|", _page("service.md"), re.MULTILINE), name
    for name in problems:
        assert re.search(rf"^\|.*`{name}`.* \|", _page("service.md"), re.MULTILINE), name


def test_every_suffix_of_a_model_is_documented() -> None:
    page = _page("formats.md")
    table = page.partition("\n\n## ")[0]

    for suffix in SUFFIXES:
        assert f"`{suffix}`" in table, suffix
    for suffix in COMPRESSED_SUFFIXES:
        assert f"`{suffix}`" in page, suffix


def test_page_of_architecture_has_the_rooms_and_their_imports() -> None:
    page = _page("architecture.md")
    found = re.findall(
        r"^\| `((?:service|infer_cli)[\w/]*?)(?:/|\.py)` \| .* \| (.*) \|$", page, re.MULTILINE
    )

    assert dict(found) == {room: _imports(room) for room in ROOMS}
    assert [room for room, _ in found] == list(ROOMS), "the order is that of the rooms, from top to bottom"


def _imports(room: str) -> str:
    """What the last column of the page says of a room."""
    names = [name.partition("/")[2] for name in ROOMS if name in ROOMS[room]]
    return ", ".join(f"`{name}`" for name in names) or "none"


@pytest.mark.parametrize(
    ("schema", "heading"), [("github-workflows", "## GitHub Actions"), ("gitlab-ci", "## GitLab CI")]
)
def test_ci_file_is_valid(schema: str, heading: str, tmp_path: Path) -> None:
    section = _page("ci.md").split(heading)[1]
    file = tmp_path / "ci.yml"
    file.write_text(section.split("```yaml\n")[1].split("```")[0])
    command = ["check_jsonschema", "--builtin-schema", f"vendor.{schema}", "--output-format", "json"]

    checked = subprocess.run(
        [sys.executable, "-m", *command, str(file)], capture_output=True, text=True, check=False
    )

    assert json.loads(checked.stdout)["errors"] == []
    assert checked.returncode == 0, checked.stderr


def test_every_problem_of_a_field_is_a_reason_of_refused_requests() -> None:
    table = _page("service.md").split("`problem` |")[1].split("\n\n")[0]
    first = "".join(line.partition(" |")[0] for line in table.splitlines())
    problems = set(re.findall(r"`(\w+)`", first))

    assert len(problems) > 10
    assert problems <= set(REASONS)
