"""Writes a model folder: whole and checked, or not at all.

The model is a plain pickle. infer reads and judges a pickle without running it, it needs no further package
in the image, and it keeps the estimators of every library as they are.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from infer_cli.saving.answers import ask, check_model, free_names
from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.first_step import check_first_step
from infer_cli.saving.fresh import check_fresh
from infer_cli.saving.lifting import Lifter, is_of_main
from infer_cli.saving.main_source import MainSource, main_globals
from infer_cli.saving.own_modules import copy_own_modules, distributions_of
from infer_cli.saving.references import named_objects, pickled
from infer_cli.saving.table import Table
from infer_cli.saving.target import CODE_NAME, EXAMPLES_NAME, MODEL_NAME, SCHEMA_NAME, drafted
from infer_cli.saving.values import is_finite, items_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path
    from types import FunctionType

# Packages whose versions decide an answer, if the training script has loaded them.
_ALWAYS = ("joblib", "numpy", "pandas", "scipy", "sklearn")


def save_model(model: object, folder: str | os.PathLike[str], X: Any, y: Any, rows: int) -> Path:  # noqa: ANN401, N803
    """Write the folder, and give its path; see `infer_cli.save`."""
    check_model(model)
    with drafted(folder) as (target, draft):
        _write(model, draft, X, y, rows)
    return target


def _write(model: object, draft: Path, X: Any, y: Any, rows: int) -> None:  # noqa: ANN401, N803
    code = draft / CODE_NAME
    named = named_objects(model)
    own, module = _lift(named, draft)
    file = draft / MODEL_NAME
    file.write_bytes(pickled(model, own.lifted, module))
    modules = {value.__module__.partition(".")[0] for value in named} - {"__main__"}
    texts = [own.text] if own.lifted else []
    needed = copy_own_modules(modules, texts, code)
    if hasattr(X, "iloc"):
        # Own code takes the rows as they were in training.
        needed.add("pandas")
    if own.lifted:
        code.mkdir(exist_ok=True)
        (code / f"{module}.py").write_text(own.text, encoding="utf-8")
    saved: dict[str, object] = {
        "by": f"infer {_version()}",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "packages": distributions_of({*needed, *(name for name in _ALWAYS if name in sys.modules)}),
    }
    if code.exists():
        saved["code"] = CODE_NAME
        saved["requires"] = sorted(distributions_of(needed))
    schema: dict[str, object] = {
        "digest": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
        "saved": saved,
    }
    given, answers = None, {}
    if X is not None:
        table = Table(X, _learned_names(model))
        chosen = _rows_to_show(table.row_count, y, rows)
        given = table.chosen(chosen)
        answers = ask(model, given)
        _check_count(model, answers, len(chosen))
        check_first_step(model, table, chosen, answers)
        schema["features"] = table.features()
        if absent := table.absent_names():
            schema["optional"] = absent
        if _write_examples(table, chosen, answers, draft / EXAMPLES_NAME):
            saved["examples"] = EXAMPLES_NAME
    (draft / SCHEMA_NAME).write_text(
        json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    check_fresh(file, code, given, answers)


def _check_count(model: object, answers: dict[str, list[object]], count: int) -> None:
    for name, values in answers.items():
        if len(values) != count:
            message = f"the {type(model).__name__} gives {len(values)} values as {name} for {count} rows"
            raise SaveFailed(message, hint="a service needs a model that gives one answer for each row")


def _version() -> str:
    try:
        return metadata.version("infer-cli")
    except metadata.PackageNotFoundError:
        return "(source)"


def _lift(named: Sequence[type | FunctionType], draft: Path) -> tuple[Lifter, str]:
    """Collect what the model names of `__main__`; also give the name of the module for it."""
    own = Lifter(MainSource.of_this_process(), main_globals())
    for value in named:
        if is_of_main(value):
            own.lift(value)
        elif value.__name__ == "<lambda>":
            message = f"the model holds a lambda of the module {value.__module__}, which no pickle can name"
            raise SaveFailed(message, hint="define a function with def there, and train again")
    name = re.sub(r"\W", "_", draft.name)
    return own, f"{name if name[:1].isalpha() else f'model_{name}'}_code"


def _learned_names(model: object) -> list[str] | None:
    try:
        names = getattr(model, "feature_names_in_", None)
    except Exception:  # noqa: BLE001 (a property of an estimator may raise anything)
        return None
    return None if names is None else [str(name) for name in items_of(names)]


def _rows_to_show(count: int, y: Any, wanted: int) -> list[int]:  # noqa: ANN401 (any library's)
    """Choose rows that are evenly spaced, and the first of every label."""
    shown = min(count, wanted)
    chosen = {at * count // shown for at in range(shown)}
    if y is not None:
        first: dict[object, int] = {}
        for at, label in enumerate(items_of(y)[:count]):
            if isinstance(label, (bool, int, str)) and len(first) < wanted:
                first.setdefault(label, at)
        chosen.update(first.values())
    return sorted(chosen)


def _write_examples(
    table: Table, chosen: Sequence[int], answers: dict[str, list[object]], file: Path
) -> bool:
    """Write the rows that JSON can say, with their answers; False if there are none."""
    names = free_names(table.names, list(answers))
    records = [
        {**record, **{names[name]: values[at] for name, values in answers.items()}}
        for at, record in enumerate(table.records(chosen))
        if is_finite(record)
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    if lines:
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return bool(lines)
