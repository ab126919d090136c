from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

from service.finish_image import FIXED_MTIME, compile_tree

if TYPE_CHECKING:
    from pathlib import Path


def write_modules(folder: Path) -> list[Path]:
    """Write modules that share many words, in several folders."""
    modules = [folder / f"package{number % 3}" / f"module{number}.py" for number in range(20)]
    for number, module in enumerate(modules):
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(f"def shared(value):\n    return {{'a': value, 'n': {number}}}\n")
    return modules


def test_every_module_is_compiled_at_the_fixed_time(tmp_path: Path) -> None:
    modules = write_modules(tmp_path)

    compile_tree(tmp_path)

    for module in modules:
        bytecode = tmp_path / importlib.util.cache_from_source(str(module))
        assert bytecode.stat().st_mtime == bytecode.parent.stat().st_mtime == FIXED_MTIME


def test_the_same_modules_give_the_same_bytes(tmp_path: Path) -> None:
    def compiled(name: str) -> dict[str, bytes]:
        folder = tmp_path / name / "packages"
        write_modules(folder)
        compile_tree(folder)
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.pyc")}
        return {path: content.replace(name.encode(), b"") for path, content in found.items()}

    first = compiled("a1")

    assert len(first) == 20
    assert compiled("b2") == first


def test_modules_of_other_pythons_and_skipped_ones_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("good.py", "tests/skipped.py"):
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / "old.py").write_text("print 'old'\n")

    compile_tree(tmp_path, skip=re.compile("/tests/"))

    assert [path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")] == ["good"]
