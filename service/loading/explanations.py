"""Explains in one line, with advice, why a model file cannot be loaded; and puts warnings into one line."""

from __future__ import annotations

import importlib.util
import pickle
import re
import sysconfig
import traceback
import zipfile
import zlib
from pathlib import PurePath
from typing import TYPE_CHECKING

from service.errors import RIGHTS_ADVICE, Forbidden, ModelUnloadable, is_refused, with_article
from service.loading.signatures import is_known, start_of

if TYPE_CHECKING:
    from pathlib import Path

# Words in the errors of unpicklers, decompressors and NumPy for a file that ends too early.
CUT_SHORT = re.compile(
    "truncated|exhausted|incomplete|EOF|requires a buffer|ended before|^index out of range", re.IGNORECASE
)

# The error of a name that a module does not have. Other errors of attributes come from broken files.
MISSING_NAME = re.compile(r"^Can't get attribute|^module '|^partially initialized module|__main__")
# What reads the bytes of files: its errors tell of the file. So do those of Python itself.
READERS = PurePath(__file__).parents[1]
FILE_PACKAGES = ("joblib", "skops")

SAVE_ADVICE = "Save the trained model with joblib.dump(model, 'model.joblib')"
TRUST_ADVICE = (
    "Serve it only if you know who made it; if the name is of your own code, allow it with --trust MODULE "
    "(or TRUST=MODULE)"
)
SAFETY_ADVICE = "Do not use this file, unless you made it yourself; then save the fitted model alone"
CONTENTS_ADVICE = (
    "If you made this file, take that value out, save the model again, and report the refusal with what "
    "infer inspect MODEL --json prints (CONTRIBUTING.md says where); if you did not make it, do not use it"
)
# Packages that write the code of a function or class of the training script into the file.
BY_VALUE = ("cloudpickle", "dill")
BY_VALUE_ADVICE = (
    "Define the classes and functions of the training script in a module, import them from there, train "
    "again, and use an image that has the module; or save the model with infer_cli.save"
)
FIT_ADVICE = (
    "Try model.predict with one row in Python; if it answers there, report this line, else train again"
)
LONGEST_ERROR = 200
MEMORY_ADVICE = "Copy or save the model again; if that changes nothing, give the service more memory"
COPY_ADVICE = "Copy or save the model again, and compare the sizes"
RETRAIN_ADVICE = (
    "Use an image with the packages that the model was trained with, or train it again with these"
)


def explain(file: Path, error: Exception, versions: str | None = None) -> ModelUnloadable:
    """Explain the error of a loader in words that need no knowledge of the loader.

    `versions` is what scikit-learn says of the version that wrote the file, if it is another one.
    """
    if isinstance(error, pickle.UnpicklingError) and not CUT_SHORT.search(str(error)):
        return _explain_refusal(file, error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _explain_missing_module(file, error.name)
    if isinstance(error, AttributeError) and MISSING_NAME.search(str(error)):
        return _explain_missing_name(file, str(error))
    if is_refused(error):
        return ModelUnloadable(file, f"loading it raised {type(error).__name__}: {error}", RIGHTS_ADVICE)
    if isinstance(error, MemoryError):
        return ModelUnloadable(file, "it does not fit into memory", MEMORY_ADVICE)
    return _explain_error(file, error, versions)


def _explain_error(file: Path, error: Exception, versions: str | None) -> ModelUnloadable:
    """Tell a broken file from one that the packages here do not understand, by who raised the error."""
    if isinstance(error, EOFError) or CUT_SHORT.search(str(error)):
        return ModelUnloadable(file, "it is cut short", COPY_ADVICE)
    said = _first_line(error)
    if not is_known(start_of(file)):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
    if isinstance(error, (zipfile.BadZipFile, zlib.error)):
        return ModelUnloadable(file, f"it is damaged ({error})", COPY_ADVICE)
    if versions:
        return ModelUnloadable(file, f"loading it raised {said}; {versions}", RETRAIN_ADVICE)
    raised_by = _package_that_raised(error)
    if raised_by is None:
        return ModelUnloadable(file, f"it is damaged ({said})", COPY_ADVICE)
    reason = f"it is damaged, or another version of {raised_by} made it: loading it raised {said}"
    advice = "Copy or save the model again; if that changes nothing, use an image with that version"
    return ModelUnloadable(file, reason, advice)


def _first_line(error: Exception) -> str:
    """Give the class and the first line of an error: some libraries add a whole stack."""
    line = next(iter(str(error).splitlines()), "")[:LONGEST_ERROR]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _package_that_raised(error: Exception) -> str | None:
    """Give the package, or own module, whose code raised an error; None for what only reads files."""
    path = PurePath(traceback.extract_tb(error.__traceback__)[-1].filename)
    if path.is_relative_to(READERS) or path.is_relative_to(sysconfig.get_path("stdlib")):
        found = [at for at, part in enumerate(path.parts) if part.endswith("-packages")]
        name = path.parts[found[-1] + 1] if found else None
    elif path.is_absolute():
        # In an image, the packages and own code lie in folders of these names.
        found = [at for at, part in enumerate(path.parts) if part.endswith("packages")]
        name = path.parts[found[-1] + 1] if found else path.stem
    else:
        # Compiled code names its source as it lay when it was compiled: sklearn/tree/_tree.pyx.
        name = path.parts[0] if len(path.parts) > 1 else "package"
    return None if name in FILE_PACKAGES else name


def explain_model(file: Path, held: object, error: Exception) -> ModelUnloadable:
    """Explain an error of a model that was loaded, and cannot tell what it takes and gives: it is broken."""
    name = with_article(type(held).__name__)
    if isinstance(error, RecursionError):
        return ModelUnloadable(file, f"it holds {name} whose parts hold themselves", SAVE_ADVICE)
    if isinstance(error, MemoryError):
        return ModelUnloadable(file, "it does not fit into memory", MEMORY_ADVICE)
    # The place tells a defect of the user's own class, or of this service, from one of the file.
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{'/'.join(PurePath(last.filename).parts[-2:])}, line {last.lineno}"
    said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    return ModelUnloadable(
        file, f"it holds {name} that lacks a part or has a wrong one ({said}; {place})", FIT_ADVICE
    )


def _explain_refusal(file: Path, error: pickle.UnpicklingError) -> ModelUnloadable:
    if not is_known(start_of(file)):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
    if not isinstance(error, Forbidden):
        return ModelUnloadable(file, f"it is damaged ({error})", COPY_ADVICE)
    if error.name is None:
        return ModelUnloadable(file, f"it {error}", SAFETY_ADVICE)
    if error.name.partition(".")[0] in BY_VALUE:
        reason = f"holds code itself: {error.name} makes it, and no such code is run, whatever is trusted"
        return ModelUnloadable(file, f"it {reason}", BY_VALUE_ADVICE)
    if error.name.startswith("__main__."):
        advice = "Move that code from the training script into a module that the image has, and train again"
        return ModelUnloadable(file, str(error), advice)
    return ModelUnloadable(file, str(error), TRUST_ADVICE if error.is_unknown else SAFETY_ADVICE)


def _explain_missing_module(file: Path, module: str) -> ModelUnloadable:
    reason = f"No module named {module!r}"
    package = module.partition(".")[0]
    if package != module and importlib.util.find_spec(package):
        reason += f" in the version of {package} that is here"
        return ModelUnloadable(file, reason, RETRAIN_ADVICE)
    return ModelUnloadable(file, reason, f"Use an image that has the package which provides {package}")


def _explain_missing_name(file: Path, message: str) -> ModelUnloadable:
    if "__main__" in message:
        advice = "Move that code from the training script into a module that the image has, and train again"
        return ModelUnloadable(file, message, advice)
    return ModelUnloadable(file, message, RETRAIN_ADVICE)


def is_about_versions(warning: Warning | str) -> bool:
    """Tell whether scikit-learn warns that another version of it wrote the file."""
    return hasattr(warning, "original_sklearn_version")


def warning_line(warning: Warning | str) -> str:
    """Put the warning of a library on one line; the warning about versions gets shorter words."""
    written_with = getattr(warning, "original_sklearn_version", None)
    here = getattr(warning, "current_sklearn_version", None)
    if written_with and here:
        versions = f"written with scikit-learn {written_with}, and this is scikit-learn {here}"
        return f"the model was {versions}: predictions may differ"
    return " ".join(str(warning).split())
