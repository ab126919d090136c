"""What to do with a file whose names are refused: where it can be said, the whole line to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.places import ROOT
from infer_cli.inspection.facts.requirements import DISTRIBUTIONS
from infer_cli.inspection.files.find import model_stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infer_cli.inspection.facts.judgement import Judgement
    from infer_cli.inspection.facts.model import Inspection
    from infer_cli.inspection.facts.wrappers import Wrapper

# The file that the lines of Python write beside the refused one.
_NEW = "served.joblib"
# A tag of an image takes these letters alone.
_NO_TAG = re.compile(r"[^a-z0-9._-]+")


def advice(model: Inspection, refused: list[Judgement]) -> str:
    """Say what to do with a model of which these names are refused."""
    if model.whereabouts.wrapper is not None:
        return _unwrapped(model, model.whereabouts.wrapper)
    of_script = sorted({one.name.name for one in refused if one.name.module == "__main__"})
    if model.whereabouts.part is not None:
        # What the names stand for is not used: any class will do.
        names = " ".join(f'__main__.{name} = type("{name}", (), {{}});' for name in of_script)
        line = f"import __main__, joblib; {names} " if names else "import joblib; "
        return (
            f"{model.whereabouts.part} predicts alone, and holds none of the names. If you made the file, "
            f"save that:\n  {_python(model, line, model.whereabouts.part)}\n{_new_file(model)}"
        )
    unneeded = _without(model, refused)
    if unneeded:
        changes = " ".join(f"{place} = None;" for place in unneeded)
        line = f"import joblib; {ROOT} = joblib.load({_text(model.path)}); {changes} "
        return (
            "if you made the file, take out what predictions do not need:\n"
            f"  {_python(model, line, None)}\n{_new_file(model)}"
        )
    if of_script:
        return _own_module(model, of_script)
    if any(one.verdict == "dangerous" for one in refused):
        where = _where(model, refused)
        return (
            f"do not load it, unless you made it yourself: then save the fitted model without them{where} "
            "(see Safety in the documentation)"
        )
    return _trust(model, refused)


def _unwrapped(model: Inspection, wrapper: Wrapper) -> str:
    """Give the line that makes a pipeline of scikit-learn of what an AutoML package put around it."""
    if wrapper.steps is None:
        return _refitted(model, wrapper)
    parts = ", ".join([*wrapper.steps, wrapper.estimator])
    names = ""
    if wrapper.classes is not None:
        targets = "last._le.classes_ = last._classes" if wrapper.booster else "last.classes_"
        names = f"last = {wrapper.estimator}; {targets} = {wrapper.classes}; "
    line = (
        "import joblib; from sklearn.pipeline import make_pipeline; "
        f"{ROOT} = joblib.load({_text(model.path)}); {names}"
    )
    return (
        f"infer serves the scikit-learn pipeline in what {wrapper.package} made. If you made the file, save "
        "that, in the environment in which it was trained:\n"
        f"  {_python(model, line, f'make_pipeline({parts})')}\n{_new_file(model)}"
    )


def _refitted(model: Inspection, wrapper: Wrapper) -> str:
    """Give the line that fits a pipeline of scikit-learn with the estimator that an AutoML package chose."""
    encoded = 'OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")'
    table = f"make_column_transformer(({encoded}), remainder=SimpleImputer(), sparse_threshold=0)"
    target = "LabelEncoder().fit_transform(y)" if wrapper.takes_numbers else "y"
    line = (
        "import joblib; from sklearn.base import clone; from sklearn.compose import make_column_selector, "
        "make_column_transformer; from sklearn.impute import SimpleImputer; from sklearn.pipeline import "
        "make_pipeline; from sklearn.preprocessing import LabelEncoder, OneHotEncoder; "
        f"{ROOT} = joblib.load({_text(model.path)}); "
        f"joblib.dump(make_pipeline({table}, clone({wrapper.estimator})).fit(X, {target}), "
        f"{_text(model.path.with_name(_NEW))})"
    )
    numbers = "; it will answer with the numbers of the sorted classes" if wrapper.takes_numbers else ""
    return (
        f"{wrapper.package} prepares these columns or classes in code of its own, which infer cannot serve. "
        "Fit a pipeline of scikit-learn that ends in the chosen estimator, with this line in the training "
        f"script, where X is the table of features and y what is predicted{numbers}:\n"
        f"  {line}\n{_new_file(model)}"
    )


def code_options(modules: Iterable[str], near: Path) -> str:
    """Give the options `--code` for modules of the user's own: their files, where they lie near the model."""
    return " ".join(f"--code {shlex.quote(str(_code_of(module, near)))}" for module in sorted(set(modules)))


def build_command(model: Inspection, options: str) -> str:
    """Give the whole command that builds an image of the model."""
    return f"{_build_of(model.path)} {options}"


def _build_of(path: Path) -> str:
    tag = _NO_TAG.sub("-", model_stem(path.name).lower()).strip("-._") or "model"
    folder = shlex.quote(str(path.parent))
    return f"infer build --tag {tag} --model-dir {folder} --model-file {shlex.quote(path.name)}"


def _new_file(model: Inspection, *options: str) -> str:
    """Give the command that builds an image of the new file."""
    command = " ".join([_build_of(model.path.with_name(_NEW)), *options])
    naming = ", naming its columns in their order" if "--features" in command else ""
    return f"and build with the new file{naming}:\n  {command}"


def _trust(model: Inspection, refused: list[Judgement]) -> str:
    """Give the build of a model with the user's own code, or with a package that infer does not know."""
    modules = sorted({one.name.module.partition(".")[0] for one in refused})
    known = [module for module in modules if module in DISTRIBUTIONS]
    own = [module for module in modules if module not in DISTRIBUTIONS]
    options = " ".join(
        [f"--trust {module}" for module in known] + ([code_options(own, model.path)] if own else [])
    )
    text = f"if you know that the code is harmless, build with it:\n  {build_command(model, options)}"
    if own:
        packages = " ".join(f"--require {module} --trust {module}" for module in own)
        text += f"\nor, if it is an installed package, with {packages} in the place of --code"
    return text


def _own_module(model: Inspection, names: list[str]) -> str:
    """Say how a class of the training script gets a module, without another training."""
    changes = " ".join(f"__main__.{name} = own.{name};" for name in names)
    line = f"import __main__, joblib, own; {changes} "
    options = ["--code own.py"]
    if model.unknown_entry is not None:
        options.append("--features first,second")
    return (
        f"move {', '.join(names)} from the training script into a module, own.py, beside which this line "
        f"writes the model anew:\n  {_python(model, line, f'joblib.load({_text(model.path)})')}\n"
        f"{_new_file(model, *options)}"
    )


def _python(model: Inspection, line: str, what: str | None) -> str:
    """Give the command that runs lines of Python, and saves `what` or the changed model in a new file."""
    target = model.path.with_name(_NEW)
    if what is None:
        what = ROOT
    elif what.startswith(f"{ROOT}."):
        what = f"joblib.load({_text(model.path)}){what.removeprefix(ROOT)}"
    return f"python -c {shlex.quote(f'{line}joblib.dump({what}, {_text(target)})')}"


def _text(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _without(model: Inspection, refused: list[Judgement]) -> list[str]:
    """Give what to set to None so that the names are gone, where predictions surely do not need it.

    In a file of several objects that is an entry beside the model, and in the model an attribute that is no
    parameter. A parameter that is None may mean another computation.
    """
    places = dict(model.whereabouts.places)
    found = []
    for one in refused:
        place = places.get(one.name, "")
        entry = re.match(rf"{ROOT}\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]", place)
        if (
            entry
            and model.whereabouts.member
            and not f"{model.whereabouts.member}[".startswith(f"{entry[0]}[")
        ):
            found.append(entry[0])
        elif one.verdict == "dangerous" and (attribute := re.match(r".*?\.\w+[a-z0-9]_(?=\W|$)", place)):
            found.append(attribute[0])
        else:
            return []
    return sorted(set(found))


def _where(model: Inspection, refused: list[Judgement]) -> str:
    places = dict(model.whereabouts.places)
    found = sorted({places[one.name] for one in refused if one.name in places} - {ROOT})
    return f": they are at {', '.join(found[:5])}" if found else ""


def _code_of(module: str, near: Path) -> Path:
    """Give the file or folder of a module, if it is here or beside the model; else what it must be called."""
    # MLflow keeps the code of a model in `code`, as SageMaker does.
    for folder in (Path(), near.parent, near.parent / "code", near.parent.parent):
        for found in (folder / f"{module}.py", folder / module):
            if found.exists():
                return found
    return Path(f"{module}.py")
