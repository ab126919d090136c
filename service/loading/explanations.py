"""Explains in one line, with advice, why a model file cannot be loaded; and puts warnings into one line."""

from __future__ import annotations

import importlib.util
import pickle
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from service.errors import Forbidden, ModelUnloadable
from service.loading.signatures import is_known, start_of

if TYPE_CHECKING:
    from pathlib import Path

# Words in the errors of unpicklers, decompressors and NumPy for a file that ends too early.
CUT_SHORT = re.compile(
    "truncated|exhausted|incomplete|EOF|requires a buffer|ended before|^index out of range", re.IGNORECASE
)

SAVE_ADVICE = "Save the trained model with joblib.dump(model, 'model.joblib')"
TRUST_ADVICE = (
    "Serve it only if you know who made it; if the name is of your own code, allow it with --trust MODULE "
    "(or TRUST=MODULE)"
)
SAFETY_ADVICE = "Do not use this file, unless you made it yourself; then save the fitted model alone"
# Packages that write the code of a function or class of the training script into the file.
BY_VALUE = ("cloudpickle", "dill")
BY_VALUE_ADVICE = (
    "Define the classes and functions of the training script in a module, import them from there, train "
    "again, and use an image that has the module; or save the model with infer_cli.save"
)
COPY_ADVICE = "Copy or save the model again, and compare the sizes"
RETRAIN_ADVICE = (
    "Use an image with the packages that the model was trained with, or train it again with these"
)


def explain(file: Path, error: Exception) -> ModelUnloadable:  # noqa: PLR0911 (one return for each condition)
    """Explain the error of a loader in words that need no knowledge of the loader."""
    if isinstance(error, pickle.UnpicklingError) and not CUT_SHORT.search(str(error)):
        return _explain_refusal(file, error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _explain_missing_module(file, error.name)
    if isinstance(error, AttributeError):
        return _explain_missing_name(file, str(error))
    if isinstance(error, MemoryError):
        return ModelUnloadable(file, "it does not fit into memory", "Give the service more memory")
    if isinstance(error, (zipfile.BadZipFile, zlib.error)) and not CUT_SHORT.search(str(error)):
        return ModelUnloadable(file, f"it is damaged ({error})", COPY_ADVICE)
    if isinstance(error, EOFError) or CUT_SHORT.search(str(error)):
        return ModelUnloadable(file, "it is cut short", COPY_ADVICE)
    if not is_known(start_of(file)):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
    return ModelUnloadable(file, f"loading it raised {type(error).__name__}: {error}", RETRAIN_ADVICE)


def _explain_refusal(file: Path, error: pickle.UnpicklingError) -> ModelUnloadable:
    if not isinstance(error, Forbidden) or not is_known(start_of(file)):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
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
